/**
 * Looking through lists of magnitude bits (f32 bits, of which the sign does not count): here as plainly as can be; an engine may
 * bring what is quicker and finds the same.
 */

/** Magnitude bits; both are part of the range. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** A magnitude's bits, how many of those that equal it are among the k largest, and how many there are. */
export interface Found {
  readonly bits: number;
  readonly keep: number;
  readonly equal: number;
}

export interface Search {
  /**
   * The k-th largest of some lists together, for each k (from 1; no more than there are).
   * @param within the range that all are in
   */
  largest(lists: readonly Uint32Array[], ks: readonly number[], within: Bounds): Found[];
  /** How many of a list are these bits. */
  count(list: Uint32Array, bits: number): number;
}

export const plainSearch: Search = {
  largest: (lists, ks) => {
    const sorted = Uint32Array.from(lists.flatMap((list) => Array.from(list, magnitude))).sort();
    return ks.map((k) => {
      const bits = sorted[sorted.length - k]!;
      const end = sorted.lastIndexOf(bits) + 1;
      return { bits, keep: k - (sorted.length - end), equal: end - sorted.indexOf(bits) };
    });
  },
  count: (list, bits) => list.reduce((count, one) => count + (magnitude(one) === bits ? 1 : 0), 0),
};

const magnitude = (bits: number) => bits & 0x7fffffff;
