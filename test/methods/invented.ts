/** Small invented models: a base and fine-tunes of it, the same every time. */
import { f32, type Input } from "../support/merge.ts";

export const ROWS = 6;
export const COLUMNS = 50;
export const COUNT = ROWS * COLUMNS;

/** Numbers in [0, 1) from a seed (mulberry32). */
export function stream(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Roughly normal, exact in f32. */
export function normal(seed: number, scale: number, count = COUNT): number[] {
  const next = stream(seed);
  return Array.from({ length: count }, () => Math.fround((next() + next() + next() + next() - 2) * scale * 1.7));
}

export const base = normal(1, 0.5);

/** A fine-tune: the base and a change of the given size. */
export const tuned = (seed: number, size = 0.1): number[] =>
  normal(seed, size).map((change, i) => Math.fround(base[i]! + change));

export const asInput = (values: readonly number[]): Input => f32(values);
