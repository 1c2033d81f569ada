/**
 * Single tensors merged by mergekit's own functions at full precision, and by the papers' formulas: each through the
 * words' plain meaning in f64, and through every engine.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import type { OutputDtype } from "../../core/bytes/dtype.ts";
import { div, input, where } from "../../core/graph/tensor.ts";
import { evaluate, gradientPosition } from "../../core/recipe/evaluate.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { METHODS } from "../../methods/index.ts";
import { apply, rescaleL1, taskVector } from "../../methods/steps.ts";
import { misfits } from "../support/compare.ts";
import { engines } from "../support/engines.ts";
import { evaluate as byHand } from "../support/evaluate.ts";
import { type Ask, expression, f32, type Input, mergeBytes, planOf } from "../support/merge.ts";
import { type Asked, special, type Vector } from "./special.ts";

const { now, later } = JSON.parse(readFileSync(join(import.meta.dirname, "vectors.json"), "utf8")) as {
  now: readonly Vector[];
  later: readonly Vector[];
};

/** Methods that are not here: they need calibration text, decompositions, or other sizes of result. */
const WAITING = [
  "aim",
  "spectrum",
  "iso_c",
  "polar",
  "subspace_boost",
  "tsv_m",
  "wudi",
  "fisher",
  "regmean",
  "git_rebasin",
  "ho_gsvd",
];

const direct = [...now, ...later].filter(
  (v) =>
    METHODS.has(v.method) &&
    v.models.length > 0 &&
    special(v) === null &&
    v.steps === undefined &&
    v.mask === undefined,
);
const specials = later.flatMap((v) => special(v) ?? []);
const asked: readonly Asked[] = [
  ...direct.map(
    (v): Asked => ({ id: v.id, half: v.dtype === "bfloat16", ...expression(askOf(v)), expected: v.expected }),
  ),
  ...specials,
];
const chains = now.filter((v) => v.steps !== undefined);
const masked = now.filter((v) => v.mask !== undefined);
const gradients = now.filter((v) => v.layers !== undefined);

function askOf({ inputs, method, base, models, params, dtype }: Vector): Ask {
  const half = dtype === "bfloat16";
  const given = (name: string): Input => {
    const { bytes } = f32(inputs[name]?.values ?? []);
    return half
      ? { dtype: "BF16", bytes: encode("BF16", new Float32Array(bytes.slice().buffer)) }
      : { dtype: "F32", bytes };
  };
  return {
    method,
    ...(base === null ? {} : { base: given(base) }),
    models: models
      .filter((model) => model.tensor !== base)
      .map(({ tensor, params: own }) => ({ tensor: given(tensor), params: own })),
    params,
    shape: Object.values(inputs)[0]?.shape ?? [],
    dtype: half ? "BF16" : "F32",
  };
}

test("every vector is held to its numbers somewhere", () => {
  const held = new Set([
    ...asked.map(({ of, id }) => of ?? id),
    ...[...chains, ...masked, ...gradients].map(({ id }) => id),
  ]);
  const missing = [...now, ...later].filter(({ id, method }) => !held.has(id) && !WAITING.includes(method));
  expect(missing.map(({ id }) => id)).toEqual([]);
  expect(held.size).toBeGreaterThanOrEqual(60);
  for (const { params, layers = 0, expected } of gradients) {
    const values = expected.map((_, i) =>
      evaluate(params.value as unknown as number[], gradientPosition(i, layers), "x"),
    );
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
  }
});

// Tables give six or seven digits.
const NEAR = { rel: 2e-6, ulp: 0 };

describe("by hand", () => {
  test.each(asked.filter(({ half }) => !half))("$id", ({ merged, inputs, expected }) => {
    const values = inputs.map(({ bytes }) => [...new Float32Array(bytes.slice().buffer)]);
    const got = encode("F32", Float32Array.from(byHand(merged, { inputs: values })));
    expect(misfits("F32", got, encode("F32", Float32Array.from(expected)), NEAR)).toEqual([]);
  });
});

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  test.each(asked)("$id", async ({ half, merged, inputs, expected }) => {
    const out: OutputDtype = half ? "BF16" : "F32";
    const got = await computeTensor(planOf(merged, inputs, { dtype: out }), engine);
    const want = encode(out, Float32Array.from(expected));
    // mergekit rounds a bfloat16 merge after every step; one last place is what that costs here.
    expect(misfits(out, got, want, { rel: 2e-6, ulp: half ? 1 : 0 })).toEqual([]);
  });

  test.each(chains)("$id", async ({ inputs, steps = [], expected }) => {
    const tensors = new Map(Object.entries(inputs).map(([name, { values }]) => [name, f32(values)]));
    for (const [result, base, other, t] of steps) {
      const ask = {
        method: "slerp",
        base: tensors.get(base)!,
        models: [{ tensor: tensors.get(other)! }],
        params: { t },
      };
      tensors.set(result, { dtype: "F32", bytes: await mergeBytes(ask, engine) });
    }
    expect(
      misfits("F32", tensors.get("out")!.bytes, encode("F32", Float32Array.from(expected)), { rel: 2e-6, ulp: 0 }),
    ).toEqual([]);
  });

  test.each(masked)("$id", async ({ inputs, params, mask = [], expected }) => {
    const given = [inputs.O!.values, inputs.A!.values, mask.flat()].map(f32);
    const [base, model, kept] = [input(0), input(1), input(2)];
    const delta = taskVector(model, base);
    const left = where(kept, delta, 0);
    const scaled = String(params.rescale) === "l1" ? rescaleL1(left, delta) : div(left, Number(params.density));
    const got = await computeTensor(planOf(apply(base, scaled, 1), given), engine);
    expect(misfits("F32", got, encode("F32", Float32Array.from(expected)), { rel: 2e-6, ulp: 0 })).toEqual([]);
  });
});
