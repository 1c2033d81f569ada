// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
/** A model's papers: what its weight files say of themselves, config.json, its card, and the other text beside it. */
import { useEffect, useState } from "react";
import { messageOf } from "../../core/errors.ts";
import { formatBytes } from "../../core/units.ts";
import type { DocumentText, ModelPapers, ModelSummary } from "../../workers/api.ts";
import { host } from "../state/host.ts";

const METADATA = "";

export function Papers({ model }: { model: ModelSummary }) {
  const [papers, setPapers] = useState<ModelPapers | null>(null);
  const [wanted, setWanted] = useState<string | null>(null);
  const [shown, setShown] = useState<DocumentText | null>(null);
  const [error, setError] = useState<string | null>(null);
  const chosen = papers?.documents.some(({ name }) => name === wanted)
    ? wanted
    : (papers?.documents[0]?.name ?? METADATA);
  const name = wanted === METADATA ? METADATA : chosen;

  useEffect(() => {
    setPapers(null);
    host()
      .papers(model.id)
      .then(setPapers, (reason: unknown) => setError(messageOf(reason)));
  }, [model.id]);
  useEffect(() => {
    setShown(null);
    setError(null);
    if (papers === null || name === null || name === METADATA) return;
    let isMine = true;
    host()
      .document(model.id, name)
      .then(
        (text) => isMine && setShown(text),
        (reason: unknown) => isMine && setError(messageOf(reason)),
      );
    return () => {
      isMine = false;
    };
  }, [model.id, papers, name]);

  if (papers === null) return <p className="quiet">{error ?? "Reading ..."}</p>;
  return (
    <div className="papers">
      <ul aria-label="Documents">
        {[
          ...papers.documents.map((one) => ({ ...one, title: one.name, note: formatBytes(one.size) })),
          {
            name: METADATA,
            title: "Weight file metadata",
            note: papers.metadata.length === 1 ? "1 entry" : `${papers.metadata.length} entries`,
          },
        ].map((one) => (
          <li key={one.name}>
            <button
              type="button"
              className="paper-choice"
              aria-pressed={one.name === name}
              onClick={() => setWanted(one.name)}
            >
              {one.title}
              <span className="paper-note">{one.note}</span>
            </button>
          </li>
        ))}
      </ul>
      <div className="paper">
        {error !== null && <p className="survey-bad">{error}</p>}
        {name === METADATA ? (
          <Metadata entries={papers.metadata} />
        ) : (
          <>
            <section className="paper-text" tabIndex={0} aria-label={name ?? ""}>
              <pre>{shown?.text ?? ""}</pre>
            </section>
            {shown?.isWhole === false && <p className="quiet">The file is long; this is its beginning.</p>}
          </>
        )}
      </div>
    </div>
  );
}

function Metadata({ entries }: { entries: ModelPapers["metadata"] }) {
  if (entries.length === 0) return <p className="quiet">The weight files say nothing about themselves.</p>;
  return (
    <section className="paper-text" tabIndex={0} aria-label="Weight file metadata">
      <dl>
        {entries.map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
