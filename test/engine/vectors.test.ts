/** Vectors and ranks on every engine, from expressions to tensors, whatever the tiles. */
import { afterAll, describe, expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import type { FloatDtype, OutputDtype } from "../../core/bytes/dtype.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import {
  add,
  along,
  columnSums,
  div,
  exp,
  gt,
  input,
  log,
  map,
  mapVector,
  mul,
  outranks,
  rank,
  rowMaxima,
  rowSums,
  sub,
  sum,
  type Tensor,
  top,
  where,
} from "../../core/graph/tensor.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { engines } from "../support/engines.ts";
import { type Input, planOf } from "../support/merge.ts";

const plain = createPlainEngine();
const [a, b] = [input(0), input(1)];

/** Weights of ordinary size; in 16 bits many magnitudes are equal. */
function weights(count: number, seed: number, dtype: FloatDtype): Input {
  let state = seed * 2654435761;
  const values = Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 0.1;
  });
  if (dtype === "F64") return { dtype, bytes: new Uint8Array(Float64Array.from(values).buffer) };
  return { dtype, bytes: encode(dtype as OutputDtype, values) };
}

const f32 = async (tensor: Tensor, inputs: Input[], engine: typeof plain, tile?: number) =>
  new Float32Array((await computeTensor(planOf(tensor, inputs, tile === undefined ? {} : { tile }), engine)).buffer);

/** Expressions over a matrix of so many columns. */
const VECTORS: Readonly<Record<string, (columns: number) => Tensor>> = {
  "rows of unit length": (n) => mul(a, along(mapVector((s) => 1 / Math.sqrt(s), rowSums(mul(a, a), n)))),
  "columns of unit length": (n) => mul(a, along(mapVector((s) => 1 / Math.sqrt(s), columnSums(mul(a, a), n)))),
  softmax: (n) => {
    const powers = exp(sub(mul(a, 30), along(rowMaxima(mul(a, 30), n))));
    return div(powers, along(rowSums(powers, n)));
  },
  "both axes and a scalar": (n) =>
    add(
      mul(
        b,
        along(
          mapVector(
            (r, all) => r / (1 + Math.abs(all)),
            rowSums(a, n),
            map((s) => s * 2, sum(b)),
          ),
        ),
      ),
      along(columnSums(log(add(mul(a, a), 1)), n)),
    ),
};

const RANKS: Readonly<Record<string, (columns: number) => Tensor>> = {
  "in rows": (n) => rank(sub(a, b), n),
  "of two models": (n) => where(gt(rank(a, n), rank(b, n)), a, b),
  "of what is normalised": (n) => rank(mul(a, along(columnSums(mul(b, b), n))), n),
  "of ranks times a weight, summed": (n) =>
    mul(
      rank(mul(rank(a, n), b), n),
      map((s) => 1 / (1 + Math.abs(s)), sum(rank(b, n))),
    ),
  "compared with one that is drawn, in two models": (n) => {
    const drawn = (stream: number) => ({ stream, least: 0.2, per: Math.max(1, n - 1) / 0.6 });
    return add(where(outranks(sub(a, b), drawn(1), n), a, 0), where(outranks(b, drawn(2), n), b, 1));
  },
  "selected by rank, ties at the cut": (n) => mul(a, top(rank(a, n), 100)),
};

const DTYPES = ["F32", "BF16", "F16", "F64"] as const;
const SHAPES = [
  [1, 1],
  [1, 5],
  [1, 20_001],
  [3, 7],
  [37, 331],
  [200, 64],
  [130, 63],
  [3, 6_001],
  [5, 4096],
  [9_000, 2],
] as const;

const SMALL = [
  [1, 5],
  [1, 4_500],
  [37, 331],
  [200, 64],
  [2, 4_099],
  [1_700, 3],
] as const;

describe.each(await engines())("$name", ({ engine }) => {
  // The software adapter takes its time to compile every program and to compare all pairs of a row.
  const onCpu = engine.kind === "cpu";
  const shapes: readonly (readonly [number, number])[] = onCpu ? SHAPES : SMALL;
  afterAll(() => engine.close());

  describe.each(Object.entries(VECTORS))("%s", (_, of) => {
    test.each(shapes)("%i x %i", async (rows, columns) => {
      for (const dtype of onCpu ? DTYPES : [DTYPES[rows % 4]!]) {
        const inputs = [weights(rows * columns, 1, dtype), weights(rows * columns, 2, dtype)];
        const want = await f32(of(columns), inputs, plain);
        const whole = await f32(of(columns), inputs, engine);
        for (const got of [
          whole,
          await f32(of(columns), inputs, engine, 4096),
          await f32(of(columns), inputs, engine, 12_288),
        ]) {
          const scale = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          const wrong = [...want].flatMap((w, i) => (Math.abs(got[i]! - w) <= 4e-6 * scale ? [] : [[i, got[i], w]]));
          expect(wrong.slice(0, 3)).toEqual([]);
          if (engine.kind === "cpu") expect(Buffer.compare(Buffer.from(got.buffer), Buffer.from(whole.buffer))).toBe(0);
        }
      }
    });
  });

  describe.each(Object.entries(RANKS))("ranks %s", (_, of) => {
    test.each(shapes)("%i x %i", async (rows, columns) => {
      for (const dtype of onCpu ? (["F32", "BF16"] as const) : [DTYPES[rows % 2]!]) {
        const inputs = [weights(rows * columns, 3, dtype), weights(rows * columns, 4, dtype)];
        const want = await f32(of(columns), inputs, plain);
        const count = rows * columns;
        // The smallest tile of whole rows, and the whole.
        let tile = 4096;
        while (tile % columns !== 0 && tile < count) tile += 4096;
        for (const some of [tile, undefined]) {
          const got = await f32(of(columns), inputs, engine, some);
          const near = engine.kind === "cpu" ? 0 : 1e-6;
          const wrong = [...want].flatMap((w, i) =>
            Math.abs(got[i]! - w) <= near * Math.abs(w) ? [] : [[i, got[i], w]],
          );
          expect(wrong.slice(0, 3)).toEqual([]);
        }
      }
    });
  });
});
