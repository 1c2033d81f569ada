/**
 * The k-th largest magnitude found in one sweep instead of two: a sample tells about where it lies, the sweep counts
 * what is above and below that window and lists the few magnitudes inside. Where the sample was wrong the counts say so,
 * and the magnitudes are counted digit by digit instead (`choice.ts`): the answer is exact either way.
 */
import { type Choice, kth, NOTHING } from "./choice.ts";
import type { Counters } from "./counters.ts";
import { massIn } from "./mass.ts";
import { BLOCK, WINDOW } from "./program.ts";
import type { Selection } from "./tensor.ts";
import type { Stretch } from "./ties.ts";

/** Magnitude bits; both are part of the window, and counted apart from what lies between. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** A selection, and how many it chooses. */
interface Wanted {
  readonly selection: Selection;
  readonly k: number;
}

export interface Windows {
  /**
   * Puts the windows of selections of the k largest where a sample of magnitude bits says.
   * @param spot elements that lie side by side in it, in order, where a window that misses is dear
   */
  open(wanted: readonly Wanted[], sample: Uint32Array, spot?: number | null): void;
  bounds(selection: Selection): Bounds;
  /** Takes the counts of the tile that starts at element `first`. */
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
export function createWindows(elements: number, counters: Counters, trust: Trust): Windows {
  const open = new Map<Selection, Open>();
  /** Words, of all windows. */
  let kept = 0;
  const of = (selection: Selection) => {
    const found = open.get(selection);
    if (found === undefined) throw new Error("Internal error: a window was used before its sample was taken.");
    return found;
  };

  function absorb(selection: Selection, first: number, counts: Uint32Array): void {
    const one = of(selection);
    if (one.isLost) return;
    // The engine counts the next tile in the same memory. A few sizes for all lists, so that what is given back fits the next.
    const used = WINDOW.list + counts[WINDOW.listed]!;
    const size = 2 ** Math.ceil(Math.log2(used));
    kept += size;
    if (one.isDear && kept > KEPT) {
      one.isLost = true;
      giveBack(one);
      return;
    }
    const own = counters.borrow(size);
    own.set(counts.subarray(0, used));
    const list = own.subarray(WINDOW.list, WINDOW.list + own[WINDOW.listed]!);
    one.seen.push({ first, counts: own, list });
  }

  function giveBack({ seen }: Open): void {
    for (const { counts } of seen.splice(0)) {
      kept -= counts.length;
      counters.give(counts);
    }
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
    const { bits, keep, equal } = largest(lists, [k - reached], bounds)[0]!;
    return choice(bits, keep, equal);
  }

  return {
    open: (wanted, sample, spot = null) => {
      const isDear = spot !== null;
      const rough = wanted.map(({ k }) => Math.min(1, k / elements) * sample.length);
      const middle = isDear ? magnitudesAt(sample, rough.map(Math.round)) : null;
      const places = wanted.map(({ k }, w) => {
        const place = rough[w]!;
        const single = Math.sqrt(place * (1 - place / Math.max(1, sample.length)));
        if (k < 1) return [0, 0] as const;
        if (middle === null) return around(place, sample.length, trust.errors * single + 2);
        const error = Math.max(single, errorOf(sample, middle(Math.round(place)), spot!));
        return around(place, sample.length, Math.min((trust.errors + CAREFUL) * error + 2, SIDE * sample.length));
      });
      const at = magnitudesAt(sample, places.flat());
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
      return blockOf(seen, choice, bounds, elements);
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
function blockOf(seen: readonly Seen[], { threshold, keep }: Choice, { low, high }: Bounds, elements: number): Stretch {
  const inList = threshold !== low && threshold !== high;
  /** Equal ones up to a mark: `listed` is what of the list was looked at so far. */
  const equalAt = ({ counts }: Seen, mark: number, listed: number): number => {
    const at = WINDOW.marks + 4 * mark;
    if (inList) return listed;
    return threshold === high ? counts[at + 1]! - counts[at]! : counts[at + 2]! - counts[at + 1]! - counts[at + 3]!;
  };
  // Lists are looked through no further than to the last one kept.
  let left = keep;
  for (const one of [...seen].sort((a, b) => a.first - b.first)) {
    const marked = one.counts[WINDOW.marked]!;
    const listed = inList ? countOf(one.list, threshold) : 0;
    const all = equalAt(one, marked - 1, listed);
    if (left > all) {
      left -= all;
      continue;
    }
    const steps = BLOCK / WINDOW.step;
    let [before, at, found] = [0, 0, 0];
    for (let start = 0; start < marked; start += steps) {
      const mark = Math.min(start + steps, marked) - 1;
      const end = one.counts[WINDOW.marks + 4 * mark + 3]!;
      if (inList) found += countOf(one.list.subarray(at, end), threshold);
      at = end;
      const equal = equalAt(one, mark, found);
      const first = one.first + start * WINDOW.step;
      if (left <= equal)
        return { start: first, end: Math.min(first + BLOCK, elements), equal: equal - before, keep: left - before };
      before = equal;
    }
  }
  throw new Error("Internal error: there are fewer equal magnitudes than were counted.");
}

function countOf(list: Uint32Array, wanted: number): number {
  let count = 0;
  for (let i = 0; i < list.length; i++) if (list[i] === wanted) count++;
  return count;
}

/** The places, counted from the largest, that the k-th of all is between in a sample; 0 and one more than there are stand for none. */
function around(place: number, sampled: number, margin: number): readonly [number, number] {
  return [Math.max(0, Math.floor(place - margin)), Math.min(sampled + 1, Math.ceil(place + margin))];
}

/** The magnitudes at some places of a sample. */
function magnitudesAt(sample: Uint32Array, places: readonly number[]): (place: number) => number {
  const inside = [...new Set(places)].filter((place) => place > 0 && place <= sample.length);
  const found = new Map(
    largest(sample.length === 0 ? [] : [sample], inside, EVERYTHING).map(({ bits }, i) => [inside[i], bits]),
  );
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
    for (let i = s * spot; i < (s + 1) * spot; i++) if (sample[i]! >= bits) reached++;
    if (s > 0) squares += (reached - before) ** 2;
    before = reached;
  }
  return spots < 2 ? 0 : Math.sqrt((spots * squares) / (2 * (spots - 1)));
}

/** Digits of 11 bits; and up to how many magnitudes are rather put in order. */
const DIGIT = 11;
const BINS = 2 ** DIGIT;
const FEW = 256;
/** Counters of each digit, and where to put what has it. */
const COUNTS = new Uint32Array(BINS);
const SLOTS = new Uint8Array(BINS);
/** What has a digit is put together here, one step into the digits behind the other; and where a few are put in order. */
const ROOM = new Uint32Array(2 ** 17);
const ORDER = new Uint32Array(FEW);
let taken = 0;

function roomFor(length: number): Uint32Array {
  if (taken + length > ROOM.length) return new Uint32Array(length);
  taken += length;
  return ROOM.subarray(taken - length, taken);
}

/** A magnitude's bits, how many of those that equal it are among the k largest, and how many there are. */
interface Found {
  readonly bits: number;
  readonly keep: number;
  readonly equal: number;
}

/**
 * The k-th largest of some bits, for each k (from 1). All are found together, a digit at a time. Bounds are integers all the way:
 * a number that once was a fraction's kind makes every step of the loops below three times as long.
 * @param within the range they are in
 */
export function largest(lists: readonly Uint32Array[], ks: readonly number[], { low, high }: Bounds): Found[] {
  const [first] = lists;
  if (lists.length === 1 && first!.length <= FEW) return inOrder(first!, ks);
  const shift = Math.max(0, 32 - DIGIT - Math.clz32(high - low));
  COUNTS.fill(0);
  for (const list of lists) count(list, low, shift);
  const found = ks.map((k) => {
    const { bin, rest, inBin } = kth(COUNTS, k);
    return { bin, bits: low + (bin << shift), keep: rest, equal: inBin };
  });
  if (shift === 0) return found;
  const bins = [...new Set(found.map(({ bin }) => bin))];
  const before = taken;
  const parts = bins.map((bin) => roomFor(COUNTS[bin]!));
  if (bins.length === 1) {
    let end = 0;
    for (const list of lists) end = pick(list, low, shift, bins[0]!, parts[0]!, end);
  } else {
    const ends = bins.map(() => 0);
    SLOTS.fill(0);
    for (const [slot, bin] of bins.entries()) SLOTS[bin] = slot + 1;
    for (const list of lists) sort(list, low, shift, parts, ends);
  }
  const exact = found.map(({ bin, bits, keep }) => {
    const [one] = largest([parts[bins.indexOf(bin)]!], [keep], { low: bits, high: bits + (1 << shift) - 1 });
    return one!;
  });
  taken = before;
  return exact;
}

/** The same of a few, put in order. */
function inOrder(list: Uint32Array, ks: readonly number[]): Found[] {
  const sorted = ORDER.subarray(0, list.length);
  sorted.set(list);
  sorted.sort();
  return ks.map((k) => {
    const bits = sorted[sorted.length - k] ?? 0;
    const from = sorted.indexOf(bits);
    const end = sorted.lastIndexOf(bits) + 1;
    return { bits, keep: k - (sorted.length - end), equal: end - from };
  });
}

function count(list: Uint32Array, low: number, shift: number): void {
  for (let i = 0; i < list.length; i++) COUNTS[(list[i]! - low) >>> shift]!++;
}

/** Puts those with a digit into `to`, from `end` on; returns the new end. */
function pick(list: Uint32Array, low: number, shift: number, digit: number, to: Uint32Array, end: number): number {
  let at = end;
  for (let i = 0; i < list.length; i++) if ((list[i]! - low) >>> shift === digit) to[at++] = list[i]!;
  return at;
}

function sort(list: Uint32Array, low: number, shift: number, to: readonly Uint32Array[], ends: number[]): void {
  for (let i = 0; i < list.length; i++) {
    const slot = SLOTS[(list[i]! - low) >>> shift]!;
    if (slot !== 0) to[slot - 1]![ends[slot - 1]!++] = list[i]!;
  }
}
