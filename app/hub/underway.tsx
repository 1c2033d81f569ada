/** Models on their way, each with a way to stop it, and those that were refused, each with what can be done. */
import { X } from "lucide-react";
import { Button } from "../controls/button.tsx";
import { useHub } from "../state/hub.ts";
import { Linked } from "./linked.tsx";
import { dismissRefused, openRefs, stopOpening, useRefused } from "./opening.ts";
import { Wait } from "./wait.tsx";

export function Underway() {
  const heads = useHub((state) => state.heads);
  const refused = useRefused((state) => state.list);
  if (heads.size === 0 && refused.length === 0) return null;
  return (
    <div className="hub-underway" role="status">
      {[...heads].map(([ref, { done, total }]) => (
        <div key={ref} className="hub-one">
          <p>
            {ref}: {total === 0 ? "asking for its files" : `headers, ${done} of ${total}`}. <Wait />
          </p>
          <progress aria-label={`Headers of ${ref}`} max={Math.max(1, total)} value={done} />
          <Button onClick={() => void stopOpening(ref)}>Stop</Button>
        </div>
      ))}
      {refused.map(({ ref, why }) => (
        <div key={ref} className="hub-one">
          <p className="hub-bad">
            <Linked text={why} />
          </p>
          <Button onClick={() => void openRefs([ref])}>Try again</Button>
          <Button look="icon" aria-label={`Dismiss ${ref}`} onClick={() => dismissRefused(ref)}>
            <X size={14} aria-hidden />
          </Button>
        </div>
      ))}
    </div>
  );
}
