/**
 * Where the cut falls among elements of equal magnitude: the lowest indices are kept. The counts of low digits are
 * remembered by stretches of the tensor, so once the threshold is known it is known too in which stretch the last
 * kept one lies; that stretch alone is swept again, block by block, and one block is looked into.
 */
import type { Choice } from "./choice.ts";
import type { Cut, Fused } from "./passes.ts";
import { BLOCK, LOW_BINS } from "./program.ts";
import type { Selection } from "./tensor.ts";

/** What the host of a run can look at again. */
export interface Look {
  /** The sums of a program, one per block, over elements `first` to `end`; `first` is the start of a tile. */
  tally(fused: Fused, first: number, end: number): Promise<Float64Array>;
  /** A program's output over one block, as f32. */
  values(fused: Fused, first: number, count: number): Promise<Float32Array>;
}

export interface Ties {
  absorb(selection: Selection, first: number, counts: Uint32Array): void;
  /** The index of the last element kept among the equal ones. */
  place(cut: Cut, choice: Choice, look: Look): Promise<number>;
}

interface Stretch {
  start: number;
  readonly counts: Uint32Array;
}

/** At most so many stretches of a tensor are told apart; each costs 128 KB while a selection is open. */
const STRETCHES = 64;

/** @param count elements in the tensor */
export function createTies(count: number): Ties {
  const open = new Map<Selection, Map<number, Stretch>>();
  const length = Math.max(BLOCK, Math.ceil(count / STRETCHES));

  function absorb(selection: Selection, first: number, counts: Uint32Array): void {
    const stretches = open.get(selection) ?? new Map<number, Stretch>();
    open.set(selection, stretches);
    const number = Math.floor(first / length);
    const known = stretches.get(number);
    if (known === undefined) {
      stretches.set(number, { start: first, counts: counts.slice() });
      return;
    }
    known.start = Math.min(known.start, first);
    for (let bin = 0; bin < LOW_BINS; bin++) known.counts[bin]! += counts[bin]!;
  }

  async function place({ selection, count: counting, value }: Cut, choice: Choice, look: Look): Promise<number> {
    const bin = choice.threshold & (LOW_BINS - 1);
    const stretches = [...(open.get(selection)?.values() ?? [])].sort((a, b) => a.start - b.start);
    let left = choice.keep;
    let at = 0;
    while (at < stretches.length && left > stretches[at]!.counts[bin]!) left -= stretches[at++]!.counts[bin]!;
    const start = stretches[at]?.start ?? lost();
    const perBlock = await look.tally(counting, start, stretches[at + 1]?.start ?? count);
    let block = 0;
    while (block < perBlock.length && left > perBlock[block]!) left -= perBlock[block++]!;
    const first = start + block * BLOCK;
    if (block === perBlock.length) lost();
    const values = await look.values(value, first, Math.min(BLOCK, count - first));
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let index = 0; index < bits.length; index++) {
      if ((bits[index]! & 0x7fffffff) === choice.threshold && --left === 0) return first + index;
    }
    return lost();
  }

  return {
    absorb,
    place: (cut, choice, look) => place(cut, choice, look).finally(() => open.delete(cut.selection)),
  };
}

function lost(): never {
  throw new Error("Internal error: there are fewer equal magnitudes than were counted.");
}
