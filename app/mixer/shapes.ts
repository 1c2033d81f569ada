/** The usual shapes by their usual names. A shape is a share from 0 to 1 for each place from 0 (first layer) to 1 (last). */
import type { LaneView } from "./board.ts";
import { type Curve, exact, levelAt, type Reading } from "./curve.ts";

type Shape = (x: number) => number;

const smooth: Shape = (x) => x * x * (3 - 2 * x);
const smoother: Shape = (x) => x ** 3 * (x * (6 * x - 15) + 10);

export const SHAPES: Readonly<Record<string, Shape>> = {
  flat: () => 0.5,
  "ramp up": (x) => x,
  "ramp down": (x) => 1 - x,
  V: (x) => Math.abs(2 * x - 1),
  A: (x) => 1 - Math.abs(2 * x - 1),
  U: (x) => (2 * x - 1) ** 2,
  arch: (x) => 1 - (2 * x - 1) ** 2,
  smoothstep: smooth,
  "smoothstep down": (x) => 1 - smooth(x),
  smootherstep: smoother,
  sine: (x) => Math.sin(Math.PI * x),
  cosine: (x) => (1 + Math.cos(Math.PI * x)) / 2,
  wave: (x) => (1 - Math.cos(4 * Math.PI * x)) / 2,
  "step up": (x) => Number(x >= 0.5),
  "step down": (x) => Number(x < 0.5),
  "middle only": (x) => Number(Math.abs(x - 0.5) <= 0.25),
  "ends only": (x) => Number(Math.abs(x - 0.5) > 0.25),
};

/**
 * A shape over columns `from` to `to`, between two values; flat keeps the mean. Ends outside the layers follow the layer
 * next to them when the shape reaches it.
 */
export function shaped(
  reading: Reading,
  lane: LaneView,
  name: string,
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number] = [0, lane.columns.length - 1],
): Curve {
  const shape = SHAPES[name];
  const inside = lane.columns.flatMap(({ isEnd }, i) => (isEnd || i < from || i > to ? [] : [i]));
  const first = inside[0];
  if (shape === undefined || first === undefined) return reading.curve;
  const levels = inside.map((i) => levelAt(reading, i) ?? 0);
  const mean = levels.reduce((sum, value) => sum + value, 0) / levels.length;
  const at = (i: number) => {
    const x = inside.length === 1 ? 0.5 : (Math.min(Math.max(i, first), inside.at(-1)!) - first) / (inside.length - 1);
    return exact(name === "flat" ? mean : low + shape(x) * (high - low));
  };
  return reading.curve.map((old, i) => (i < from || i > to ? old : at(i)));
}
