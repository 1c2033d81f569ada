/**
 * The k-th largest magnitude found in one sweep instead of two: a sample tells about where it lies, the sweep counts
 * what is above and below that window and lists the few magnitudes inside. Where the sample was wrong the counts say so,
 * and the magnitudes are counted digit by digit instead (`choice.ts`): the answer is exact either way.
 */
import { type Choice, NOTHING } from "./choice.ts";
import { massIn } from "./mass.ts";
import { BLOCK, WINDOW } from "./program.ts";
import type { Bounds, Search } from "./search.ts";
import type { Selection } from "./tensor.ts";
import type { Stretch } from "./ties.ts";

/** A selection, and how many it chooses. */
interface Wanted {
  readonly selection: Selection;
  readonly k: number;
}

export interface Windows {
  /**
   * Puts the windows of selections of the k largest where a sample of the key's f32 bits says.
   * @param spot elements that lie side by side in it, in order, where a window that misses is dear
   */
  open(wanted: readonly Wanted[], sample: Uint32Array, spot?: number | null): void;
  /** Both are part of the window, and counted apart from what lies between. */
  bounds(selection: Selection): Bounds;
  /** Takes the counts of the tile that starts at element `first`: for good where a miss is dear, else they are looked at again until they are dropped. */
  absorb(selection: Selection, first: number, counts: Uint32Array): void;
  /** The choice of the k largest among all that was absorbed; null when the window missed it. */
  choose(selection: Selection, k: number): Choice | null;
  /** The block that the last one chosen is in. */
  stretch(selection: Selection, choice: Choice): Stretch;
  /** Makes of the sums per block of what is above a selection's window those of what it chooses; false where it cannot. */
  mass(selection: Selection, choice: Choice, above: Float64Array): boolean;
  drop(selection: Selection): void;
}

/** What a tile saw, laid out as WINDOW says. */
export interface Seen {
  readonly first: number;
  readonly counts: Uint32Array;
  readonly list: Uint32Array;
}

/**
 * How wide windows are made, in standard errors of a sample of single elements: those of a tensor may be more alike near
 * each other. Of all windows of a run some 2 % are to miss: each that does makes the next ones wider (or narrower, where
 * too much lies inside), each that does not a little narrower.
 */
export interface Trust {
  errors: number;
}
export const createTrust = (): Trust => ({ errors: 2.6 });
const [WIDER, NARROWER, LEAST, MOST] = [1.3, 0.995, 2, 6];
/** What is added where a miss is dear; and how much of the sample may lie on either side of the k-th then, for lists have ends. */
const CAREFUL = 1.4;
const SIDE = 0.02;
/** Words that are kept of such a tensor's counts and lists, for it may have any size; with more its windows have missed. */
const KEPT = 2 ** 24;
/** Of all magnitudes. */
const EVERYTHING: Bounds = { low: 0, high: 0x7fffffff };

/** What a window has seen so far. */
interface Open {
  readonly bounds: Bounds;
  readonly seen: Seen[];
  /** A miss is: the tensor has to be read again. */
  readonly isDear: boolean;
  /** There was more than may be kept, and what was seen is gone. */
  isLost: boolean;
}

/** @param elements in the tensor */
export function createWindows(elements: number, trust: Trust, search: Search): Windows {
  const open = new Map<Selection, Open>();
  /** Words of copies, of all windows. */
  let kept = 0;
  const of = (selection: Selection) => {
    const found = open.get(selection);
    if (found === undefined) throw new Error("Internal error: a window was used before its sample was taken.");
    return found;
  };

  function absorb(selection: Selection, first: number, counts: Uint32Array): void {
    const one = of(selection);
    if (one.isLost) return;
    const used = WINDOW.list + counts[WINDOW.listed]!;
    if (one.isDear) kept += used;
    if (kept > KEPT) {
      one.isLost = true;
      giveBack(one);
      return;
    }
    // Of a tensor of any size, the engine counts the next tile in the same memory.
    const own = one.isDear ? counts.slice(0, used) : counts;
    one.seen.push({ first, counts: own, list: own.subarray(WINDOW.list, used) });
  }

  function giveBack({ seen, isDear }: Open): void {
    for (const { counts } of seen.splice(0)) if (isDear) kept -= counts.length;
  }

  function choose(selection: Selection, k: number): Choice | null {
    if (k < 1) return NOTHING;
    const choice = choiceIn(selection, k);
    const { seen, isLost } = of(selection);
    const isFull = isLost || seen.some(({ counts }) => counts[WINDOW.full] !== 0);
    const change = choice !== null ? NARROWER : isFull ? 1 / WIDER : WIDER;
    trust.errors = Math.max(LEAST, Math.min(MOST, trust.errors * change));
    return choice;
  }

  function choiceIn(selection: Selection, k: number): Choice | null {
    const { bounds, seen, isLost } = of(selection);
    if (isLost) return null;
    const total = (at: number) => seen.reduce((sum, { counts }) => sum + lanes(counts, at), 0);
    const [above, reached, within] = [total(WINDOW.above), total(WINDOW.reached), total(WINDOW.within)];
    if (k <= above || k > within || seen.some(({ counts }) => counts[WINDOW.full] !== 0)) return null;
    const choice = (threshold: number, keep: number, equal: number) => ({ threshold, keep, equal, cut: elements - 1 });
    if (k <= reached) return choice(bounds.high, k - above, reached - above);
    const lists = seen.map(({ list }) => list);
    const listed = lists.reduce((sum, { length }) => sum + length, 0);
    if (k > reached + listed) return choice(bounds.low, k - reached - listed, within - reached - listed);
    const { bits, keep, equal } = search.largest(lists, [k - reached], bounds)[0]!;
    return choice(bits, keep, equal);
  }

  return {
    open: (wanted, sample, spot = null) => {
      const isDear = spot !== null;
      const rough = wanted.map(({ k }) => Math.min(1, k / elements) * sample.length);
      const middle = isDear ? magnitudesAt(search, sample, rough.map(Math.round)) : null;
      const places = wanted.map(({ k }, w) => {
        const place = rough[w]!;
        const single = Math.sqrt(place * (1 - place / Math.max(1, sample.length)));
        if (k < 1) return [0, 0] as const;
        if (middle === null) return around(place, sample.length, trust.errors * single + 2);
        const error = Math.max(single, errorOf(sample, middle(Math.round(place)), spot!));
        return around(place, sample.length, Math.min((trust.errors + CAREFUL) * error + 2, SIDE * sample.length));
      });
      const at = magnitudesAt(search, sample, places.flat());
      wanted.forEach(({ selection }, w) => {
        const [few, many] = places[w]!;
        open.set(selection, { bounds: { low: at(many), high: at(few) }, seen: [], isDear, isLost: false });
      });
    },
    bounds: (selection) => of(selection).bounds,
    absorb,
    choose,
    stretch: (selection, choice) => {
      const { bounds, seen } = of(selection);
      return blockOf(search, seen, choice, bounds, elements);
    },
    mass: (selection, choice, above) => {
      const { bounds, seen, isLost } = of(selection);
      return !isLost && massIn(seen, choice, bounds, above);
    },
    drop: (selection) => {
      const one = open.get(selection);
      if (one !== undefined) giveBack(one);
      open.delete(selection);
    },
  };
}

