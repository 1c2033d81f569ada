/** Two versions of the mix, or one and the mix as it stands, as one list of YAML lines with what changed marked. */
import { ArrowLeftRight } from "lucide-react";
import { useEffect, useId, useMemo, useState } from "react";
import { Button } from "../controls/button.tsx";
import { Select } from "../controls/choice.tsx";
import { Sheet } from "../controls/sheet.tsx";
import { type Held, useStudio } from "../state/studio.ts";
import { readVersions, restoreVersion, useVersions } from "../state/versions.ts";
import { countsOf, type DiffLine, diffLines, linesOf } from "./lines.ts";
import { whenOf } from "./versions.tsx";

const NOW = "now";

interface Props {
  /** The version that is compared; the newest when absent. */
  readonly before?: string | undefined;
  onClose(): void;
}

export default function Compare({ before, onClose }: Props) {
  const list = useVersions((state) => state.list) ?? [];
  const studio = useStudio();
  const [left, setLeft] = useState(before ?? null);
  const [right, setRight] = useState(NOW);
  const label = useId();
  useEffect(() => void readVersions(), []);
  const from = left ?? list[0]?.id ?? NOW;
  const find = (id: string): Held => (id === NOW ? studio : (list.find((one) => one.id === id)?.kept ?? studio));
  const [a, b] = [linesOf(find(from)), linesOf(find(right))];
  const lines = useMemo(() => diffLines(a, b), [a, b]);
  const options = [
    { value: NOW, label: "The mix now" },
    ...list.map(({ id, name, at }) => ({ value: id, label: `${name} · ${whenOf(at)}` })),
  ];
  const restorable = list.find(({ id }) => id === from);
  return (
    <Sheet title="Compare recipes" wide onClose={onClose}>
      {list.length === 0 ? (
        <p className="quiet">
          There is no version to compare with yet. Save one in the history, change something, and come back.
        </p>
      ) : (
        <>
          <div className="compare-choose">
            <Select label="From" value={from} options={options} onChange={setLeft} />
            <Button
              look="icon"
              aria-label="Swap the two"
              onClick={() => {
                setLeft(right);
                setRight(from);
              }}
            >
              <ArrowLeftRight size={16} aria-hidden />
            </Button>
            <Select label="To" value={right} options={options} onChange={setRight} />
            <p id={label} className="quiet" aria-live="polite">
              {countsOf(lines)}
            </p>
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reached by keyboard */}
          <section className="diff" aria-labelledby={label} tabIndex={0}>
            {lines.map((line, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
              <Line key={i} line={line} />
            ))}
          </section>
          {restorable !== undefined && from !== right && (
            <div className="buttons sheet-end">
              <Button
                onClick={() => {
                  restoreVersion(restorable);
                  onClose();
                }}
              >
                Restore "{restorable.name}"
              </Button>
            </div>
          )}
        </>
      )}
    </Sheet>
  );
}

const SIGNS = { same: " ", gone: "−", new: "+" } as const;
const WORDS = { same: "", gone: "gone: ", new: "new: " } as const;

function Line({ line }: { readonly line: DiffLine }) {
  const Mark = line.kind === "gone" ? "del" : line.kind === "new" ? "ins" : "span";
  return (
    <Mark className={`diff-line diff-${line.kind}`}>
      <span aria-hidden>{SIGNS[line.kind]} </span>
      <span className="hidden">{WORDS[line.kind]}</span>
      {line.pieces.map((piece, i) =>
        piece.changed ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other identity
          <mark key={i}>{piece.text}</mark>
        ) : (
          piece.text
        ),
      )}
    </Mark>
  );
}
