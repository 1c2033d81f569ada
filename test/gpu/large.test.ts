/** A tensor larger than the largest buffer that the device makes: it passes through in tiles, every byte of it. */
import { expect, test } from "vitest";
import type { ByteSource } from "../../core/bytes/source.ts";
import { createGpuEngine } from "../../core/engine/gpu/engine.ts";
import { passesOf } from "../../core/graph/passes.ts";
import { createSettlement } from "../../core/graph/settle.ts";
import { input, mul, sum } from "../../core/graph/tensor.ts";
import { tiling } from "../../core/plan/memory.ts";
import { asideHost, streamTensor } from "../../core/run/tiles.ts";
import { planOf } from "../support/merge.ts";
import { onGpu, theGpu } from "./dawn.ts";

/** The weights repeat after so many. */
const PERIOD = 2 ** 21;

onGpu("a tensor of more than the largest buffer", () => {
  test("is doubled, every byte, and summed", { timeout: 120_000 }, async () => {
    let most = 0;
    const { engine } = await createGpuEngine(theGpu(), {
      onDevice: ({ limits }) => {
        most = limits.maxBufferSize;
      },
    });
    const weights = Float32Array.from({ length: PERIOD }, (_, i) => 1 + ((i * 37) % 255));
    const twice = ({ buffer }: Float32Array<ArrayBuffer>) => {
      const bytes = new Uint8Array(buffer);
      return Buffer.concat([bytes, bytes]);
    };
    const [stored, doubled] = [twice(weights), twice(weights.map((weight) => 2 * weight))];
    const count = most / 4 + 3 * PERIOD + 4096 * 5 + 77;
    const size = 4 * count;
    expect(size).toBeGreaterThan(most);
    const source: ByteSource = {
      name: "large",
      size,
      read: async ({ start, end }) => {
        const at = start % (4 * PERIOD);
        return Uint8Array.from(stored.subarray(at, at + end - start));
      },
    };
    const total = sum(input(0));
    const small = planOf(mul(input(0), 2), [{ dtype: "F32", bytes: new Uint8Array(4) }]);
    const info = { name: "x", dtype: "F32" as const, shape: [count], source, range: { start: 0, end: size } };
    const sized = {
      ...small,
      count,
      inputs: [{ ref: "0", dtype: "F32" as const, start: 0, info }],
      passes: passesOf(mul(input(0), 2), [total]),
    };
    const plan = {
      ...sized,
      ...tiling(sized, { memory: 1e8, maxTileBytes: engine.maxTileBytes, lanes: engine.lanes }),
    };
    expect(plan.tile).toBeLessThanOrEqual(PERIOD);
    expect(plan.passes).toHaveLength(1);

    const settlement = createSettlement(count, plan.seed);
    const wrong: number[] = [];
    let at = 0;
    let last = Promise.resolve();
    const room = { free: 6, wake: () => {} };
    const host = asideHost(engine, (bytes, chunk) => {
      const from = at;
      at += bytes;
      last = Promise.all([last, chunk]).then(([, made]) => {
        const expected = doubled.subarray(from % (4 * PERIOD), (from % (4 * PERIOD)) + bytes);
        if (Buffer.compare(made, expected) !== 0) wrong.push(from);
        room.free++;
        room.wake();
      });
    });
    // A few tiles at a time, as a run's budget would have it.
    const budget = {
      ...host.budget,
      acquire: async () => {
        while (room.free === 0) await new Promise<void>((wake) => Object.assign(room, { wake }));
        room.free--;
      },
    };
    const { settled } = await streamTensor(plan, plan.passes, settlement, { ...host, budget });
    await settled;
    await last;
    expect(at).toBe(size);
    expect(wrong).toEqual([]);
    let expected = 0;
    for (let i = 0; i < count; i++) expected += 1 + (((i % PERIOD) * 37) % 255);
    expect(settlement.value(total)).toBe(expected);
    await engine.close();
  });
});
