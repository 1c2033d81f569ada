/**
 * Numbers about tensors rather than tensors: runs the sweeps that add up and count, for comparisons, heat strips, the
 * inspector and the doctor. Same engine, same order of summation as a merge.
 */

import { bytesPer } from "../bytes/dtype.ts";
import type { Engine } from "../engine/engine.ts";
import { throwIfAborted } from "../errors.ts";
import { type Pass, passesOf } from "../graph/passes.ts";
import { BLOCK } from "../graph/program.ts";
import { createSettlement, type Settlement } from "../graph/settle.ts";
import { fill, kth, map, type Scalar, type Tensor } from "../graph/tensor.ts";
import { tiling } from "../plan/memory.ts";
import type { InputPlan } from "../plan/plan.ts";

/** What is asked of tensors; the same question can be put to many. */
export interface Question {
  readonly scalars: readonly Scalar[];
  readonly keys: readonly Tensor[];
  /** The sweeps that answer it. */
  readonly sweeps: readonly Pass[];
}

export interface Answer {
  /** One per scalar. */
  readonly values: readonly number[];
  /** One per key: how many elements have which high digit of the magnitude (65,536 bins of f32 bits >>> 15). */
  readonly counts: readonly Uint32Array[];
}

export interface Asking {
  readonly signal?: AbortSignal | undefined;
  /** Hears after every tile how much of the work is done, 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/**
 * @param scalars numbers that sweeps yield, or arithmetic on such, over `input(0)`, `input(1)` ...
 * @param keys expressions whose magnitudes are to be counted
 */
export function question(scalars: readonly Scalar[], keys: readonly Tensor[] = []): Question {
  // One expression that needs all of them, so that they share sweeps; its own tensor, the last sweep, is never computed.
  const passes = passesOf(fill(map(() => 0, ...scalars, ...keys.map((key) => kth(key, 1)))));
  return { scalars, keys, sweeps: passes.slice(0, -1) };
}

/** Puts a question to `inputs`, all of `count` elements. Memory holds a few tiles, whatever the size. */
export async function answer(
  asked: Question,
  inputs: readonly InputPlan[],
  count: number,
  engine: Engine,
  { signal, onProgress }: Asking = {},
): Promise<Answer> {
  const settlement = createSettlement(count, [0, 0]);
  const { tile } = tiling(
    { inputs, passes: asked.sweeps, count, dtype: "F32" },
    { memory: 256e6, maxTileBytes: engine.maxTileBytes, lanes: engine.lanes },
  );
  let done = 0;
  for (const pass of asked.sweeps) {
    await sweep(pass, settlement, { inputs, count, tile, engine, signal }, (size) => {
      done += size;
      onProgress?.(done / (count * asked.sweeps.length));
    });
  }
  return {
    values: asked.scalars.map((scalar) => settlement.value(scalar)),
    counts: asked.keys.map((key) => settlement.counts(key)),
  };
}

/** Settles scalars over `inputs`: a question that is put once. */
export async function measure(
  inputs: readonly InputPlan[],
  count: number,
  scalars: readonly Scalar[],
  engine: Engine,
  signal?: AbortSignal,
): Promise<readonly number[]> {
  return (await answer(question(scalars), inputs, count, engine, { signal })).values;
}

interface Ground {
  readonly inputs: readonly InputPlan[];
  readonly count: number;
  readonly tile: number;
  readonly engine: Engine;
  readonly signal: AbortSignal | undefined;
}

async function sweep(
  pass: Pass,
  settlement: Settlement,
  { inputs, count, tile, engine, signal }: Ground,
  onTile: (count: number) => void,
): Promise<void> {
  const work = async (first: number): Promise<void> => {
    throwIfAborted(signal);
    const size = Math.min(tile, count - first);
    const bytes = await Promise.all(
      pass.program.inputs.map((index) => {
        const { info, start, dtype } = inputs[index]!;
        const width = bytesPer(dtype);
        return info.source.read({ start: start + first * width, end: start + (first + size) * width }, signal);
      }),
    );
    const result = await engine.run(
      {
        program: pass.program,
        dtypes: pass.program.inputs.map((index) => inputs[index]!.dtype),
        encode: "F32",
        words: settlement.words(pass, first),
        tables: settlement.tables(pass, first, size),
        first,
        count: size,
        inputs: bytes,
      },
      signal,
    );
    settlement.absorb(pass, first, size, result);
    onTile(size);
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const first = next;
      next += tile;
      await work(first);
    }
  };
  await Promise.all(Array.from({ length: engine.lanes + 1 }, lane));
  const never = () => Promise.reject(new Error("Internal error: a number needs no second look."));
  await settlement.finish(pass, { piece: () => BLOCK, tally: never, values: never, sample: never, counts: never });
}
