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

/** Adds counts of one tile, below 2^31 each. Most bins are empty: two at a time, seen as one f64, they are passed over. */
export function addCounts(to: Uint32Array, counts: Uint32Array): void {
  if (counts.byteOffset % 8 !== 0) {
    for (let bin = 0; bin < counts.length; bin++) to[bin]! += counts[bin]!;
    return;
  }
  const pairs = new Float64Array(counts.buffer, counts.byteOffset, counts.length >> 1);
  for (let pair = 0; pair < pairs.length; pair++) {
    if (pairs[pair] === 0) continue;
    to[2 * pair]! += counts[2 * pair]!;
    to[2 * pair + 1]! += counts[2 * pair + 1]!;
  }
}
