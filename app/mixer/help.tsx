/** How to draw, by pointer and by keyboard. */
import { CircleHelp } from "lucide-react";
import { Popover } from "radix-ui";
import { KEYS } from "./keys.ts";

const POINTER: readonly (readonly [string, string])[] = [
  ["Drag a handle", "moves it; on over other layers, draws"],
  ["Shift-drag", "a straight ramp"],
  ["Wheel on a handle", "fine steps; with Alt anywhere"],
  ["Double-click", "back to where it started"],
  ["Brush", "layers on either side that a stroke pulls along"],
];

export function MixerHelp() {
  return (
    <Popover.Root>
      <Popover.Trigger className="button button-icon" aria-label="How to draw" title="How to draw">
        <CircleHelp size={16} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="menu mixer-help"
          align="end"
          sideOffset={4}
          collisionPadding={12}
          aria-label="How to draw"
        >
          <h3>Pointer</h3>
          <List rows={POINTER} />
          <h3>Keys, on a curve (Tab goes from lane to lane)</h3>
          <List rows={KEYS} />
          <p className="quiet">
            What is drawn is written as the shortest recipe that says it: one number, a gradient over the layers, or
            filters by name. Values that no gradient can say become filters of single layers.
          </p>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function List({ rows }: { readonly rows: readonly (readonly [string, string])[] }) {
  return (
    <dl>
      {rows.map(([term, what]) => (
        <div key={term} className="help-row">
          <dt>{term}</dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}
