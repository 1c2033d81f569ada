/** Tiles cut into pieces and put together: what they would have yielded whole; and what counts as agreeing. */
import { afterAll, describe, expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import { checking, disagreement } from "../../core/engine/agree.ts";
import type { Engine, TileJob, TileResult } from "../../core/engine/engine.ts";
import { joined, piecesOf, tileBytes } from "../../core/engine/pieces.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import {
  add,
  along,
  columnSums,
  gt,
  input,
  mapVector,
  mul,
  rank,
  rowMaxima,
  rowSums,
  sub,
  type Tensor,
  where,
} from "../../core/graph/tensor.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { METHODS } from "../../methods/index.ts";
import { misfits } from "../support/compare.ts";
import { engines } from "../support/engines.ts";
import { expression, type Input, planOf } from "../support/merge.ts";

const COUNT = 30_720;

function weights(seed: number, scale: number, around?: Float32Array): Float32Array {
  let state = (seed * 2654435761 + 1) >>> 0;
  return Float32Array.from({ length: COUNT }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (around?.[i] ?? 0) + (state / 2 ** 32 - 0.5) * scale;
  });
}

const asBf16 = (values: Float32Array): Input => ({ dtype: "BF16", bytes: encode("BF16", values) });
const origin = weights(1, 0.1);
const base = asBf16(origin);
const models = [2, 3].map((seed) => asBf16(weights(seed, 0.01, origin)));

/** Cuts every tile. */
const cutting = (engine: Engine, most: number): Engine & { readonly largest: number } => {
  let largest = 0;
  return {
    ...engine,
    get largest() {
      return largest;
    },
    run: async (job, signal) => {
      const pieces = piecesOf(job, most);
      const results: TileResult[] = [];
      for (const piece of pieces) {
        largest = Math.max(largest, tileBytes(piece));
        results.push(await engine.run(piece, signal));
      }
      return joined(job, pieces, results);
    },
  };
};

const [a, b] = [input(0), input(1)];
const VECTORS: Readonly<Record<string, Tensor>> = {
  rows: mul(a, along(mapVector((s) => 1 / Math.sqrt(s), rowSums(mul(a, a), 700)))),
  maxima: sub(a, along(rowMaxima(mul(a, b), 500))),
  columns: mul(a, along(mapVector((s) => 1 / Math.sqrt(s), columnSums(mul(b, b), 320)))),
  ranks: where(gt(rank(a, 512), rank(b, 512)), a, b),
};

/** Methods of a few models over a base, by what their sweeps yield. */
const CHOSEN = [
  "linear",
  "ties",
  "dare_ties",
  "della",
  "slerp",
  "nuslerp",
  "model_stock",
  "sce",
  "pcb",
  "karcher",
] as const;

function askOf(method: string) {
  const needsBase = METHODS.get(method)!.base !== "none";
  const taking = method === "slerp" ? models.slice(0, 1) : models;
  return {
    method,
    shape: [COUNT / 320, 320],
    ...(needsBase ? { base } : {}),
    models: taking.map((tensor) => ({
      tensor,
      params: { weight: 0.6, ...(method === "ties" ? { density: 0.37 } : {}) },
    })),
    params: method === "slerp" ? { t: 0.3 } : {},
  };
}

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  test.each(Object.entries(VECTORS))("in pieces: %s", async (name, tensor) => {
    const plan = planOf(tensor, [base, models[0]!]);
    const small = cutting(engine, 20_000);
    const [cut, whole] = [await computeTensor(plan, small), await computeTensor(plan, engine)];
    // A column's partials are a tile's, in f32 on a GPU.
    if (name === "columns") expect(misfits(plan.dtype, cut, whole, { rel: 1e-6, ulp: 1 })).toEqual([]);
    else expect(Buffer.compare(cut, whole)).toBe(0);
    expect(small.largest).toBeLessThan(35_000);
  });

  test.each(CHOSEN)("in pieces: %s", async (method) => {
    const { merged, inputs } = expression(askOf(method));
    const plan = planOf(merged, inputs, { dtype: "BF16" });
    expect(Buffer.compare(await computeTensor(plan, cutting(engine, 50_000)), await computeTensor(plan, engine))).toBe(
      0,
    );
  });
});

describe("agreement", () => {
  const plain = createPlainEngine();

  /** What is made of every tile's result, and what the check of the tile says then. */
  async function verdicts(
    tensor: Tensor,
    change: (result: TileResult, job: TileJob) => void,
  ): Promise<(string | null)[]> {
    const said: (string | null)[] = [];
    await computeTensor(planOf(tensor, [base, models[0]!], { dtype: "BF16" }), {
      ...plain,
      run: async (job) => {
        const [found, wanted] = [await plain.run(job), await plain.run(checking(job))];
        change(found, job);
        said.push(disagreement(job, found, wanted));
        return found;
      },
    });
    return said;
  }

  const smooth = add(mul(a, 0.3), mul(b, 0.7));
  const deciding = where(gt(a, b), a, b);

  test("a last place is no disagreement, two are", async () => {
    const off = (by: number) => (result: TileResult) => {
      new Uint16Array(result.output!.buffer)[77]! += by;
    };
    expect(await verdicts(smooth, off(1))).toEqual([null]);
    expect(await verdicts(smooth, off(200))).toEqual([
      expect.stringMatching(/^1 of 30,720 values differ, the first is .+ and not /),
    ]);
  });

  test("an element decided otherwise passes where elements are decided, a thousandth of them at most", async () => {
    const other = (count: number) => (result: TileResult) =>
      new Uint16Array(result.output!.buffer).fill(0x3f80, 0, count);
    expect(await verdicts(deciding, other(1))).toEqual([null]);
    expect(await verdicts(deciding, other(40))).toEqual([expect.stringContaining("40 of 30,720 values differ")]);
    expect(await verdicts(smooth, other(1))).toEqual([expect.stringContaining("1 of 30,720 values differ")]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 0])(
    "a value turned to %d is found, in the result as in a sum",
    async (value) => {
      const [bits] = new Uint16Array(encode("BF16", Float32Array.of(value)).buffer);
      const [verdict] = await verdicts(smooth, (result) => {
        new Uint16Array(result.output!.buffer)[9] = bits!;
      });
      expect(verdict).toContain("1 of 30,720 values differ");
      const summed = mul(a, along(mapVector((s) => s, rowSums(mul(a, b), 320))));
      const said = await verdicts(summed, (result) => {
        if (result.reductions[0] !== undefined) result.reductions[0][3] = value;
      });
      expect(said[0]).toMatch(/parts of a reduction differ/);
    },
  );

  test("counts that are shifted by a place agree, counts that are missing do not", async () => {
    const { merged, inputs } = expression(askOf("ties"));
    const verdictsOf = async (change: (counts: Uint32Array) => void) => {
      const said: (string | null)[] = [];
      await computeTensor(planOf(merged, inputs), {
        ...plain,
        run: async (job) => {
          const result = await plain.run(job);
          const changed = { ...result, histograms: result.histograms.map((counts) => counts.slice()) };
          for (const counts of changed.histograms) change(counts);
          said.push(disagreement(job, changed, await plain.run(checking(job))));
          return result;
        },
      });
      return said.filter((one) => one !== null);
    };
    const shift = (counts: Uint32Array) => {
      const last = counts.length - 1;
      const kept = counts[last]!;
      counts.copyWithin(1, 0);
      counts[last]! += kept;
      counts[0] = 0;
    };
    expect(await verdictsOf(shift)).toEqual([]);
    expect(await verdictsOf((counts) => counts.fill(0, 0, 30_000))).not.toEqual([]);
  });
});
