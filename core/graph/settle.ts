/**
 * What a merge of one tensor knows so far: absorbs the partial sums and counts of each tile in any
 * order, and when a sweep is complete turns them into numbers, always adding in block order so that
 * results do not depend on tiles, lanes or timing.
 */
import type { Fused, Pass, SumScalar } from "./passes.ts";
import { BLOCK, HIGH_BINS, LOW_BINS, LOW_BITS } from "./program.ts";
import type { Scalar, Selection } from "./tensor.ts";

/** The part of an engine's result that concerns the host. */
interface Partials {
  readonly sums: Float64Array;
  readonly histograms: readonly Uint32Array[];
}

interface Choice {
  /** Magnitude bits of the k-th largest element. */
  threshold: number;
  /** How many elements equal to the threshold are kept, and how many there are. */
  keep: number;
  equal: number;
  /** Last index kept among the equal ones. */
  cut: number;
}

/** Computes a program's output over one block and returns it as f32. */
export type Probe = (fused: Fused, first: number, count: number) => Promise<Float32Array>;

export interface Settlement {
  /** The uniform words of a program for the tile that starts at element `first`. */
  words(fused: Fused, first: number): Uint32Array<ArrayBuffer>;
  /** True when the sweep would bring nothing new: its only purpose is a tie-break nobody needs. */
  skips(pass: Pass): boolean;
  absorb(pass: Pass, first: number, partials: Partials): void;
  /** To be called when all tiles of the sweep are absorbed (or it is skipped). */
  finish(pass: Pass, probe: Probe): Promise<void>;
  /** A scalar whose sums are settled. */
  value(scalar: Scalar): number;
}

/**
 * @param count elements in the tensor
 * @param seed key of the tensor's random numbers, two 32-bit words
 */
export function createSettlement(count: number, seed: readonly [number, number]): Settlement {
  const blocks = Math.ceil(count / BLOCK);
  const sums = new Map<SumScalar, number>();
  const choices = new Map<Selection, Choice>();
  const partials = new Map<SumScalar | Selection, Float64Array>();
  const counts = new Map<Selection, Float64Array>();

  function evaluate(scalar: Scalar): number {
    switch (scalar.op) {
      case "constant":
        return scalar.value;
      case "sum":
        return known(sums.get(scalar));
      case "map":
        return scalar.fn(...scalar.args.map(evaluate));
    }
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
          bits[i] = known(choices.get(uniform.selection)).threshold >>> LOW_BITS;
          break;
        case "key":
          bits[i] = uniform.half === 0 ? seed[0] : (seed[1] + Math.imul(uniform.stream, 0x9e3779b9)) | 0;
          break;
        default:
          uniform satisfies never;
      }
    });
    return bits;
  }

  const straddles = (selection: Selection) => {
    const choice = choices.get(selection);
    return choice !== undefined && choice.keep < choice.equal;
  };

  function absorb(pass: Pass, first: number, result: Partials): void {
    const owners = [...pass.sums, ...pass.tied];
    const length = owners.length === 0 ? 0 : result.sums.length / owners.length;
    owners.forEach((owner, s) => {
      const all = partials.get(owner) ?? new Float64Array(blocks);
      partials.set(owner, all);
      all.set(result.sums.subarray(s * length, (s + 1) * length), first / BLOCK);
    });
    [...pass.high, ...pass.low].forEach((selection, h) => {
      const bins = h < pass.high.length ? HIGH_BINS : LOW_BINS;
      const all = counts.get(selection) ?? new Float64Array(bins);
      counts.set(selection, all);
      const part = result.histograms[h]!;
      for (let bin = 0; bin < bins; bin++) all[bin]! += part[bin]!;
    });
  }

  async function finish(pass: Pass, probe: Probe): Promise<void> {
    for (const sum of pass.sums) {
      let total = 0;
      for (const part of partials.get(sum) ?? []) total += part;
      sums.set(sum, total);
      partials.delete(sum);
    }
    for (const selection of pass.high) {
      const { bin, rest, inBin } = kth(known(counts.get(selection)), selection.k);
      choices.set(selection, { threshold: (bin << LOW_BITS) >>> 0, keep: rest, equal: inBin, cut: count - 1 });
      counts.delete(selection);
    }
    for (const selection of pass.low) {
      const choice = known(choices.get(selection));
      const { bin, rest, inBin } = kth(known(counts.get(selection)), choice.keep);
      choices.set(selection, { threshold: choice.threshold + bin, keep: rest, equal: inBin, cut: count - 1 });
      counts.delete(selection);
    }
    for (const [i, selection] of pass.tied.entries()) {
      if (straddles(selection)) await place(selection, pass.probes[i]!, probe);
      partials.delete(selection);
    }
  }

  /** Finds the index of the last equal element that is kept. */
  async function place(selection: Selection, fused: Fused, probe: Probe): Promise<void> {
    const choice = known(choices.get(selection));
    const perBlock = known(partials.get(selection));
    let left = choice.keep;
    let block = 0;
    while (left > perBlock[block]!) left -= perBlock[block++]!;
    const first = block * BLOCK;
    const values = await probe(fused, first, Math.min(BLOCK, count - first));
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    let index = -1;
    while (left > 0) {
      index++;
      if ((bits[index]! & 0x7fffffff) === choice.threshold) left--;
    }
    choice.cut = first + index;
  }

  return {
    words,
    skips: (pass) =>
      pass.program.output === null &&
      pass.sums.length + pass.high.length + pass.low.length === 0 &&
      !pass.tied.some(straddles),
    absorb,
    finish,
    value: evaluate,
  };
}

/** The bin that holds the k-th largest (k from 1), how many of it are among the k, and its size. */
function kth(counts: Float64Array, k: number): { bin: number; rest: number; inBin: number } {
  let rest = k;
  let bin = counts.length - 1;
  while (bin > 0 && rest > counts[bin]!) rest -= counts[bin--]!;
  return { bin, rest, inBin: counts[bin]! };
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Internal error: a number was used before the sweep that yields it.");
  return value;
}
