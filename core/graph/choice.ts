/**
 * The k-th largest magnitude, found by counting: the 31 bits of a magnitude are two digits, and a histogram of the
 * high ones names the bin that holds the k-th, one of the low ones inside that bin its exact bits.
 */
import type { OverallKth } from "./passes.ts";
import { LOW_BITS } from "./program.ts";

export interface Choice {
  /** Magnitude bits of the k-th largest element; past all magnitudes when nothing is chosen. */
  readonly threshold: number;
  /** How many elements equal to the threshold are kept, and how many there are. */
  readonly keep: number;
  readonly equal: number;
  /** Last index kept among the equal ones. */
  readonly cut: number;
}

/** Numbers of the whole model, as one tensor's settlement sees them. */
export interface Whole {
  sum(id: string): number;
  choice(of: OverallKth): Choice;
}

/** No element is chosen: no magnitude has these bits or more. */
export const NOTHING: Choice = { threshold: 0x80000000, keep: 0, equal: 0, cut: -1 };

/** From counts of high digits: the threshold's high digit, the low one still 0. */
export function coarse(counts: Uint32Array | Float64Array, k: number, elements: number): Choice {
  const { bin, rest, inBin } = kth(counts, k);
  return { threshold: (bin << LOW_BITS) >>> 0, keep: rest, equal: inBin, cut: elements - 1 };
}

/** From counts of low digits in the coarse choice's bin: the exact threshold. */
export function fine(choice: Choice, counts: Uint32Array | Float64Array, elements: number): Choice {
  if (choice.threshold === NOTHING.threshold) return choice;
  const { bin, rest, inBin } = kth(counts, choice.keep);
  return { threshold: choice.threshold + bin, keep: rest, equal: inBin, cut: elements - 1 };
}

/** A number seen as its bits. */
const SINGLE = new Float32Array(1);
const BITS = new Uint32Array(SINGLE.buffer);

/** The threshold as a number; infinity when nothing is chosen. */
export function magnitudeOf({ threshold }: Pick<Choice, "threshold">): number {
  if (threshold === NOTHING.threshold) return Number.POSITIVE_INFINITY;
  BITS[0] = threshold;
  return SINGLE[0]!;
}

/** The bin that holds the k-th largest (k from 1), how many of it are among the k, and its size. */
export function kth(counts: Uint32Array | Float64Array, k: number): { bin: number; rest: number; inBin: number } {
  let rest = k;
  let bin = counts.length - 1;
  while (bin > 0 && rest > counts[bin]!) rest -= counts[bin--]!;
  return { bin, rest, inBin: counts[bin]! };
}
