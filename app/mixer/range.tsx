/** Exact numbers for a layer or several: which, as "7", "3-12", "all", "embed", "head"; and the value. */
import { type RefObject, useEffect, useId, useState } from "react";
import { messageOf } from "../../core/errors.ts";
import { NumberField } from "../controls/number.tsx";
import { say } from "../state/messages.ts";
import type { LaneView } from "./board.ts";
import { placesIn, placesInWords } from "./places.ts";

interface Props {
  readonly lane: LaneView;
  readonly from: number;
  readonly to: number;
  /** Null where the columns differ. */
  readonly value: number | null;
  readonly step: number;
  readonly field: RefObject<HTMLDivElement | null>;
  onRange(from: number, to: number): void;
  onValue(value: number): void;
}

export function RangeField({ lane, from, to, value, step, field, onRange, onValue }: Props) {
  const id = useId();
  const words = placesInWords(lane, from, to);
  const [text, setText] = useState<string | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another selection ends typing
  useEffect(() => setText(null), [words]);
  const commit = () => {
    if (text !== null && text.trim() !== words) {
      try {
        onRange(...placesIn(lane, text));
      } catch (error) {
        say("error", messageOf(error));
      }
    }
    setText(null);
  };
  return (
    <div className="range-fields" ref={field}>
      <div className="field" title='Which layers: "7", "3-12", "all", or a name from the axis'>
        <label htmlFor={id} className="field-label">
          Layers
        </label>
        <input
          id={id}
          className="number"
          autoComplete="off"
          spellCheck={false}
          value={text ?? words}
          onChange={(event) => setText(event.target.value)}
          onBlur={commit}
          onKeyDown={(event) => {
            if (event.key === "Enter") commit();
            else if (event.key === "Escape") setText(null);
          }}
        />
      </div>
      <NumberField
        label="="
        help="The value of these layers, for the model and lane chosen"
        value={value}
        empty="mixed"
        step={step}
        onChange={onValue}
      />
    </div>
  );
}
