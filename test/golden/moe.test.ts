/** Every folder in moe/ is a mixture of experts and what mergekit-moe made of it. */
import { afterAll, describe, expect, test } from "vitest";
import { decode } from "../../core/bytes/convert.ts";
import { isOutput } from "../../core/bytes/dtype.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { misfits } from "../support/compare.ts";
import { engines } from "../support/engines.ts";
import { closeModels, expectedOf, extraOf, goldens, jsonOf, planOf } from "../support/golden.ts";

const cases = goldens("moe", "moe.yml");
const KEYS = [
  "model_type",
  "architectures",
  "num_hidden_layers",
  "vocab_size",
  "hidden_size",
  "intermediate_size",
  "num_attention_heads",
  "num_key_value_heads",
  "num_local_experts",
  "num_experts",
  "num_experts_per_tok",
  "moe_intermediate_size",
  "shared_expert_intermediate_size",
  "decoder_sparse_step",
  "norm_topk_prob",
  "tie_word_embeddings",
];

afterAll(closeModels);

test.each(cases)("$name: config.json", async (golden) => {
  const ours = JSON.parse((await extraOf(await planOf(golden), "config.json"))!) as Record<string, unknown>;
  const theirs = jsonOf(golden, "expected-config.json")!;
  for (const key of KEYS) expect([key, ours[key]]).toEqual([key, theirs[key]]);
  expect(ours.dtype ?? ours.torch_dtype).toBe(theirs.dtype ?? theirs.torch_dtype);
});

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  test.each(cases)("$name", async (golden) => {
    const { rule } = golden;
    const plan = await planOf(golden);
    const expected = await expectedOf(golden);
    expect(plan.tensors.map((t) => t.name).sort()).toEqual([...expected.tensors.keys()].sort());
    const drawn: number[] = [];
    for (const tensor of plan.tensors) {
      const want = expected.tensors.get(tensor.name)!;
      expect([tensor.name, tensor.dtype, tensor.shape]).toEqual([want.name, want.dtype, want.shape]);
      const merged = tensor.action === "merge";
      const got = merged ? await computeTensor(tensor, engine) : await tensor.from.source.read(tensor.from.range);
      if (!isOutput(tensor.dtype)) throw new Error(`${tensor.name} is ${tensor.dtype}`);
      if (rule.random?.[tensor.name] !== undefined) {
        drawn.push(...decode(tensor.dtype, got));
        continue;
      }
      const off = misfits(tensor.dtype, got, await want.source.read(want.range), rule);
      expect([tensor.name, off.slice(0, 3)]).toEqual([tensor.name, []]);
    }
    const law = Object.values(rule.random ?? {})[0];
    if (law !== undefined) expectDrawn(drawn, law.uniform ?? null);
  });
});

/** Routers, all of a mixture together: mean and variance within 4 standard errors of the distribution's. */
function expectDrawn(values: readonly number[], uniform: readonly [number, number] | null): void {
  const n = values.length;
  const variance = uniform === null ? 1 : (uniform[1] - uniform[0]) ** 2 / 12;
  const kurtosis = uniform === null ? 3 : 1.8;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const spread = values.reduce((a, b) => a + b * b, 0) / n;
  expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(variance / n));
  expect(Math.abs(spread / variance - 1)).toBeLessThan(4 * Math.sqrt((kurtosis - 1) / n));
  expect(new Set(values).size).toBeGreaterThan(n / 2);
  if (uniform !== null) for (const value of values) expect(Math.abs(value)).toBeLessThanOrEqual(uniform[1] * 1.004);
}
