/**
 * The blocks of a UNet as sliders in a U: inputs down on the left, outputs up on the right, blocks of one depth side by
 * side, the middle below, everything outside the blocks above.
 */
import { Lock } from "lucide-react";
import { type CSSProperties, useState } from "react";
import { tintOf } from "../controls/colours.ts";
import { NumberField, shown } from "../controls/number.tsx";
import { useMixer } from "../state/mixer.ts";
import { folklore, mirrored } from "./blocks.ts";
import type { Board, LaneView } from "./board.ts";
import { type Curve, levelAt, painted, withValue } from "./curve.ts";
import { ticksOf } from "./geometry.ts";
import type { Line } from "./lane.tsx";
import { type Dial, nameOf } from "./lanes.ts";

interface Props {
  readonly board: Board;
  readonly lane: LaneView;
  readonly dial: Dial;
  readonly line: Line;
  readonly others: readonly Line[];
  readonly scale: readonly [number, number];
  readonly brush: number;
  readonly closed: readonly boolean[];
  onDraw(curve: Curve): void;
}

export function UBlocks(props: Props) {
  const { board, lane, line, closed, brush, onDraw } = props;
  const [draft, setDraft] = useState<Curve | null>(null);
  const now = draft ?? line.reading.curve;
  const base = lane.columns.findIndex(({ id }) => id < 0);
  const offset = base + 1;
  const names = board.blocks ?? [];
  const draw = (at: number, value: number) =>
    painted(now, line.reading, lane, at, value, brush).map((one, i) =>
      closed[i] === true ? (line.reading.curve[i] ?? null) : one,
    );
  const finish = () => {
    if (draft !== null) onDraw(draft);
    setDraft(null);
  };
  const row = (at: number) =>
    lane.columns[at] === undefined ? null : (
      <Block
        key={at}
        {...props}
        at={at}
        value={now[at] ?? levelAt(line.reading, at) ?? 0}
        isMixed={now[at] === null}
        onSlide={(value) => setDraft(draw(at, value))}
        onSlid={finish}
        onType={(value) => onDraw(withValue(line.reading.curve, at, value))}
      />
    );
  return (
    <fieldset className="ublocks">
      <legend className="hidden">Blocks, {nameOf(line.voice, props.dial)}</legend>
      <p className="quiet ublocks-ends">
        {ticksOf(props.dial.param, ...props.scale)
          .filter(({ words }) => words !== "")
          .sort((a, b) => a.value - b.value)
          .map(({ value, words }) => `${shown(value)} = ${words}`)
          .join(" · ")}
      </p>
      {base >= 0 && <div className="ublocks-alone">{row(base)}</div>}
      {mirrored(names.length).map(({ left, right }) => (
        <div key={left} className="ublocks-pair">
          {row(left + offset)}
          {row(right + offset)}
        </div>
      ))}
      <div className="ublocks-alone">{row((names.length - 1) / 2 + offset)}</div>
    </fieldset>
  );
}

interface BlockProps extends Props {
  readonly at: number;
  readonly value: number;
  readonly isMixed: boolean;
  onSlide(value: number): void;
  onSlid(): void;
  onType(value: number): void;
}

function Block({ lane, dial, line, others, scale, closed, at, value, isMixed, onSlide, onSlid, onType }: BlockProps) {
  const toggleColumns = useMixer((state) => state.toggleColumns);
  const { short, id } = lane.columns[at]!;
  const [low, high] = scale;
  const tint = (one: Line) => (one.voice.model === null ? "var(--accent)" : tintOf(one.voice.role));
  const place = (level: number) => `${(100 * (level - low)) / (high - low || 1)}%`;
  return (
    <div
      className="ublock"
      title={`${short}: ${folklore(short)} Click the name to lock it.`}
      style={{ "--tint": tint(line) } as CSSProperties}
    >
      <button
        type="button"
        className="ublock-name"
        aria-pressed={closed[at] === true}
        aria-label={`Lock ${short}`}
        onClick={() => toggleColumns(id, id)}
      >
        {short} {closed[at] === true && <Lock size={11} aria-hidden />}
      </button>
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
          disabled={closed[at] === true}
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
        disabled={closed[at] === true}
        onChange={onType}
      />
    </div>
  );
}
