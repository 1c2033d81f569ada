/**
 * What a merge of one tensor knows so far: absorbs the partial sums and counts of each tile in any
 * order, and when a sweep is complete turns them into numbers, always adding in block order so that
 * results do not depend on tiles, lanes or timing.
 */
import { type Choice, coarse, fine, magnitudeOf, NOTHING, type Whole } from "./choice.ts";
import { addCounts, type Counters, createCounters } from "./counters.ts";
import type { Fused, OverallKth, Pass, SumScalar, Window } from "./passes.ts";
import { BLOCK, HIGH_BINS, LOW_BINS, LOW_BITS } from "./program.ts";
import { plainSearch, type Search } from "./search.ts";
import { type Spelled, spell, unspell } from "./spelled.ts";
import type { Scalar, Selection, Tensor } from "./tensor.ts";
import { createTies, type Look, placeOf } from "./ties.ts";
import { createVectors } from "./vectors.ts";
import { createTrust, createWindows, type Trust } from "./window.ts";

/** What a finished pass settled, as plain data, in the order in which the pass names it. */
export interface Kept {
  readonly sums: readonly Spelled[];
  /** Of its low digits, then of its windows; null for numbers of the whole model. */
  readonly choices: readonly (Choice | null)[];
  readonly vectors: readonly (readonly Spelled[])[];
  /** Of its high digits: bins that are not empty, each followed by its count; null where nobody asks any more. */
  readonly high: readonly (readonly number[] | null)[];
}

/** The part of an engine's result that concerns the host. */
interface Partials {
  readonly sums: Float64Array;
  readonly histograms: readonly Uint32Array[];
  readonly reductions: readonly Float64Array[];
}

export interface Settlement {
  /** The uniform words of a program for the tile that starts at element `first`. */
  words(fused: Fused, first: number): Uint32Array<ArrayBuffer>;
  /** The program's tables for a tile. */
  tables(fused: Fused, first: number, count: number): Float32Array<ArrayBuffer>[];
  /** For each of the program's vectors the entry of every element of some spots, each of `length` elements, one spot behind the other. */
  spread(fused: Fused, spots: readonly number[], length: number): Float32Array<ArrayBuffer>[];
  /** To be called before the first tile of a sweep with windows, when the sweeps before it are finished. */
  prepare(pass: Pass, look: Look): Promise<void>;
  absorb(pass: Pass, first: number, count: number, partials: Partials): void;
  /** To be called when all tiles of the sweep are absorbed. */
  finish(pass: Pass, look: Look): Promise<void>;
  /** A scalar whose sums are settled. */
  value(scalar: Scalar): number;
  /** Counts of a key's high digits, of a whole-model threshold's low ones. */
  counts(of: Tensor | OverallKth): Uint32Array;
  /** Nothing is counted any more; values stay known. */
  end(): void;
  /** All that the passes after it may ask of a finished pass. */
  keep(pass: Pass, later: readonly Pass[]): Kept;
  /** As if the pass had been run and finished here. */
  recall(pass: Pass, kept: Kept): void;
}

/** What the settlements of a run share. */
export interface Shared {
  readonly counters?: Counters;
  /** Needed where an expression has numbers of the whole model. */
  readonly whole?: Whole;
  /** In samples. */
  readonly trust?: Trust;
  readonly search?: Search | undefined;
}

/**
 * @param count elements in the tensor
 * @param seed key of the tensor's random numbers, two 32-bit words
 */
