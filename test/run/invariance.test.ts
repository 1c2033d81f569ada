/** Any tile size, lane count and order of completion: the same bytes. */
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import type { FloatDtype } from "../../core/bytes/dtype.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { engines } from "../support/engines.ts";
import { expression, type Input, planOf } from "../support/merge.ts";

function noise(count: number, seed: number, scale: number): Float32Array {
  let state = (seed * 2654435761 + 1) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * scale;
  });
}

const asBf16 = (values: Float32Array): Input => ({ dtype: "BF16" as FloatDtype, bytes: encode("BF16", values) });

/** A base and two fine-tunes whose changes, in BF16, have many equal magnitudes. */
function family(count: number) {
  const base = noise(count, 1, 0.1);
  const models = [2, 3].map((seed) => asBf16(noise(count, seed, 0.01).map((delta, i) => base[i]! + delta)));
  return { base: asBf16(base), models };
}

const METHODS = [
  { method: "linear", own: { weight: 0.4 }, params: {} },
  { method: "slerp", own: {}, params: { t: 0.3 } },
  { method: "ties", own: { weight: 0.7, density: 0.37 }, params: { rescale: true } },
  { method: "dare_ties", own: { weight: 0.7, density: 0.5 }, params: {} },
  { method: "pcb", own: {}, params: { ratio: 0.2, clip: 0.001 } },
] as const;

/** Bits per element of the planes that the methods keep. */
const KEPT: Readonly<Record<string, readonly number[]>> = { dare_ties: [1, 1], pcb: [32, 32] };

/** An engine whose tiles finish in another order than they began. */
const shuffled = (engine: Engine): Engine => ({
  ...engine,
  run: async (job, signal) => {
    const result = await engine.run(job, signal);
    await new Promise((resolve) => setTimeout(resolve, (job.first / 4096) % 3));
    return result;
  },
});

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  test.each(METHODS)("$method", async ({ method, own, params }) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 8, max: 30_000 }), fc.integer({ min: 1, max: 5 }), async (count, blocks) => {
        const { base, models } = family(count);
        const taking = method === "slerp" ? models.slice(0, 1) : models;
        const ask = {
          method,
          ...(method === "linear" ? {} : { base }),
          models: taking.map((tensor) => ({ tensor, params: own })),
          params,
        };
        const { merged, inputs } = expression(ask);
        const whole = await computeTensor(planOf(merged, inputs, { dtype: "BF16" }), engine);
        const tiled = await computeTensor(
          planOf(merged, inputs, { dtype: "BF16", tile: 4096 * blocks }),
          shuffled(engine),
        );
        expect(Buffer.compare(whole, tiled)).toBe(0);
        if (!engine.keeps) return;
        const keeping = planOf(merged, inputs, { dtype: "BF16", tile: 4096 * blocks, keeps: true });
        expect(keeping.planes).toEqual(KEPT[method] ?? []);
        expect(Buffer.compare(whole, await computeTensor(keeping, shuffled(engine)))).toBe(0);
        if (count < 4096) return;
        const windowed = planOf(merged, inputs, { dtype: "BF16", tile: 4096 * blocks, keeps: true, windowed: true });
        expect(Buffer.compare(whole, await computeTensor(windowed, shuffled(engine)))).toBe(0);
      }),
      { numRuns: 12, seed: 5 },
    );
  });
});
