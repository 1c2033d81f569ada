/**
 * Lists of filters of which the first that catches a tensor is heard: what they get wrong is mended, and what they do
 * not need is dropped.
 */
import type { Filters, Group } from "./filters.ts";
import type { Value, Worth } from "./worth.ts";

/** A filter with what it gives to whatever it catches. */
export interface Entry {
  /** Null: the rest. */
  readonly filter: string | null;
  readonly value: Value;
}

export const entriesOf = (group: Group, value: Value | null): Entry[] =>
  value === null ? [] : group.filters().map((filter) => ({ filter, value }));

const byLength = (a: Entry, b: Entry) => (b.filter?.length ?? 0) - (a.filter?.length ?? 0);

/**
 * Adds filters for tensors that the entries get wrong: for a layer, for a module in a layer, and at last by whole
 * names, longest first, where no name can be caught by another's.
 */
export function mended(entries: readonly Entry[], filters: Filters, worth: Worth): Entry[] {
  let written = [...entries];
  for (const groups of [filters.layers, filters.pieces]) {
    const wrong = new Set(wrongIn(written, filters, worth));
    if (wrong.size === 0) return written;
    const extra = groups
      .filter(({ members }) => members.some((i) => wrong.has(i)))
      .flatMap((group) => entriesOf(group, worth.single(group.members)));
    written = [...extra.sort(byLength), ...written];
  }
  const named = new Set<number>();
  for (;;) {
    const all = [...byName(named, filters, worth), ...written];
    const wrong = wrongIn(all, filters, worth);
    if (wrong.length === 0) return all;
    for (const i of wrong) named.add(i);
  }
}

function byName(members: ReadonlySet<number>, { spots }: Filters, worth: Worth): Entry[] {
  return [...members].map((i) => ({ filter: spots[i]!.name, value: worth.of(i) })).sort(byLength);
}

function wrongIn(entries: readonly Entry[], filters: Filters, worth: Worth): number[] {
  const first = firstOf(entries, filters);
  return filters.spots.flatMap((_, i) => (worth.gives(entries[first[i]!]?.value, i) ? [] : [i]));
}

/** What an entry catches; null for all. */
type Hits = readonly (Uint8Array | null)[];

const hitsOf = (entries: readonly Entry[], { caught }: Filters): Hits =>
  entries.map(({ filter }) => (filter === null ? null : caught(filter)));

/** The first entry from `from` on that counts and catches tensor i; past the end if none does. */
function next(hits: Hits, alive: readonly boolean[], i: number, from: number): number {
  let e = from;
  while (e < hits.length && !(alive[e] && (hits[e] === null || hits[e]![i] === 1))) e++;
  return e;
}

function firstOf(entries: readonly Entry[], filters: Filters): Int32Array {
  const hits = hitsOf(entries, filters);
  const alive = entries.map(() => true);
  return Int32Array.from(filters.spots, (_, i) => next(hits, alive, i, 0));
}

/** Without entries whose tensors would hear the same from the next one that catches them. */
export function pruned(entries: readonly Entry[], filters: Filters, worth: Worth): Entry[] {
  const hits = hitsOf(entries, filters);
  const first = firstOf(entries, filters);
  const seen = new Set<string | null>();
  // A filter that was there before is never asked.
  const alive = entries.map(({ filter }) => !seen.has(filter) && seen.add(filter) !== undefined);
  for (let e = 0; e < entries.length - 1; e++) {
    const after = new Map<number, number>();
    let needless = true;
    for (let i = 0; needless && i < first.length; i++) {
      if (first[i] !== e) continue;
      const then = next(hits, alive, i, e + 1);
      needless = worth.gives(entries[then]?.value, i);
      after.set(i, then);
    }
    if (!needless) continue;
    alive[e] = false;
    for (const [i, then] of after) first[i] = then;
  }
  return entries.filter((_, e) => alive[e]);
}