export function createSettlement(
  count: number,
  seed: readonly [number, number],
  { counters = createCounters(), whole, trust = createTrust(), search = plainSearch }: Shared = {},
): Settlement {
  const blocks = Math.ceil(count / BLOCK);
  const sums = new Map<SumScalar, number>();
  const mapped = new Map<Scalar, number>();
  const choices = new Map<Selection, Choice>();
  const partials = new Map<SumScalar, Float64Array>();
  const counts = new Map<Tensor | Selection | OverallKth, Uint32Array>();

  const vectors = createVectors(count, evaluate);
  const ties = createTies(count, counters);
  const windows = createWindows(count, trust, search);

  function evaluate(scalar: Scalar): number {
    switch (scalar.op) {
      case "constant":
        return scalar.value;
      case "sum":
        return known(sums.get(scalar));
      case "map": {
        // Every tile asks anew, and a method may iterate in here.
        const value = mapped.get(scalar) ?? scalar.fn(...scalar.args.map(evaluate));
        mapped.set(scalar, value);
        return value;
      }
      case "kth":
        return magnitudeOf(known(choices.get(scalar.selection)));
      case "overall":
        return known(whole).sum(scalar.id);
      case "overallKth":
        return magnitudeOf(known(whole).choice(scalar));
      default:
        return scalar satisfies never;
    }
  }

  const chosen = (selection: Selection) => Math.min(count, Math.floor(evaluate(selection.k)));

  /** The bin of high digits that holds the k-th; decided when a sweep first asks. */
  function bin(selection: Selection): Choice {
    const before = choices.get(selection);
    if (before !== undefined) return before;
    const k = chosen(selection);
    const made = k >= 1 ? coarse(known(counts.get(selection.key)), k, count) : NOTHING;
    choices.set(selection, made);
    return made;
  }

  function words({ program, uniforms }: Fused, first: number): Uint32Array<ArrayBuffer> {
    const bits = new Uint32Array(program.words);
    const floats = new Float32Array(bits.buffer);
    uniforms.forEach((uniform, i) => {
      switch (uniform.kind) {
        case "value":
          floats[i] = evaluate(uniform.scalar);
          break;
        case "threshold":
          bits[i] = known(choices.get(uniform.selection)).threshold;
          break;
        case "cut":
          bits[i] = Math.max(-1, Math.min(known(choices.get(uniform.selection)).cut - first, 0x7fffffff));
          break;
        case "digit":
          bits[i] =
            (uniform.selection.type === "selection" ? bin(uniform.selection) : known(whole).choice(uniform.selection))
              .threshold >>> LOW_BITS;
          break;
        case "bound":
          bits[i] = windows.bounds(uniform.selection)[uniform.end];
          break;
        case "key": {
          const [low, high] = uniform.seed ?? seed;
          bits[i] = uniform.half === 0 ? low : (high + Math.imul(uniform.stream, 0x9e3779b9)) | 0;
          break;
        }
        default:
          uniform satisfies never;
      }
    });
    return bits;
  }

  function absorb(pass: Pass, first: number, tile: number, result: Partials): void {
    const owners = sumsOf(pass);
    const length = owners.length === 0 ? 0 : result.sums.length / owners.length;
    owners.forEach((owner, s) => {
      const all = partials.get(owner) ?? new Float64Array(blocks);
      partials.set(owner, all);
      all.set(result.sums.subarray(s * length, (s + 1) * length), first / BLOCK);
    });
    pass.reduced.forEach((vector, r) => {
      vectors.absorb(vector, first, tile, known(result.reductions[r]));
    });
    [...pass.high, ...pass.low].forEach((owner, h) => {
      const bins = h < pass.high.length ? HIGH_BINS : LOW_BINS;
      const all = counts.get(owner) ?? counters.take(bins);
      counts.set(owner, all);
      addCounts(all, result.histograms[h]!);
    });
    for (const { selection } of pass.cuts) {
      const at = pass.low.indexOf(selection);
      if (at >= 0) ties.absorb(selection, first, result.histograms[pass.high.length + at]!);
    }
    pass.windows.forEach(({ selection }, w) => {
      windows.absorb(selection, first, result.histograms[pass.high.length + pass.low.length + w]!);
    });
  }

  async function prepare(pass: Pass, look: Look): Promise<void> {
    const samples = [...new Map(pass.windows.map(({ selection, sample }) => [selection.key, sample]))];
    const programs = samples.map(([, sample]) => sample);
    await look.sample(programs, (program, values, spot) => {
      const key = samples[program]?.[0];
      const wanted = pass.windows.filter(({ selection }) => selection.key === key);
      windows.open(
        wanted.map(({ selection }) => ({ selection, k: chosen(selection) })),
        new Uint32Array(values.buffer, values.byteOffset, values.length),
        spot,
      );
    });
  }

  /** Counts the digits of a selection that its window missed. */
  async function recount({ selection, digits }: Window, look: Look): Promise<Choice> {
    const { high, low } = digits();
    const all = counters.take(HIGH_BINS);
    await look.counts(high, (_, counts) => addCounts(all, counts));
    counts.set(selection.key, all);
    const rough = bin(selection);
    counts.delete(selection.key);
    counters.give(all);
    const last = counters.take(LOW_BINS);
    await look.counts(low, (first, counts) => {
      addCounts(last, counts);
      ties.absorb(selection, first, counts);
    });
    const choice = fine(rough, last, count);
    counters.give(last);
    return choice;
  }

  function addUp(sum: SumScalar, perBlock: Iterable<number>): void {
    let total = 0;
    for (const part of perBlock) total += part;
    sums.set(sum, total);
    partials.delete(sum);
  }

  async function finish(pass: Pass, look: Look): Promise<void> {
    vectors.finish(pass.reduced);
    for (const sum of pass.sums) addUp(sum, partials.get(sum) ?? []);
    for (const one of pass.low) {
      if (one.type !== "selection") continue; // whole-model thresholds are settled with the others' counts
      const low = counts.get(one) ?? counters.take(LOW_BINS);
      choices.set(one, fine(bin(one), low, count));
      counts.delete(one);
      counters.give(low);
    }
    for (const window of pass.windows) {
      const { selection } = window;
      choices.set(selection, windows.choose(selection, chosen(selection)) ?? (await recount(window, look)));
    }
    for (const cut of pass.cuts) {
      const choice = known(choices.get(cut.selection));
      if (choice.keep < choice.equal) {
        const stretch = ties.stretch(cut.selection, choice) ?? windows.stretch(cut.selection, choice);
        const index = await placeOf(cut, choice, stretch, look);
        choices.set(cut.selection, { ...choice, cut: index });
      }
    }
    for (const { sum, selection, explicit } of pass.masses) {
      const above = known(partials.get(sum));
      const isExact = windows.mass(selection, known(choices.get(selection)), above);
      addUp(sum, isExact ? above : await look.tally(explicit(), 0, count));
    }
    for (const { selection } of [...pass.cuts, ...pass.windows]) {
      ties.drop(selection);
      windows.drop(selection);
    }
  }

  function keep(pass: Pass, later: readonly Pass[]): Kept {
    const wanted = new Set(later.flatMap(({ low }) => low.map(({ key }) => key)));
    return {
      sums: sumsOf(pass).map((sum) => spell(known(sums.get(sum)))),
      choices: settledBy(pass).map((one) => (one.type === "selection" ? known(choices.get(one)) : null)),
      vectors: pass.reduced.map((vector) => Array.from(vectors.settled(vector), spell)),
      high: pass.high.map((key) => (wanted.has(key) ? sparse(known(counts.get(key))) : null)),
    };
  }

  function recall(pass: Pass, kept: Kept): void {
    sumsOf(pass).forEach((sum, i) => {
      sums.set(sum, unspell(known(kept.sums[i])));
    });
    settledBy(pass).forEach((one, i) => {
      const choice = kept.choices[i];
      if (one.type === "selection" && choice != null) choices.set(one, choice);
    });
    pass.reduced.forEach((vector, i) => {
      vectors.recall(vector, Float64Array.from(known(kept.vectors[i]), unspell));
    });
    pass.high.forEach((key, i) => {
      const bins = kept.high[i];
      if (bins == null) return;
      const all = counters.take(HIGH_BINS);
      for (let at = 0; at < bins.length; at += 2) all[bins[at]!] = bins[at + 1]!;
      counts.set(key, all);
    });
  }

  return {
    keep,
    recall,
    words,
    tables: (fused, first, tile) => fused.vectors.map((vector) => vectors.table(vector, first, tile)),
    spread: (fused, spots, length) => fused.vectors.map((vector) => vectors.spread(vector, spots, length)),
    prepare,
    absorb,
    finish,
    value: evaluate,
    counts: (of) => known(counts.get(of)),
    end: () => {
      for (const some of counts.values()) counters.give(some);
      counts.clear();
    },
  };
}

const sumsOf = ({ sums, masses }: Pass) => [...sums, ...masses.map(({ sum }) => sum)];
const settledBy = ({ low, windows }: Pass) => [...low, ...windows.map(({ selection }) => selection)];

function sparse(counts: Uint32Array): number[] {
  const bins: number[] = [];
  for (let bin = 0; bin < counts.length; bin++) if (counts[bin] !== 0) bins.push(bin, counts[bin]!);
  return bins;
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Internal error: a number was used before the sweep that yields it.");
  return value;
}
