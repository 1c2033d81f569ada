/** Computing some of a result once more: within little memory, however large a tensor is, and to an end when a read fails. */
import { afterAll, expect, test } from "vitest";
import type { ByteSource } from "../../core/bytes/source.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import type { Checkpoint } from "../../core/formats/checkpoint.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { recompute } from "../../core/run/recompute.ts";
import { kernels } from "../support/engines.ts";
import { expression, planOf, UNCOUNTED } from "../support/merge.ts";

const engine = await createLocalEngine(await kernels());
afterAll(() => engine.close());

const COUNT = 12e6;
const TILE = 2 ** 21;

/** Two models of one tensor of 24 MB each, and their slerp. */
async function merged(wrap: (source: ByteSource) => ByteSource) {
  const stored = (seed: number) => {
    const words = new Uint16Array(COUNT);
    for (let i = 0; i < COUNT; i++) words[i] = 0x3c00 | (Math.imul(i + seed, 2654435761) >>> 22);
    return { dtype: "BF16", bytes: new Uint8Array(words.buffer) } as const;
  };
  const ask = { method: "slerp", base: stored(1), models: [{ tensor: stored(7) }], params: { t: 0.5 } };
  const { merged, inputs } = expression(ask);
  const plan = planOf(merged, inputs, { dtype: "BF16", tile: TILE, resident: true });
  expect(plan.passes).toHaveLength(2);
  const bytes = await computeTensor(plan, engine);
  const info = { name: "x", dtype: "BF16", shape: [COUNT], source: fromBytes("out", bytes) } as const;
  const checkpoint = { tensors: new Map([["x", { ...info, range: { start: 0, end: bytes.length } }]]) };
  const wrapped = {
    ...plan,
    inputs: plan.inputs.map((input) => ({ ...input, info: { ...input.info, source: wrap(input.info.source) } })),
  };
  return (numbers: Engine) =>
    recompute(
      checkpoint as unknown as Checkpoint,
      { ...UNCOUNTED, tensors: [wrapped], files: [], extras: [], recipe: {}, method: { id: "slerp" } } as never,
      { plain: createPlainEngine(), numbers, most: 1e9 },
    );
}

test("a tensor of any size is swept some tiles at a time", async () => {
  let [held, most] = [0, 0];
  const again = await merged((source) => ({
    ...source,
    read: (range, ...rest) => {
      // Tiles that are compared are read by the block, one at a time.
      if (range.end - range.start > 2 ** 20) held += range.end - range.start;
      most = Math.max(most, held);
      return source.read(range, ...rest);
    },
  }));
  const numbers: Engine = {
    ...engine,
    run: async (job, signal) => {
      const size = job.inputs.reduce((sum, { length }) => sum + length, 0);
      const result = await engine.run(job, signal);
      held -= size;
      return result;
    },
  };
  const { tensors, wrong } = await again(numbers);
  expect({ tensors, wrong }).toEqual({ tensors: 1, wrong: null });
  expect(most).toBeGreaterThan(16e6);
  expect(most).toBeLessThanOrEqual(32e6);
});

test("a read that fails ends it", async () => {
  const again = await merged((source) => ({
    ...source,
    read: (range, ...rest) =>
      range.start >= 2 * TILE ? Promise.reject(new Error("the disk is gone")) : source.read(range, ...rest),
  }));
  await expect(again(engine)).rejects.toThrow("the disk is gone");
});
