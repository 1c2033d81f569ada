/** The method: which one, what it does and when to use it, its formula on request, and its parameters. */
import { ChevronRight } from "lucide-react";
import type { AnyMethod } from "../../core/method.ts";
import { Explained } from "../help/term.tsx";
import { methodOf, setMethod } from "../state/edits.ts";
import { useModels } from "../state/models.ts";
import { useStudio } from "../state/studio.ts";
import { Params } from "./params.tsx";
import { MethodPicker } from "./picker.tsx";
import { PresetMenu } from "./presets.tsx";

const ARXIV = /arXiv:([\d.]*\d)/;
const DOI = /doi:([^\s;,]+)/;

/** Where the paper can be read; null for a reference without an address. */
export function paperOf(reference: string): string | null {
  const arxiv = ARXIV.exec(reference)?.[1];
  const doi = DOI.exec(reference)?.[1];
  return arxiv !== undefined ? `https://arxiv.org/abs/${arxiv}` : doi !== undefined ? `https://doi.org/${doi}` : null;
}

export function MethodPanel() {
  const recipe = useStudio((state) => state.recipe);
  const edit = useStudio((state) => state.edit);
  const names = useModels((state) => state.list).map(({ summary }) => summary.name);
  const method = methodOf(recipe);
  if (method === undefined) return null;
  return (
    <section className="method" aria-label="Method">
      <div className="method-what">
        <div className="method-head">
          <MethodPicker method={method} onChoose={(id) => edit((r) => setMethod(r, id, names))} />
          <PresetMenu />
        </div>
        <p>
          <Explained text={`${method.summary} ${method.use}`} />
        </p>
      </div>
      <Params method={method} recipe={recipe} />
      <About key={method.id} method={method} />
    </section>
  );
}

function About({ method }: { readonly method: AnyMethod }) {
  const paper = paperOf(method.reference);
  return (
    <details className="about">
      <summary>
        <ChevronRight className="about-mark" size={14} aria-hidden /> Formula and paper
      </summary>
      {method.formula !== undefined && (
        <code className="formula">
          {method.formula.split("\n").map((line) => (
            <span key={line}>{line}</span>
          ))}
        </code>
      )}
      {method.differs !== undefined && (
        <p>
          <b>Against mergekit:</b> {method.differs}
        </p>
      )}
      <p>
        {paper === null ? (
          method.reference
        ) : (
          <a href={paper} target="_blank" rel="noreferrer noopener">
            {method.reference}
          </a>
        )}
      </p>
    </details>
  );
}
