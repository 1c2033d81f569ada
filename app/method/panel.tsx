/** The method and the parameters that hold for the whole merge, made from the method's schema. */
import type { Param } from "../../core/method.ts";
import type { Setting } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";
import { Select, Switch } from "../controls/choice.tsx";
import { NumberField } from "../controls/number.tsx";
import { methodOf, paramsOf, setMethod, setParam } from "../state/edits.ts";
import { useModels } from "../state/models.ts";
import { useStudio } from "../state/studio.ts";

const OPTIONS = [...METHODS.values()].map(({ id, title }) => ({ value: id, label: title }));
const ARXIV = /arXiv:([\d.]+)/;
const DOI = /doi:(\S+)/;

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
  const paper = paperOf(method.reference);
  return (
    <section className="method" aria-label="Method">
      <div className="method-what">
        <Select
          label="Merge method"
          hideLabel
          value={method.id}
          options={OPTIONS}
          onChange={(id) => edit((r) => setMethod(r, id, names))}
        />
        <p>
          {method.summary} {method.use}{" "}
          {paper !== null && (
            <a href={paper} target="_blank" rel="noreferrer noopener">
              Paper
            </a>
          )}
        </p>
      </div>
      <div className="method-params">
        {paramsOf(method)
          .filter(([id, param]) => param.per === "merge" && id !== "int8_mask")
          .map(([id, param]) => (
            <ParamField key={id} id={id} param={param} setting={recipe.parameters?.[id]} />
          ))}
      </div>
    </section>
  );
}

function ParamField({
  id,
  param,
  setting,
}: {
  readonly id: string;
  readonly param: Param;
  readonly setting: Setting | undefined;
}) {
  const edit = useStudio((state) => state.edit);
  const title = param.title === "" ? id : param.title;
  if (param.kind === "flag") {
    const value = typeof setting === "boolean" ? setting : param.default;
    return (
      <Switch
        label={title}
        help={param.help}
        value={value}
        onChange={(on) => edit((r) => setParam(r, id, on === param.default ? undefined : on))}
      />
    );
  }
  if (param.kind === "choice") {
    const value = typeof setting === "string" ? setting : param.default;
    return (
      <Select
        label={title}
        value={value}
        options={param.options.map((option) => ({ value: option.value, label: option.title }))}
        onChange={(word) => edit((r) => setParam(r, id, word === param.default ? undefined : word))}
      />
    );
  }
  const value = setting === undefined ? param.default : typeof setting === "number" ? setting : null;
  return (
    <NumberField
      label={title}
      help={param.help}
      value={value}
      empty="per layer"
      {...(param.hard === true ? { min: param.min, max: param.max } : {})}
      {...(param.step === undefined ? {} : { step: param.step })}
      onChange={(n) => edit((r) => setParam(r, id, n === param.default ? undefined : n))}
    />
  );
}
