/** Where things stand in a lane: columns across, values up. The same for all lanes, so that layers are below layers. */
import type { NumberParam } from "../../core/method.ts";
import type { Board, Column } from "./board.ts";

export const LEFT = 84;
export const RIGHT = 26;
export const TOP = 10;
/** Between what lies outside the layers and its neighbours, wide enough for their names. */
const APART = 44;

export interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly bottom: number;
  /** Between two layers, px. */
  readonly gap: number;
  readonly low: number;
  readonly high: number;
  x(column: Column): number;
  y(value: number): number;
  /** The value at a height, within the axis. */
  valueAt(py: number): number;
  /** Position in the list of the column nearest to a place. */
  nearest(columns: readonly Column[], px: number): number;
}

export function geometryOf(
  board: Pick<Board, "layers" | "sides">,
  [low, high]: readonly [number, number],
  width: number,
  height: number,
  axis: boolean,
): Geometry {
  const {
    layers,
    sides: [before, behind],
  } = board;
  const bottom = height - (axis ? 22 : 8);
  const inside = width - LEFT - RIGHT - APART * (before + behind);
  const gap = inside / Math.max(1, layers - 1);
  const first = LEFT + APART * before;
  // A lone layer stands in the middle.
  const start = layers === 1 ? first + inside / 2 : first;
  const x = ({ id }: Column) =>
    id < 0 ? first + id * APART : id < layers ? start + id * gap : first + inside + (id - layers + 1) * APART;
  return {
    width,
    height,
    bottom,
    gap,
    low,
    high,
    x,
    y: (value) => bottom - ((value - low) / (high - low || 1)) * (bottom - TOP),
    valueAt: (py) => Math.min(high, Math.max(low, low + ((bottom - py) / (bottom - TOP)) * (high - low))),
    nearest: (columns, px) =>
      columns.reduce((best, column, i) => (Math.abs(x(column) - px) < Math.abs(x(columns[best]!) - px) ? i : best), 0),
  };
}

/** Parameters that can be taken away or doubled are shown from nothing to all of it, unless more is asked for or used. */
const isOpen = ({ min, max }: NumberParam): boolean => min < 0 && max > 1;

export function scaleOf(param: NumberParam, values: Iterable<number>, wide: boolean): readonly [number, number] {
  let [low, high] = isOpen(param) && !wide ? [0, 1] : [param.min, param.max];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

export interface Tick {
  readonly value: number;
  readonly words: string;
}

/** Grid lines, the ends of the axis in words. */
export function ticksOf(param: NumberParam, low: number, high: number): Tick[] {
  const [lowWord, highWord] = param.ends ?? ["least", "most"];
  const [from, to] = isOpen(param) ? [0, 1] : [param.min, param.max];
  const words = new Map<number, string>([
    [low, low < from ? "taken away" : ""],
    [high, high > to ? (isOpen(param) ? "more than all" : "beyond") : ""],
    [from, lowWord],
    [to, highWord],
  ]);
  if (words.size === 2) words.set((low + high) / 2, "");
  return [...words].filter(([value]) => value >= low && value <= high).map(([value, text]) => ({ value, words: text }));
}
