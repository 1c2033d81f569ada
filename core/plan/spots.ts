/**
 * Where a tensor is looked at before a sweep that finds thresholds by windows (`core/graph/window.ts`): many short spots, from
 * end to end. Of what lies in memory they cost next to nothing; what is read again for every sweep is read there first,
 * a hundredth more of it, which spares it a sweep.
 */
import { bytesPer } from "../bytes/dtype.ts";
import type { ByteRange } from "../bytes/source.ts";
import type { Pass } from "../graph/passes.ts";
import type { MergePlan } from "./plan.ts";

export interface Spots {
  /** First elements, ascending; spots do not touch. */
  readonly first: readonly number[];
  /** Elements of each. */
  readonly length: number;
}

type Sampled = Pick<MergePlan, "count" | "tile" | "resident" | "inputs">;

/** Spots there are at most, and the elements of one, a divisor of BLOCK. */
const SPOTS = 128;
const LENGTH = 128;
/** The largest share of a tensor that is sampled is one in so many elements; of a small one that stays in memory, so many spots. */
const THINNED = 64;
const LEAST = 8;
/**
 * In a browser a spot that is read takes as long as half a megabyte of a tensor that is read on and on: of those there are fewer, one
 * for so many elements, and they are longer.
 */
const FEWEST = 16;
const EVERY = 2 ** 20;
const LONGEST = 8192;

/** By the golden ratio, so that spots fall into step with no row length. */
export function spotsOf({ count, tile, resident }: Omit<Sampled, "inputs">): Spots {
  const most = resident ? SPOTS : Math.max(FEWEST, Math.min(SPOTS, Math.floor(count / EVERY)));
  const fitting = resident ? LENGTH : Math.min(LONGEST, count / most / THINNED, tile / most);
  const length = Math.max(1, Math.floor(fitting / LENGTH)) * LENGTH;
  const places = Math.floor(count / length);
  const least = resident ? Math.min(LEAST, places) : 1;
  const spots = Math.max(least, Math.min(most, Math.floor(count / THINNED / length)));
  const chosen = Array.from({ length: spots }, (_, s) => Math.floor(((s * 0.6180339887498949) % 1) * places) * length);
  return { first: [...new Set(chosen)].sort((a, b) => a - b), length };
}

/** What is read of a tensor for the samples of one round's passes before their first tile. */
export function sampleRead(
  tensor: Sampled,
  passes: readonly Pass[],
): readonly { readonly index: number; readonly ranges: readonly ByteRange[] }[] {
  if (tensor.resident) return [];
  const programs = passes.flatMap(({ windows }) => windows.map(({ sample }) => sample.program));
  const { first, length } = spotsOf(tensor);
  return [...new Set(programs.flatMap(({ inputs }) => inputs))].map((index) => {
    const { start, dtype } = tensor.inputs[index]!;
    const size = bytesPer(dtype);
    return {
      index,
      ranges: first.map((at) => ({ start: start + at * size, end: start + (at + length) * size })),
    };
  });
}
