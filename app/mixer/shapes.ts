/** The usual shapes by their usual names, and the strokes of the brush. Values are shares from 0 to 1 along the layers. */
import type { Curve } from "../../core/recipe/curves.ts";
import { valueAt, withValue } from "./lanes.ts";

export const SHAPES: Readonly<Record<string, (x: number) => number>> = {
  flat: () => 0.5,
  "ramp up": (x) => x,
  "ramp down": (x) => 1 - x,
  V: (x) => Math.abs(2 * x - 1),
  A: (x) => 1 - Math.abs(2 * x - 1),
  U: (x) => (2 * x - 1) ** 2,
  smooth: (x) => x * x * (3 - 2 * x),
  sine: (x) => Math.sin(Math.PI * x),
};

const tidy = (value: number) => Number(value.toFixed(4));

/** A shape over the layers, between two values; flat keeps the mean. Ends follow their neighbours. */
export function shaped(curve: Curve, name: string, low: number, high: number): Curve {
  const shape = SHAPES[name];
  const count = curve.values.length;
  if (shape === undefined || count === 0) return curve;
  const present = curve.values.filter((value) => value !== null);
  const mean = present.reduce((sum, value) => sum + value, 0) / Math.max(1, present.length);
  const values = curve.values.map((_, i) => {
    const x = count === 1 ? 0.5 : i / (count - 1);
    return tidy(name === "flat" ? mean : low + shape(x) * (high - low));
  });
  return {
    values,
    before: curve.before === null ? null : (values[0] ?? null),
    after: curve.after === null ? null : (values.at(-1) ?? null),
  };
}

/** Sets a column, and pulls its neighbours within `radius` along, less the farther they are. */
export function painted(curve: Curve, column: number, value: number, radius: number): Curve {
  let drawn = withValue(curve, column, tidy(value));
  const inside = column >= 0 && column < curve.values.length;
  for (let d = 1; inside && d <= radius; d++) {
    const pull = (1 + Math.cos((Math.PI * d) / (radius + 1))) / 2;
    for (const near of [column - d, column + d]) {
      const old = near >= 0 && near < curve.values.length ? valueAt(curve, near) : null;
      if (old !== null) drawn = withValue(drawn, near, tidy(old + (value - old) * pull));
    }
  }
  return drawn;
}

/** A straight line between two columns. */
export function ramped(curve: Curve, from: number, start: number, to: number, end: number): Curve {
  let drawn = curve;
  const step = to >= from ? 1 : -1;
  for (let column = from; column !== to + step; column += step) {
    const share = to === from ? 1 : (column - from) / (to - from);
    if (valueAt(curve, column) !== null) drawn = withValue(drawn, column, tidy(start + share * (end - start)));
  }
  return drawn;
}
