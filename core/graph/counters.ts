/**
 * Arrays of counters that are used again. A selection counts in some 400 KB; made anew for each tensor, they would keep
 * the garbage collector busy, which counts the memory behind arrays.
 */
export interface Counters {
  /** So many counters, all 0. */
  take(bins: number): Uint32Array;
  give(counts: Uint32Array): void;
}

export function createCounters(): Counters {
  const idle = new Map<number, Uint32Array[]>();
  return {
    take: (bins) => idle.get(bins)?.pop()?.fill(0) ?? new Uint32Array(bins),
    give: (counts) => {
      const same = idle.get(counts.length) ?? [];
      idle.set(counts.length, same);
      same.push(counts);
    },
  };
}
