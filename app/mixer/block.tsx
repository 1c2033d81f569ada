/** One block of an image model: its name, which locks it; how its weights compare; a slider; the number. */
import { Lock } from "lucide-react";
import { type CSSProperties, useState } from "react";
import { tintOf } from "../controls/colours.ts";
import { NumberField } from "../controls/number.tsx";
import { methodOf } from "../state/edits.ts";
import { useMixer } from "../state/mixer.ts";
import { useStudio } from "../state/studio.ts";
import { type BlockHeat, HeatCells } from "./block-heat.tsx";
import { folklore } from "./blocks.ts";
import type { Board, LaneView } from "./board.ts";
import { levelAt } from "./curve.ts";
import { sharesAt } from "./effect.ts";
import type { Line } from "./lane.tsx";
import { type Dial, nameOf } from "./lanes.ts";

export interface BlockProps {
  readonly board: Board;
  readonly lane: LaneView;
  readonly dial: Dial;
  readonly line: Line;
  readonly others: readonly Line[];
  readonly scale: readonly [number, number];
  readonly closed: readonly boolean[];
  readonly heat: BlockHeat | null;
  readonly at: number;
  readonly value: number;
  readonly isMixed: boolean;
  onSlide(value: number): void;
  onSlid(): void;
  onType(value: number): void;
}

export function Block(props: BlockProps) {
  const { board, lane, dial, line, others, scale, closed, heat, at, value, isMixed, onSlide, onSlid, onType } = props;
  const toggleColumns = useMixer((state) => state.toggleColumns);
  const [share, setShare] = useState("");
  const { short, id, tensors } = lane.columns[at]!;
  const [low, high] = scale;
  const tint = (one: Line) => (one.voice.model === null ? "var(--accent)" : tintOf(one.voice.role));
  const place = (level: number) => `${(100 * (level - low)) / (high - low || 1)}%`;
  const isClosed = closed[at] === true;
  return (
    <div
      className="ublock"
      title={`${short}: ${folklore(short)}${share} Click the name to lock it.`}
      style={{ "--tint": tint(line) } as CSSProperties}
      onPointerEnter={() => setShare(sharesInWords(board, tensors[0]))}
    >
      <button
        type="button"
        className="ublock-name"
        aria-pressed={isClosed}
        aria-label={`Lock ${short}`}
        onClick={() => toggleColumns(id, id)}
      >
        {short} {isClosed && <Lock size={11} aria-hidden />}
      </button>
      {heat !== null && <HeatCells {...{ board, lane, dial, heat, at }} />}
      <span className="ublock-track">
        {others.map((other) => {
          const level = levelAt(other.reading, at);
          return level === null ? null : (
            <i
              key={other.voice.model ?? ""}
              style={{ left: place(level), "--tint": tint(other) } as CSSProperties}
              aria-hidden
            />
          );
        })}
        <input
          type="range"
          aria-label={`${short}, ${nameOf(line.voice, dial)}, ${dial.id}`}
          min={low}
          max={high}
          step={dial.param.step ?? 0.01}
          value={value}
          disabled={isClosed}
          onChange={(event) => onSlide(Number(event.target.value))}
          onPointerUp={onSlid}
          onKeyUp={onSlid}
          onBlur={onSlid}
        />
      </span>
      <NumberField
        label={`${short}, exact`}
        hideLabel
        value={isMixed ? null : value}
        empty="mixed"
        step={dial.param.step ?? 0.01}
        disabled={isClosed}
        onChange={onType}
      />
    </div>
  );
}

/** " In the mix: sd-anime 40 %, sd-photo 60 %." after normalising; nothing where the method has no such shares. */
function sharesInWords(board: Board, tensor: number | undefined): string {
  const { recipe } = useStudio.getState();
  const method = methodOf(recipe);
  const spot = tensor === undefined ? undefined : board.spots[tensor];
  if (method === undefined || spot === undefined) return "";
  const models = (recipe.models ?? []).filter(({ model }) => method.base === "none" || model !== recipe.base_model);
  const said = sharesAt(recipe, method, spot)?.map((share, i) => `${models[i]?.model} ${Math.round(100 * share)} %`);
  return said === undefined || said.length === 0 ? "" : ` In the mix: ${said.join(", ")}.`;
}
