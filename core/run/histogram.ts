/**
 * A histogram to be looked at, from counts of magnitudes. The engine counts by the high digit of a magnitude's bits:
 * 256 bins to a doubling, whatever the range. So one sweep is enough, before anything is known of the range.
 */
import { LOW_BITS } from "../graph/program.ts";

/** Bins of equal width from `least` to `greatest`. */
export interface Histogram {
  readonly least: number;
  readonly greatest: number;
  readonly counts: readonly number[];
}

export const BINS = 64;

/** The smallest magnitude with this high digit. */
function edge(digit: number): number {
  return new Float32Array(Uint32Array.of((digit << LOW_BITS) >>> 0).buffer)[0] ?? 0;
}

/**
 * @param positive counts by high digit; bin 0 holds zeros and everything that is not positive
 * @param negative the same of what is below zero, by magnitude
 * @param finite how many elements there are in all; those without a digit are zero, or as good as
 */
export function spread(
  positive: Uint32Array,
  negative: Uint32Array,
  finite: number,
  least: number,
  greatest: number,
): Histogram {
  const counts = new Array<number>(BINS).fill(0);
  const width = (greatest - least) / BINS;
  const place = (value: number) =>
    Math.max(0, Math.min(BINS - 1, width === 0 ? 0 : Math.floor((value - least) / width)));
  const add = (value: number, count: number) => {
    counts[place(value)]! += count;
  };
  let counted = 0;
  for (let digit = 1; digit < INFINITE; digit++) {
    const above = positive[digit]!;
    const below = negative[digit]!;
    if (above + below === 0) continue;
    counted += above + below;
    const [from, to] = [edge(digit), digit + 1 === INFINITE ? edge(digit) : edge(digit + 1)];
    const inside = (share: number) => from + share * (to - from);
    // A digit that lies across bins is cut in quarters; most lie inside one.
    for (const share of QUARTERS) {
      if (above > 0) add(inside(share), above / QUARTERS.length);
      if (below > 0) add(-inside(share), below / QUARTERS.length);
    }
  }
  add(0, finite - counted);
  return { least, greatest, counts };
}

/** Infinity's high digit. */
const INFINITE = 0xff00;
const QUARTERS = [0, 0.25, 0.5, 0.75];
