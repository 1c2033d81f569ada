/** How far a survey is, and a way to end it. */
import { Button } from "../controls/button.tsx";
import type { Survey } from "../state/inspect.ts";

interface Props {
  readonly of: Pick<Survey, "state" | "error" | "done" | "total">;
  stop(): void;
  again(): void;
}

export function Surveying({ of, stop, again }: Props) {
  if (of.state === "failed") return <p className="survey survey-bad">{of.error}</p>;
  if (of.state === "stopped")
    return (
      <p className="survey">
        Stopped after {of.done.toLocaleString("en")} of {of.total.toLocaleString("en")} tensors.{" "}
        <Button look="ghost" onClick={again}>
          Look again
        </Button>
      </p>
    );
  if (of.state !== "running") return null;
  return (
    <p className="survey">
      <progress aria-label="Tensors looked at" value={of.done} max={Math.max(1, of.total)} />
      {of.done.toLocaleString("en")} of {of.total.toLocaleString("en")} tensors
      <Button look="ghost" onClick={stop}>
        Stop
      </Button>
    </p>
  );
}
