/**
 * Lists looked through by the kernels, in the calling thread. Those that lie in memory that the kernels see are read there, others
 * are brought.
 */
import { isShared } from "../../bytes/shared.ts";
import type { Search } from "../../graph/search.ts";

export interface SearchKernels {
  readonly memory: WebAssembly.Memory;
  readonly countEqual: (list: number, length: number, bits: number) => number;
  readonly largest: (
    lists: number,
    many: number,
    ks: number,
    wanted: number,
    low: number,
    high: number,
    found: number,
    scratch: number,
  ) => void;
}

/** Bytes of two sets of counters. */
const COUNTERS = 2 * 4 * 2 ** 11;

/** @param spaceFor where so many bytes of the memory are free, until it is asked again */
export function createSearch(
  { memory, countEqual, largest }: SearchKernels,
  spaceFor: (bytes: number) => number,
): Search {
  const elsewhere = (list: Uint32Array) => (isShared(list) ? 0 : list.length);

  return {
    largest: (lists, ks, { low, high }) => {
      const all = lists.reduce((sum, { length }) => sum + length, 0);
      const brought = lists.reduce((sum, list) => sum + elsewhere(list), 0);
      const words = 2 * lists.length + 4 * ks.length;
      const base = spaceFor(4 * (words + brought + all) + COUNTERS);
      const space = new Uint32Array(memory.buffer, base, words + brought);
      let end = words;
      lists.forEach((list, i) => {
        if (elsewhere(list) > 0) space.set(list, end);
        space[2 * i] = elsewhere(list) > 0 ? base + 4 * end : list.byteOffset;
        space[2 * i + 1] = list.length;
        end += elsewhere(list);
      });
      const [k, found] = [2 * lists.length, 2 * lists.length + ks.length];
      space.set(ks, k);
      largest(base, lists.length, base + 4 * k, ks.length, low, high, base + 4 * found, base + 4 * end);
      return ks.map((_, i) => {
        const at = found + 3 * i;
        return { bits: space[at]!, keep: space[at + 1]!, equal: space[at + 2]! };
      });
    },
    count: (list, bits) => {
      if (isShared(list)) return countEqual(list.byteOffset, list.length, bits) >>> 0;
      const base = spaceFor(list.byteLength);
      new Uint32Array(memory.buffer, base, list.length).set(list);
      return countEqual(base, list.length, bits) >>> 0;
    },
  };
}