const lanes = (counts: Uint32Array, at: number) => counts[at]! + counts[at + 1]! + counts[at + 2]! + counts[at + 3]!;

/** The block that the last one chosen is in, from the counts so far that the tiles marked step by step. */
function blockOf(
  { count }: Search,
  seen: readonly Seen[],
  { threshold, keep }: Choice,
  { low, high }: Bounds,
  elements: number,
): Stretch {
  /** Equal ones from one mark to another of a tile. */
  const between = ({ counts, list }: Seen, from: number, to: number): number => {
    if (threshold !== low && threshold !== high) {
      return count(list.subarray(markOf(counts, from, 3), markOf(counts, to, 3)), threshold);
    }
    const upTo = (mark: number) =>
      threshold === high
        ? markOf(counts, mark, 1) - markOf(counts, mark, 0)
        : markOf(counts, mark, 2) - markOf(counts, mark, 1) - markOf(counts, mark, 3);
    return upTo(to) - upTo(from);
  };
  let left = keep;
  for (const one of [...seen].sort((a, b) => a.first - b.first)) {
    const marked = one.counts[WINDOW.marked]!;
    let inside = between(one, 0, marked);
    if (left > inside) {
      left -= inside;
      continue;
    }
    const steps = BLOCK / WINDOW.step;
    // Half of what is left at a time.
    let [from, to] = [0, marked];
    while (to - from > steps) {
      const middle = from + steps * Math.ceil((to - from) / steps / 2);
      const equal = between(one, from, middle);
      const isLater = left > equal;
      if (isLater) left -= equal;
      inside = isLater ? inside - equal : equal;
      [from, to] = isLater ? [middle, to] : [from, middle];
    }
    const start = one.first + from * WINDOW.step;
    return { start, end: Math.min(start + BLOCK, elements), equal: inside, keep: left };
  }
  throw new Error("Internal error: there are fewer equal magnitudes than were counted.");
}

/** One of the four counts after so many steps; before the first nothing was counted. */
const markOf = (counts: Uint32Array, steps: number, which: number): number =>
  steps === 0 ? 0 : counts[WINDOW.marks + 4 * (steps - 1) + which]!;

/** The places, counted from the largest, that the k-th of all is between in a sample; 0 and one more than there are stand for none. */
function around(place: number, sampled: number, margin: number): readonly [number, number] {
  return [Math.max(0, Math.floor(place - margin)), Math.min(sampled + 1, Math.ceil(place + margin))];
}

/** The magnitudes at some places of a sample. */
function magnitudesAt(search: Search, sample: Uint32Array, places: readonly number[]): (place: number) => number {
  const inside = [...new Set(places)].filter((place) => place > 0 && place <= sample.length);
  const found = new Map(search.largest([sample], inside, EVERYTHING).map(({ bits }, i) => [inside[i], bits]));
  return (place) => found.get(place) ?? (place <= 0 ? EVERYTHING.high : EVERYTHING.low);
}

/**
 * The standard error of the number of magnitudes that reach `bits` in a sample of spots, where those of a spot may be alike: from
 * how one spot differs from the next, so that what changes slowly from the tensor's beginning to its end is no error.
 */
function errorOf(sample: Uint32Array, bits: number, spot: number): number {
  const spots = Math.floor(sample.length / spot);
  let [before, squares] = [0, 0];
  for (let s = 0; s < spots; s++) {
    let reached = 0;
    for (let i = s * spot; i < (s + 1) * spot; i++) if ((sample[i]! & 0x7fffffff) >= bits) reached++;
    if (s > 0) squares += (reached - before) ** 2;
    before = reached;
  }
  return spots < 2 ? 0 : Math.sqrt((spots * squares) / (2 * (spots - 1)));
}
