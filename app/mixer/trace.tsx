/** A curve with its handles: one slider for the keyboard. Drawn as a few paths, so that moving one is cheap. */
import { type CSSProperties, type KeyboardEvent, memo } from "react";
import { dashOf, tintOf } from "../controls/colours.ts";
import { shown } from "../controls/number.tsx";
import type { LaneView } from "./board.ts";
import { levelAt, type Reading } from "./curve.ts";
import type { Geometry } from "./geometry.ts";
import type { Voice } from "./lanes.ts";

interface Props {
  readonly voice: Voice;
  readonly label: string;
  readonly lane: LaneView;
  readonly reading: Reading;
  readonly geometry: Geometry;
  readonly locked: readonly boolean[];
  readonly isActive: boolean;
  /** Only the active curve shows its handles where there are many. */
  readonly hasHandles: boolean;
  /** Curves with the same value that are drawn over it, by column: its handles stand out around theirs. */
  readonly above: readonly number[] | null;
  /** The column the keyboard is at. */
  readonly at: number;
  onKey(event: KeyboardEvent, voice: Voice): void;
  onFocus(voice: Voice): void;
}

export const Trace = memo(function Trace(props: Props) {
  const { voice, label, lane, reading, geometry, locked, isActive, hasHandles, above, at, onKey, onFocus } = props;
  const { x, y, low, high, gap } = geometry;
  const column = lane.columns[at];
  const level = levelAt(reading, at);
  const points = lane.columns.flatMap((one, i) => {
    const value = levelAt(reading, i);
    return value === null ? [] : [{ ...one, i, px: x(one), py: y(value) }];
  });
  const inner = points.filter(({ isEnd }) => !isEnd);
  const line = inner.map(({ px, py }, i) => `${i === 0 ? "M" : "L"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
  const [first, last] = [inner[0], inner.at(-1)];
  const radius = gap < 8 ? 2.2 : gap < 12 ? 3 : 4;
  const rings = inner.filter(({ i }) => hasHandles && locked[i] !== true);
  const floor = y(Math.max(low, 0));
  return (
    <g
      role="slider"
      tabIndex={isActive ? 0 : -1}
      aria-label={label}
      aria-valuemin={low}
      aria-valuemax={high}
      aria-valuenow={level ?? low}
      aria-valuetext={`${column?.name ?? ""}, ${inWords(reading, at)}${locked[at] === true ? ", locked" : ""}`}
      aria-orientation="vertical"
      className={isActive ? "trace trace-active" : "trace"}
      style={{ "--tint": voice.model === null ? "var(--accent)" : tintOf(voice.role) } as CSSProperties}
      onKeyDown={(event) => onKey(event, voice)}
      onFocus={() => onFocus(voice)}
    >
      {isActive && first !== undefined && last !== undefined && (
        <path className="trace-area" d={`${line}L${last.px} ${floor}L${first.px} ${floor}Z`} />
      )}
      {isActive && <path className="trace-spread" d={spreads(props)} />}
      <path d={line} className="trace-line" strokeDasharray={dashOf(voice.role)} />
      <path
        d={rings.map(({ px, py, i }) => ring(px, py, radius + OUT * (above?.[i] ?? 0))).join("")}
        className="handle"
      />
      <path
        d={points
          .filter(({ isEnd }) => isEnd)
          .map(({ px, py, i }) => ring(px, py, 4 + OUT * (above?.[i] ?? 0)))
          .join("")}
        className="handle handle-end"
      />
      {isActive && column !== undefined && level !== null && (
        <circle className="handle handle-at" cx={x(column)} cy={y(level)} r={5} />
      )}
    </g>
  );
});

/** From ring to ring, px. */
const OUT = 2.6;

const ring = (px: number, py: number, r: number) =>
  `M${(px - r).toFixed(1)} ${py.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;

/** A bar from the smallest to the largest where the tensors of a column differ. */
function spreads({ lane, reading, geometry: { x, y } }: Props): string {
  return lane.columns
    .flatMap((column, i) => {
      const [low, high] = reading.spread[i] ?? [Number.NaN, Number.NaN];
      return reading.curve[i] === null && Number.isFinite(low)
        ? [`M${x(column).toFixed(1)} ${y(low).toFixed(1)}V${y(high).toFixed(1)}`]
        : [];
    })
    .join("");
}

export function inWords({ curve, spread }: Reading, at: number): string {
  const value = curve[at];
  if (value !== null && value !== undefined) return shown(value);
  const [low, high] = spread[at] ?? [Number.NaN, Number.NaN];
  return Number.isFinite(low) ? `mixed, ${shown(low)} to ${shown(high)}` : "not given";
}
