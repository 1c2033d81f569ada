/** Block weights as a string of numbers: copied out, pasted in, or one of the presets everybody knows. */
import { ChevronDown } from "lucide-react";
import { Popover } from "radix-ui";
import { useId, useState } from "react";
import { messageOf } from "../../core/errors.ts";
import { Button } from "../controls/button.tsx";
import { say } from "../state/messages.ts";
import { type BlockWeights, blockPresets, readBlockWeights, writeBlockWeights } from "./blocks.ts";
import type { LaneView } from "./board.ts";
import type { Curve } from "./curve.ts";

interface Props {
  readonly lane: LaneView;
  readonly curve: Curve;
  readonly count: number;
  /** Whose weights they are. */
  readonly name: string;
  onDraw(curve: Curve): void;
}

export function BlockWeightsMenu({ lane, curve, count, name, onDraw }: Props) {
  const id = useId();
  const written = writeBlockWeights(curve);
  const [text, setText] = useState<string | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const put = ({ base, blocks }: BlockWeights) => {
    onDraw(lane.columns.map((column, i) => (column.isEnd ? (base ?? curve[i] ?? null) : (blocks[column.id] ?? null))));
    setText(null);
    setWrong(null);
  };
  const apply = () => {
    try {
      const weights = readBlockWeights(text ?? "", count);
      put(weights);
      say(
        "info",
        `Read ${count} blocks ${weights.base === null ? "and left BASE as it was" : "and BASE"} for ${name}.`,
      );
    } catch (error) {
      setWrong(messageOf(error));
    }
  };
  return (
    <Popover.Root
      onOpenChange={() => {
        setText(null);
        setWrong(null);
      }}
    >
      <Popover.Trigger className="button">
        Block weights <ChevronDown size={14} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="menu mbw"
          align="end"
          sideOffset={4}
          collisionPadding={12}
          aria-label="Block weights"
        >
          <label htmlFor={id} className="field-label">
            {count + 1} numbers for {name}, BASE first; {count} without it
          </label>
          <textarea
            id={id}
            rows={5}
            spellCheck={false}
            value={text ?? written ?? ""}
            placeholder={written === null ? "Parts of a block differ, so there is no such string." : ""}
            aria-invalid={wrong !== null}
            aria-describedby={`${id}-wrong`}
            onChange={(event) => setText(event.target.value)}
          />
          <p id={`${id}-wrong`} className="mbw-wrong" role="alert">
            {wrong}
          </p>
          <div className="buttons">
            <Button look="primary" disabled={text === null} onClick={apply}>
              Use these
            </Button>
            <Button
              disabled={written === null}
              onClick={() =>
                void navigator.clipboard
                  .writeText(written ?? "")
                  .then(() => say("info", "Copied."))
                  .catch((error: unknown) =>
                    say("error", `It could not be copied (${messageOf(error)}). Select the text.`),
                  )
              }
            >
              Copy
            </Button>
          </div>
          <div className="mbw-presets">
            {Object.entries(blockPresets(count)).map(([preset, weights]) => (
              <button key={preset} type="button" className="shape" onClick={() => put(weights)}>
                {preset}
              </button>
            ))}
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
