/**
 * Where the cut falls among elements of equal magnitude: the lowest indices are kept. The counts of low digits are
 * remembered by stretches of the tensor, so once the threshold is known it is known too in which stretch the last
 * kept one lies; that stretch alone is swept again, block by block, and one block is looked into.
 */
import type { Choice } from "./choice.ts";
import { addCounts, type Counters } from "./counters.ts";
import type { Cut, Fused } from "./passes.ts";
import { BLOCK, LOW_BINS } from "./program.ts";
import type { Selection } from "./tensor.ts";

/** What the host of a run can look at again. */
export interface Look {
  /** Elements to sweep at once: a stretch begins with a tile, and pieces counted from there suit the program. */
  piece(fused: Fused): number;
  /** The sums of a program, one per block, over elements `first` to `end`; `first` is the start of a piece. */
  tally(fused: Fused, first: number, end: number): Promise<Float64Array>;
  /** A program's output over one block, as f32. */
  values(fused: Fused, first: number, count: number): Promise<Float32Array>;
  /**
   * Shows the output of some programs for some thousand elements from all over the tensor, the same for all; whoever sees it
   * may not keep it.
   * @param see is told the program's place among them; and where the tensor has to be read again for another sweep, of how many
   *   elements each spot is
   */
  sample(
    programs: readonly Fused[],
    see: (program: number, values: Float32Array, spot: number | null) => void,
  ): Promise<void>;
  /** A program's only histogram, tile by tile, over the whole tensor. */
  counts(fused: Fused, take: (first: number, counts: Uint32Array) => void): Promise<void>;
}

/** A part of a tensor with the last element kept among those of the threshold's magnitude. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  /** How many of that magnitude it has, and how many of them are kept. */
  readonly equal: number;
  readonly keep: number;
}

/** Counts of low digits by stretches. */
export interface Ties {
  absorb(selection: Selection, first: number, counts: Uint32Array): void;
  /** Null for a selection that was not absorbed. */
  stretch(selection: Selection, choice: Choice): Stretch | null;
  drop(selection: Selection): void;
}

interface Counted {
  start: number;
  readonly counts: Uint32Array;
}

/** At most so many stretches of a tensor are told apart; each costs 128 KB while a selection is open. */
const STRETCHES = 64;

/** @param count elements in the tensor, all of them to be absorbed */
export function createTies(count: number, counters: Counters): Ties {
  const open = new Map<Selection, Map<number, Counted>>();
  const length = Math.max(BLOCK, Math.ceil(count / STRETCHES));

  function absorb(selection: Selection, first: number, counts: Uint32Array): void {
    const stretches = open.get(selection) ?? new Map<number, Counted>();
    open.set(selection, stretches);
    const number = Math.floor(first / length);
    const known = stretches.get(number);
    if (known === undefined) {
      const own = counters.take(LOW_BINS);
      own.set(counts);
      stretches.set(number, { start: first, counts: own });
      return;
    }
    known.start = Math.min(known.start, first);
    addCounts(known.counts, counts);
  }

  function drop(selection: Selection): void {
    for (const { counts } of open.get(selection)?.values() ?? []) counters.give(counts);
    open.delete(selection);
  }

  return {
    absorb,
    stretch: (selection, { threshold, keep }) => {
      const counted = open.get(selection);
      if (counted === undefined) return null;
      const parts = [...counted.values()].map(({ start, counts }) => ({
        start,
        equal: counts[threshold & (LOW_BINS - 1)]!,
      }));
      return stretchAmong(parts, keep, count);
    },
    drop,
  };
}

/**
 * Where the last one kept is, among the parts of a tensor up to element `end`.
 * @param keep how many of the equal ones of all parts are kept
 */
function stretchAmong(
  parts: readonly { readonly start: number; readonly equal: number }[],
  keep: number,
  end: number,
): Stretch {
  const inOrder = [...parts].sort((a, b) => a.start - b.start);
  let left = keep;
  let at = 0;
  while (at < inOrder.length && left > inOrder[at]!.equal) left -= inOrder[at++]!.equal;
  const { start, equal } = inOrder[at] ?? lost();
  return { start, end: inOrder[at + 1]?.start ?? end, equal, keep: left };
}

/** The index of the last element kept among the equal ones. */
export async function placeOf(
  { count: counting, value }: Cut,
  choice: Choice,
  { start, end, equal, keep }: Stretch,
  look: Look,
): Promise<number> {
  let left = keep;
  const { block, rest } =
    end - start <= BLOCK ? { block: start / BLOCK, rest: left } : await find(counting, start, end, left, equal, look);
  left = rest;
  const first = block * BLOCK;
  const values = await look.values(value, first, Math.min(BLOCK, end - first));
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < bits.length; index++) {
    if ((bits[index]! & 0x7fffffff) === choice.threshold && --left === 0) return first + index;
  }
  return lost();
}

/**
 * The block with the `wanted`-th of `all` equal elements between `start` and `end`, and which of the block's it is. Equal
 * elements are spread about evenly, so it is looked for from the nearer end.
 */
async function find(counting: Fused, start: number, end: number, wanted: number, all: number, look: Look) {
  const piece = look.piece(counting);
  const pieces = Math.ceil((end - start) / piece);
  const forward = wanted * 2 <= all;
  let before = forward ? 0 : all;
  for (let i = 0; i < pieces; i++) {
    const first = start + (forward ? i : pieces - 1 - i) * piece;
    const perBlock = await look.tally(counting, first, Math.min(end, first + piece));
    const inside = perBlock.reduce((sum, some) => sum + some, 0);
    if (!forward) before -= inside;
    if (forward ? wanted > before + inside : wanted <= before) {
      if (forward) before += inside;
      continue;
    }
    let rest = wanted - before;
    let block = 0;
    while (block < perBlock.length && rest > perBlock[block]!) rest -= perBlock[block++]!;
    if (block < perBlock.length) return { block: first / BLOCK + block, rest };
  }
  return lost();
}

function lost(): never {
  throw new Error("Internal error: there are fewer equal magnitudes than were counted.");
}
