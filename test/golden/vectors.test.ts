/** Single tensors merged by mergekit's own functions at full precision, and by the papers' formulas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import type { OutputDtype } from "../../core/bytes/dtype.ts";
import { misfits } from "../support/compare.ts";
import { engines } from "../support/engines.ts";
import { f32, type Input, mergeBytes } from "../support/merge.ts";

interface Vector {
  readonly id: string;
  readonly inputs: Readonly<Record<string, { readonly values: readonly number[] }>>;
  readonly method: string;
  readonly base: string | null;
  readonly models: readonly { readonly tensor: string; readonly params: Readonly<Record<string, number | boolean>> }[];
  readonly params: Readonly<Record<string, number | boolean>>;
  readonly dtype: "float32" | "bfloat16";
  readonly expected: readonly number[];
}

const { now } = JSON.parse(readFileSync(join(import.meta.dirname, "vectors.json"), "utf8")) as {
  now: readonly Vector[];
};

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  test.each(now)("$id", async ({ inputs, method, base, models, params, dtype, expected }) => {
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
});
