/** What is worth knowing before a merge: warnings first, then remarks; long lists fold. */
import { Info, TriangleAlert } from "lucide-react";
import { useState } from "react";
import type { PlanNote } from "../../workers/api.ts";
import { usePlan } from "../state/plan.ts";

/** How many are shown before the rest is folded; a single one more is not worth a fold. */
const SHOWN = 4;

export function Notes() {
  const { plan, sampled, looking } = usePlan();
  if (plan === null) return null;
  return (
    <div className="advice">
      <NoteList label="Notes" notes={plan.notes} />
      <div aria-live="polite">
        <NoteList label="From a sample of the weights" notes={sampled} />
      </div>
      <p className="advice-state">{STATES[looking]}</p>
    </div>
  );
}

const STATES = {
  no: "",
  soon: "Weights are sampled in a moment.",
  now: "Sampling weights ...",
  done: "Weights were sampled.",
} as const;

interface Props {
  readonly label: string;
  readonly notes: readonly PlanNote[];
}

export function NoteList({ label, notes }: Props) {
  const [unfolded, setUnfolded] = useState(false);
  if (notes.length === 0) return null;
  const sorted = [...notes].sort((a, b) => Number(b.severity === "warning") - Number(a.severity === "warning"));
  const folds = sorted.length > SHOWN + 1;
  const shown = folds && !unfolded ? sorted.slice(0, SHOWN) : sorted;
  return (
    <>
      <ul className="notes" aria-label={label}>
        {shown.map((note) => (
          <li key={note.text} className={`note note-${note.severity}`}>
            {note.severity === "warning" ? (
              <TriangleAlert className="note-icon" size={14} aria-label="Warning:" />
            ) : (
              <Info className="note-icon" size={14} aria-hidden />
            )}
            <span>{note.text}</span>
          </li>
        ))}
      </ul>
      {folds && (
        <button
          type="button"
          className="link notes-more"
          aria-expanded={unfolded}
          onClick={() => setUnfolded(!unfolded)}
        >
          {unfolded ? "Show fewer" : `Show ${sorted.length - SHOWN} more`}
        </button>
      )}
    </>
  );
}
