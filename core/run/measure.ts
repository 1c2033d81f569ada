/**
 * Numbers about tensors rather than tensors: runs one sweep that only adds up, for comparisons, heat
 * strips and the doctor. Same engine, same order of summation as a merge.
 */

import { bytesPer } from "../bytes/dtype.ts";
import type { Engine } from "../engine/engine.ts";
import { passesOf } from "../graph/passes.ts";
import { BLOCK } from "../graph/program.ts";
import { createSettlement } from "../graph/settle.ts";
import { fill, map, type Scalar } from "../graph/tensor.ts";
import { tiling } from "../plan/memory.ts";
import type { InputPlan } from "../plan/plan.ts";

/**
 * Settles scalars of one sweep over `inputs` (all of `count` elements).
 * @param scalars sums, or arithmetic on sums, over `input(0)`, `input(1)` ...
 * @returns their values, in order
 */
export async function measure(
  inputs: readonly InputPlan[],
  count: number,
  scalars: readonly Scalar[],
  engine: Engine,
  signal?: AbortSignal,
): Promise<number[]> {
  // One expression that needs all of them, so that they share a sweep; its own tensor is never computed.
  const [pass] = passesOf(fill(map(() => 0, ...scalars)));
  if (pass === undefined) return scalars.map(() => 0);
  const settlement = createSettlement(count, [0, 0]);
  const { tile } = tiling(
    { inputs, passes: [pass], count, dtype: "F32" },
    { memory: 256e6, maxTileBytes: engine.maxTileBytes, lanes: engine.lanes },
  );
  const work = async (first: number): Promise<void> => {
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
  const never = () => Promise.reject(new Error("Internal error: a sum needs no second look."));
  await settlement.finish(pass, { piece: () => BLOCK, tally: never, values: never });
  return scalars.map((scalar) => settlement.value(scalar));
}
