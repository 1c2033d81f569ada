/**
 * A part that speaks for a tensor: stretches of it, spread evenly from its first element to its last, read once and
 * put one after another. Of several tensors of one shape the same places are taken, so they can be compared.
 */
import { bytesPer } from "../bytes/dtype.ts";
import { fromBytes } from "../bytes/source.ts";
import { BLOCK } from "../graph/program.ts";
import type { InputPlan } from "../plan/plan.ts";

/** Elements of a stretch: one read of 8 KB at 16 bits each. */
const STRETCH = BLOCK;

export interface Sample {
  readonly inputs: readonly InputPlan[];
  /** Elements taken of each; all of them where there are no more than asked for. */
  readonly count: number;
}

/** First elements of the stretches of a sample, ascending, without overlap; the last one ends with the tensor. */
export function stretches(count: number, most: number): readonly { readonly first: number; readonly count: number }[] {
  if (count <= most) return [{ first: 0, count }];
  const pieces = Math.max(1, Math.floor(most / STRETCH));
  const step = pieces === 1 ? 0 : (count - STRETCH) / (pieces - 1);
  return Array.from({ length: pieces }, (_, p) => ({ first: Math.floor(p * step), count: STRETCH }));
}

/**
 * @param most elements to take at most, at least one stretch of 4,096
 * @returns inputs whose bytes lie in memory
 */
export async function takeSample(
  inputs: readonly InputPlan[],
  count: number,
  most: number,
  signal?: AbortSignal,
): Promise<Sample> {
  const parts = stretches(count, most);
  const taken = parts.reduce((sum, part) => sum + part.count, 0);
  return {
    count: taken,
    inputs: await Promise.all(
      inputs.map(async (input): Promise<InputPlan> => {
        const { info, start, dtype } = input;
        const width = bytesPer(dtype);
        const bytes = new Uint8Array(taken * width);
        await Promise.all(
          parts.map(async (part, p) => {
            const from = start + part.first * width;
            const read = await info.source.read({ start: from, end: from + part.count * width }, signal);
            bytes.set(read, p * STRETCH * width);
          }),
        );
        return { ...input, info: { ...info, source: fromBytes(info.source.name, bytes) }, start: 0 };
      }),
    ),
  };
}
