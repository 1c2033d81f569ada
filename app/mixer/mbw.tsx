/** Block weights as a string of numbers: copied out, pasted in, or one of the presets everybody knows. */
import { ChevronDown } from "lucide-react";
import { Popover } from "radix-ui";
import { useId, useState } from "react";
import { messageOf } from "../../core/errors.ts";
import { Button } from "../controls/button.tsx";
import { say } from "../state/messages.ts";
import { UNDO } from "../state/studio.ts";
import { type BlockPreset, blockPresets } from "./block-presets.ts";
import { type BlockWeights, readBlockWeights, takenBy, writeBlockWeights } from "./blocks.ts";
import type { Column, LaneView } from "./board.ts";
import type { Curve } from "./curve.ts";

interface Props {
  readonly lane: LaneView;
  readonly curve: Curve;
  readonly blocks: readonly string[];
  /** Whose weights they are. */
  readonly name: string;
  onDraw(curve: Curve): void;
}

export function BlockWeightsMenu({ lane, curve, blocks, name, onDraw }: Props) {
  const id = useId();
  const written = writeBlockWeights(blocks, new Map(lane.columns.map(({ short }, i) => [short, curve[i] ?? null])));
  const [text, setText] = useState<string | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const draw = (wanted: (column: Column) => number | undefined) => {
    onDraw(lane.columns.map((column, i) => wanted(column) ?? curve[i] ?? null));
    setText(null);
    setWrong(null);
  };
  const put = (weights: BlockWeights) => draw(({ short }) => weights.get(short));
  const preset = ({ ends, blocks: values }: BlockPreset) => draw(({ id, isEnd }) => (isEnd ? ends : values[id]));
  const apply = () => {
    try {
      const weights = readBlockWeights(text ?? "", blocks);
      put(weights);
      const kept = lane.columns.filter(({ short }) => !weights.has(short)).map(({ short }) => short);
      say(
        "info",
        `Read ${weights.size} numbers for ${name}${kept.length === 0 ? "" : `; ${kept.join(", ")} stay as they were`}.`,
        UNDO,
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
            Numbers for {name}: {takenBy(blocks)}
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
            {Object.entries(blockPresets(blocks.length)).map(([title, values]) => (
              <button key={title} type="button" className="shape" onClick={() => preset(values)}>
                {title}
              </button>
            ))}
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
