/** A lane's values, one per column, and what a hand does to them. Pure. */
import type { Field } from "../../core/recipe/field.ts";
import type { LaneView } from "./board.ts";

/** Null: the tensors of the column differ. */
export type Curve = readonly (number | null)[];

/** Smallest and largest value per column. */
export type Spread = readonly (readonly [low: number, high: number])[];

export interface Reading {
  readonly curve: Curve;
  readonly spread: Spread;
}

export function readLane(field: Field, lane: LaneView): Reading {
  const spread = lane.columns.map(({ tensors }): [number, number] => {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const i of tensors) {
      low = Math.min(low, field[i]!);
      high = Math.max(high, field[i]!);
    }
    return [low, high];
  });
  return { spread, curve: spread.map(([low, high]) => (high - low < 1e-12 ? low : null)) };
}

/** Where a handle stands: the value, or the middle of several. */
export const levelAt = ({ curve, spread }: Reading, at: number): number | null => {
  const [low, high] = spread[at] ?? [Number.NaN, Number.NaN];
  const value = curve[at] ?? (low + high) / 2;
  return Number.isFinite(value) ? value : null;
};

/** Values set by hand, as fine as they are shown. */
export const tidy = (value: number): number => Number(value.toFixed(4)) + 0;

/** Values on a line or a shape stay on it, so that a ramp is written as its two ends. */
export const exact = (value: number): number => Number(value.toFixed(12)) + 0;

export const withValue = (curve: Curve, at: number, value: number): Curve =>
  curve.map((old, i) => (i === at ? tidy(value) : old));

export const withValues = (curve: Curve, from: number, to: number, value: number): Curve =>
  curve.map((old, i) => (i >= from && i <= to ? tidy(value) : old));

/**
 * Sets a column, and pulls its neighbours within `radius` along, less the farther they are. What they are pulled from is
 * `start`, the curve as the stroke found it, so that a long stroke pulls no more than a short one.
 */
export function painted(now: Curve, start: Reading, lane: LaneView, at: number, value: number, radius: number): Curve {
  let drawn = withValue(now, at, value);
  if (lane.columns[at]?.isEnd !== false) return drawn;
  for (let d = 1; d <= radius; d++) {
    const pull = (1 + Math.cos((Math.PI * d) / (radius + 1))) / 2;
    for (const near of [at - d, at + d]) {
      const old = lane.columns[near]?.isEnd === false ? levelAt(start, near) : null;
      if (old !== null) drawn = withValue(drawn, near, old + (value - old) * pull);
    }
  }
  return drawn;
}

/** A straight line between two columns of the layers. */
export function ramped(curve: Curve, lane: LaneView, from: number, start: number, to: number, end: number): Curve {
  const [first, last] = [tidy(start), tidy(end)];
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  return curve.map((old, i) => {
    if (i < left || i > right || (lane.columns[i]?.isEnd === true && i !== from)) return old;
    return exact(first + (from === to ? 1 : (i - from) / (to - from)) * (last - first));
  });
}

/** Changes the layers only; ends stay as they are. */
function inLayers(reading: Reading, lane: LaneView, change: (values: readonly number[]) => readonly number[]): Curve {
  const inside = lane.columns.flatMap(({ isEnd }, i) => (isEnd ? [] : [i]));
  const changed = change(inside.map((i) => levelAt(reading, i) ?? 0));
  const places = new Map(inside.map((column, i) => [column, changed[i]!]));
  return reading.curve.map((old, i) => (places.has(i) ? exact(places.get(i)!) : old));
}

export const reversed = (reading: Reading, lane: LaneView): Curve =>
  inLayers(reading, lane, (values) => values.toReversed());

/** The first half, and its mirror image. */
export const doubled = (reading: Reading, lane: LaneView): Curve =>
  inLayers(reading, lane, (values) => values.map((_, i) => values[Math.min(i, values.length - 1 - i)]!));

/** Upside down between two values. */
export const flipped = (reading: Reading, lane: LaneView, low: number, high: number): Curve =>
  inLayers(reading, lane, (values) => values.map((value) => low + high - value));

/** Another lane's values, column by column where both have it. */
export function copied(from: Reading, source: LaneView, to: Curve, lane: LaneView): Curve {
  const values = new Map(source.columns.map(({ id }, i) => [id, levelAt(from, i)]));
  return to.map((old, i) => values.get(lane.columns[i]!.id) ?? old);
}
