/** What a shared link would do, and which models it lacks, before anything is taken over. */
import { ChevronRight, CircleCheck, CircleDashed } from "lucide-react";
import { printDocument } from "../../core/recipe/document.ts";
import { Button } from "../controls/button.tsx";
import { tintOf } from "../controls/colours.ts";
import { Sheet } from "../controls/sheet.tsx";
import { roleOf } from "../state/edits.ts";
import { hubNamesIn } from "../state/hub.ts";
import { useModels } from "../state/models.ts";
import { useStudio } from "../state/studio.ts";
import { useView } from "../state/view.ts";
import { type Incoming, take } from "./incoming.ts";
import { saidOf } from "./said.ts";

interface Props {
  readonly incoming: Incoming;
  onClose(): void;
}

export default function SharedDialog({ incoming, onClose }: Props) {
  const { shared, document, faults } = incoming;
  const open = useModels((state) => state.list).map(({ summary }) => summary.name);
  const replaces = useStudio((state) => (state.recipe.models ?? []).length > 0 || state.moe !== null);
  if (document === null) {
    const [first] = faults;
    return (
      <Sheet title="A shared recipe that cannot be used" onClose={onClose}>
        <p>
          {first === undefined ? "It says nothing." : `Line ${first.line}: ${first.message}`}
          {faults.length > 1 ? ` (and ${faults.length - 1} more)` : ""}
        </p>
        <pre className="shared-text">{shared.text}</pre>
      </Sheet>
    );
  }
  const { sentences, models } = saidOf(document);
  const missing = models.filter((name) => !open.includes(name));
  const last = document.kind === "merge" ? document.stages.at(-1) : undefined;
  return (
    <Sheet title={`Shared with you: ${shared.title}`} onClose={onClose}>
      <div className="shared">
        {sentences.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        <ul className="shared-models" aria-label="Models it takes">
          {models.map((name) => (
            <li key={name}>
              <span
                className="tag"
                style={{ "--tint": tintOf(last === undefined ? null : roleOf(last, name)) } as React.CSSProperties}
              >
                {(last === undefined ? null : roleOf(last, name)) ?? "in"}
              </span>
              <span className="shared-name">{name}</span>
              {open.includes(name) ? (
                <span className="shared-open">
                  <CircleCheck size={14} aria-hidden /> open
                </span>
              ) : (
                <span className="quiet">
                  <CircleDashed size={14} aria-hidden /> not open
                </span>
              )}
            </li>
          ))}
        </ul>
        <details className="about">
          <summary>
            <ChevronRight className="about-mark" size={14} aria-hidden /> The recipe as YAML
          </summary>
          <pre className="shared-text">{printDocument(document)}</pre>
        </details>
        <p className="quiet">
          Nothing is merged or fetched by this
          {hubNamesIn(missing, open).length > 0 ? "; what the Hub has is offered afterwards" : ""}.{" "}
          {missing.length > 0
            ? `The recipe waits until ${missing.length === 1 ? "the missing model is" : `${missing.length} missing models are`} open under ${missing.length === 1 ? "that name" : "those names"}.`
            : "All its models are open."}{" "}
          {replaces ? "Your present mix can be brought back by undo." : ""}
        </p>
      </div>
      <div className="buttons sheet-end">
        <Button onClick={onClose}>Leave it</Button>
        <Button
          look="primary"
          onClick={() => {
            take(incoming);
            useView.getState().set({ drawer: "recipe" });
            onClose();
          }}
        >
          Use this recipe
        </Button>
      </div>
    </Sheet>
  );
}
