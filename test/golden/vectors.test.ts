/** Single tensors merged by mergekit's own functions at full precision, and by the papers' formulas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import type { OutputDtype } from "../../core/bytes/dtype.ts";
import { div, input, where } from "../../core/graph/tensor.ts";
import { evaluate, gradientPosition } from "../../core/recipe/evaluate.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { apply, rescaleL1, taskVector } from "../../methods/steps.ts";
import { misfits } from "../support/compare.ts";
import { engines } from "../support/engines.ts";
import { f32, type Input, mergeBytes, planOf } from "../support/merge.ts";

interface Vector {
  readonly id: string;
  readonly inputs: Readonly<Record<string, { readonly values: readonly number[] }>>;
  readonly method: string;
  readonly base: string | null;
  readonly models: readonly { readonly tensor: string; readonly params: Readonly<Record<string, number | boolean>> }[];
  readonly params: Readonly<Record<string, number | boolean>>;
  readonly dtype: "float32" | "bfloat16";
  readonly expected: readonly number[];
  /** A chain of slerps: result, base, other, t. */
  readonly steps?: readonly (readonly [string, string, string, number])[];
  /** A given DARE mask, since torch's random stream exists nowhere else. */
  readonly mask?: readonly (readonly number[])[];
  readonly layers?: number;
}

const { now } = JSON.parse(readFileSync(join(import.meta.dirname, "vectors.json"), "utf8")) as {
  now: readonly Vector[];
};

const plain = now.filter((v) => v.steps === undefined && v.mask === undefined && v.layers === undefined);
const chains = now.filter((v) => v.steps !== undefined);
const masked = now.filter((v) => v.mask !== undefined);

test("every vector is held to its numbers somewhere", () => {
  const gradients = now.filter((v) => v.layers !== undefined);
  expect(plain.length + chains.length + masked.length + gradients.length).toBe(now.length);
  for (const { params, layers = 0, expected } of gradients) {
    const values = expected.map((_, i) =>
      evaluate(params.value as unknown as number[], gradientPosition(i, layers), "x"),
    );
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
  }
});

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  test.each(plain)("$id", async ({ inputs, method, base, models, params, dtype, expected }) => {
    const half = dtype === "bfloat16";
    const out: OutputDtype = half ? "BF16" : "F32";
    const given = (name: string): Input => {
      const { bytes } = f32(inputs[name]!.values);
      return half
        ? { dtype: "BF16", bytes: encode("BF16", new Float32Array(bytes.slice().buffer)) }
        : { dtype: "F32", bytes };
    };
    const others = models.filter((model) => model.tensor !== base);
    const ask = {
      method,
      ...(base === null ? {} : { base: given(base) }),
      models: others.map((model) => ({ tensor: given(model.tensor), params: model.params })),
      params,
      dtype: out,
    };
    const got = await mergeBytes(ask, engine);
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
