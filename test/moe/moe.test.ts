/** Mixtures of experts: what is written, what it computes, what is refused. */
import { describe, expect, test } from "vitest";
import { memoryFolder } from "../../core/bytes/sink.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import type { Model } from "../../core/model/model.ts";
import { openModel } from "../../core/model/open.ts";
import { buildMoePlan } from "../../core/moe/build.ts";
import { conditionNumber } from "../../core/moe/condition.ts";
import { type Encode, gateRow, prepareGates } from "../../core/moe/gates.ts";
import { normalSource, normals } from "../../core/moe/noise.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { MoeRecipe } from "../../core/recipe/moe.ts";
import { run } from "../../core/run/run.ts";
import { verify } from "../../core/run/verify.ts";
import { logits, weightsOf } from "./forward.ts";
import { type Shape, tiny } from "./models.ts";

const LIMITS = { shardBytes: Number.POSITIVE_INFINITY, memory: 1e8, maxTileBytes: 16e6, lanes: 1, seed: 42 };

/** One id per letter: a is 1, b is 2. */
const letters: Encode = (text) => [...text].map((letter) => letter.charCodeAt(0) - 96);

async function planned(moe: MoeRecipe, models: readonly Model[], encode: Encode = letters, seed = 42): Promise<Plan> {
  const open = new Map(models.map((model) => [model.ref, model]));
  const gates = await prepareGates(moe, open, { seed, encoderOf: () => encode });
  return buildMoePlan(moe, open, gates, { ...LIMITS, seed, text: "experts: as tested\n" });
}

async function made(moe: MoeRecipe, models: readonly Model[], encode?: Encode, seed?: number): Promise<Model> {
  const plan = await planned(moe, models, encode, seed);
  const folder = memoryFolder();
  await run(plan, { engine: createPlainEngine(), folder, memory: 1e8 });
  const files = new Map([...folder.files].map(([name, bytes]) => [name, fromBytes(name, bytes)]));
  const report = await verify(files, { plan, engine: createPlainEngine() });
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  return openModel("result", files);
}

const IDS = [1, 5, 3, 9, 2, 7];
const largestDifference = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]) =>
  Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - b[i]![j]!))));

const dense = (refs: readonly string[], shape: Shape = {}) =>
  Promise.all(refs.map((ref, i) => tiny(ref, i + 1, shape)));

describe("experts that are all the base compute what the base does", () => {
  const prompts = ["abc", "dd", "cab"].map((text) => ({ source_model: "m", positive_prompts: [text] }));
  for (const gate_mode of ["random", "uniform_random", "cheap_embed"] as const) {
    test(`Mixtral, ${gate_mode}`, async () => {
      const [base] = await dense(["m"]);
      const moe = await made({ base_model: "m", gate_mode, experts: prompts }, [base!]);
      expect(moe.config).toMatchObject({
        model_type: "mixtral",
        architectures: ["MixtralForCausalLM"],
        num_local_experts: 3,
        num_experts_per_tok: 2,
      });
      expect(moe.family.id).toBe("mixtral");
      expect(largestDifference(await logits(moe, IDS), await logits(base!, IDS))).toBeLessThan(1e-5);
    });
  }

  test("Qwen3-MoE", async () => {
    const [base] = await dense(["m"], { type: "qwen3" });
    const moe = await made({ base_model: "m", gate_mode: "random", experts: prompts, experts_per_token: 1 }, [base!]);
    expect(moe.config).toMatchObject({ model_type: "qwen3_moe", moe_intermediate_size: 12, norm_topk_prob: true });
    expect(largestDifference(await logits(moe, IDS), await logits(base!, IDS))).toBeLessThan(1e-5);
  });

  test.each(["llama", "qwen2"] as const)("Qwen2-MoE of %s, the shared expert silenced", async (type) => {
    const [base] = await dense(["m"], { type });
    const shared_experts = [{ source_model: "m", positive_prompts: ["e"], residual_scale: 0 }];
    const moe = await made({ base_model: "m", gate_mode: "cheap_embed", experts: prompts, shared_experts }, [base!]);
    expect(moe.config).toMatchObject({
      model_type: "qwen2_moe",
      num_experts: 3,
      shared_expert_intermediate_size: 12,
      decoder_sparse_step: 1,
    });
    expect(moe.checkpoint.tensors.get("model.layers.1.self_attn.k_proj.bias")?.shape).toEqual([4]);
    expect(largestDifference(await logits(moe, IDS), await logits(base!, IDS))).toBeLessThan(1e-5);
  });

  test("and different experts do not", async () => {
    const [a, b] = await dense(["a", "b"]);
    const experts = [{ source_model: "a" }, { source_model: "b" }];
    const moe = await made({ base_model: "a", gate_mode: "random", experts }, [a!, b!]);
    expect(largestDifference(await logits(moe, IDS), await logits(a!, IDS))).toBeGreaterThan(1e-2);
  });
});

describe("what is taken from where", () => {
  test("the experts' blocks under Mixtral's names, everything else the base's, byte for byte", async () => {
    const models = await dense(["base", "a", "b"], { dtype: "BF16", config: { torch_dtype: "bfloat16" } });
    const experts = [{ source_model: "a" }, { source_model: "b" }];
    const plan = await planned({ base_model: "base", gate_mode: "random", experts }, models);
    expect(plan.tensors.every(({ action }) => action === "copy")).toBe(true);
    const moe = await made({ base_model: "base", gate_mode: "random", experts }, models);
    const [result, base, , b] = [await weightsOf(moe), ...(await Promise.all(models.map(weightsOf)))];
    const names = { w1: "gate_proj", w2: "down_proj", w3: "up_proj" };
    for (const [short, long] of Object.entries(names))
      expect(result.get(`model.layers.1.block_sparse_moe.experts.1.${short}.weight`)).toEqual(
        b!.get(`model.layers.1.mlp.${long}.weight`),
      );
    for (const [name, values] of base!) if (!name.includes(".mlp.")) expect(result.get(name)).toEqual(values);
    expect(result.size).toBe(base!.size - 2 * 3 + 2 * (1 + 2 * 3));
    expect([...moe.extras.keys()].sort()).toEqual(["README.md", "mergekit_moe_config.yml"]);
  });

  test("residual_scale multiplies the down projection, noise_scale adds N(0, scale)", async () => {
    const models = await dense(["base", "a"], { hidden: 32, width: 200 });
    const experts = [
      { source_model: "base", residual_scale: 0.5 },
      { source_model: "a", noise_scale: 0.25 },
    ];
    const document: MoeRecipe = { base_model: "base", gate_mode: "random", experts };
    const [result, base, a] = [
      await weightsOf(await made(document, models)),
      ...(await Promise.all(models.map(weightsOf))),
    ];
    const at = (name: string) => result.get(`model.layers.0.block_sparse_moe.experts.${name}.weight`)!.values;
    expect([...at("0.w2")]).toEqual([...base!.get("model.layers.0.mlp.down_proj.weight")!.values].map((v) => v / 2));
    expect(at("0.w1")).toEqual(base!.get("model.layers.0.mlp.gate_proj.weight")!.values);
    const clean = a!.get("model.layers.0.mlp.gate_proj.weight")!.values;
    const noise = [...at("1.w1")].map((v, i) => (v - clean[i]!) / 0.25);
    const { mean, deviation } = moments(noise);
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(noise.length));
    expect(Math.abs(deviation - 1)).toBeLessThan(4 / Math.sqrt(2 * noise.length));
    const again = await weightsOf(await made(document, models));
    const other = await weightsOf(await made(document, models, letters, 43));
    const name = "model.layers.0.block_sparse_moe.experts.1.w1.weight";
    expect(again.get(name)).toEqual(result.get(name));
    expect(other.get(name)).not.toEqual(result.get(name));
  });

  test("dtype re-encodes; without it the base's config decides", async () => {
    const models = await dense(["m"]);
    const experts = [{ source_model: "m" }, { source_model: "m" }];
    const moe = await made({ base_model: "m", gate_mode: "random", experts, dtype: "bfloat16" }, models);
    expect(new Set([...moe.checkpoint.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(["BF16"]));
    expect(moe.config?.dtype).toBe("bfloat16");
  });

  test("a Qwen2-MoE's shared expert may have a width of its own", async () => {
    const [base] = await dense(["m"]);
    const wide = await tiny("wide", 5, { width: 20 });
    const moe = await made(
      {
        base_model: "m",
        gate_mode: "random",
        experts: [{ source_model: "m" }, { source_model: "m" }],
        shared_experts: [{ source_model: "wide" }],
      },
      [base!, wide],
    );
    expect(moe.config).toMatchObject({ moe_intermediate_size: 12, shared_expert_intermediate_size: 20 });
    expect(moe.checkpoint.tensors.get("model.layers.0.mlp.shared_expert.up_proj.weight")?.shape).toEqual([20, 8]);
    expect(moe.checkpoint.tensors.get("model.layers.0.mlp.shared_expert_gate.weight")?.shape).toEqual([1, 8]);
  });
});

describe("gates", () => {
  test("a row points toward the positive and away from the negative", () => {
    const row = gateRow(Float64Array.of(3, 0, 4), Float64Array.of(0, 1, 4));
    expect([...row].map((v) => Math.round(v * 1e6) / 1e6)).toEqual([0.948683, -0.316228, 0]);
  });

  test("cheap_embed sums the embeddings of the prompts, the start token counted", async () => {
    const base = await tiny("m", 3, { extras: { "tokenizer_config.json": '{"bos_token": {"content": "a"}}' } });
    const embedding = (await weightsOf(base)).get("model.embed_tokens.weight")!.values;
    const row = (id: number) => embedding.slice(8 * id, 8 * id + 8);
    const experts = [
      { source_model: "m", positive_prompts: ["bb", "c"] },
      { source_model: "m", positive_prompts: ["d"], negative_prompts: ["e"] },
    ];
    const gates = await prepareGates({ base_model: "m", gate_mode: "cheap_embed", experts }, new Map([["m", base]]), {
      seed: 1,
      encoderOf: () => letters,
    });
    const unit = (v: readonly number[]) => v.map((x) => x / Math.hypot(...v));
    const sum = (...ids: readonly number[]) => [...row(0)].map((_, i) => ids.reduce((s, id) => s + row(id)[i]!, 0));
    const second = unit(unit(sum(1, 4)).map((v, i) => v - unit(sum(1, 5))[i]!));
    const expected = [...unit(sum(1, 2, 2, 1, 3)), ...second];
    expect(gates).toHaveLength(2);
    for (const { experts: rows } of gates)
      expect(Math.max(...expected.map((v, i) => Math.abs(v - rows[i]!)))).toBeLessThan(1e-6);
  });

  test("random ones have the moments of their distributions and differ by layer", async () => {
    const models = new Map([["m", await tiny("m", 1, { hidden: 512, width: 4 })]]);
    const experts = Array.from({ length: 8 }, () => ({ source_model: "m" }));
    for (const [gate_mode, expected] of [
      ["random", 1],
      ["uniform_random", 1 / Math.sqrt(3 * 512)],
    ] as const) {
      const gates = await prepareGates({ base_model: "m", gate_mode, experts }, models, {
        seed: 1,
        encoderOf: () => letters,
      });
      const rows = gates[0]!.experts;
      const { mean, deviation } = moments([...rows]);
      expect(Math.abs(mean)).toBeLessThan((4 * expected) / Math.sqrt(rows.length));
      expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.05);
      if (gate_mode === "uniform_random")
        expect(Math.max(...rows.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(512));
      expect(gates[1]!.experts).not.toEqual(rows);
    }
  });

  test("rows that are alike are remarked on", async () => {
    const models = await dense(["a", "b"]);
    const experts = [
      { source_model: "a", positive_prompts: ["bcdbcdbcd"] },
      { source_model: "b", positive_prompts: ["bcdbcdbcdb"] },
    ];
    const plan = await planned({ base_model: "a", gate_mode: "cheap_embed", experts }, models);
    expect(plan.notes.map(({ text }) => text).join()).toContain("much alike in all layers");
  });
});

describe("noise", () => {
  test("any range of the source is that range of the whole", async () => {
    const source = normalSource("noise", 1000, [1, 2]);
    const whole = await source.read({ start: 0, end: 4000 });
    for (const [start, end] of [
      [0, 4],
      [4, 48],
      [1236, 3000],
      [3999, 4000],
    ] as const)
      expect(await source.read({ start, end })).toEqual(whole.slice(start, end));
    expect(new Float32Array(whole.slice(40, 80).buffer)).toEqual(normals(10, 10, [1, 2]));
  });

  test("normal in its first four moments and in its tails", () => {
    const { mean, deviation, skew, kurtosis } = moments([...normals(0, 100_000, [7, 9])]);
    expect(Math.abs(mean)).toBeLessThan(0.013);
    expect(Math.abs(deviation - 1)).toBeLessThan(0.009);
    expect(Math.abs(skew)).toBeLessThan(0.031);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.062);
    const beyond = normals(0, 100_000, [7, 9]).filter((v) => Math.abs(v) > 2).length;
    expect(Math.abs(beyond - 4550)).toBeLessThan(270);
  });
});

describe("condition number", () => {
  test.each([
    [[1, 0, 0, 1], 2, 2, 1],
    [[3, 0, 0, 4, 0, 0], 2, 3, Number.POSITIVE_INFINITY],
    [[3, 0, 0, 0, 4, 0], 2, 3, 4 / 3],
    // Singular values of [[1, 2], [3, 4], [5, 6]].
    [[1, 2, 3, 4, 5, 6], 3, 2, 9.52551809156511 / 0.514300580658644],
    [[1, 3, 5, 2, 4, 6], 2, 3, 9.52551809156511 / 0.514300580658644],
  ])("%j as %i by %i", (values, rows, columns, expected) => {
    const found = conditionNumber(Float32Array.from(values), rows, columns);
    if (Number.isFinite(expected)) expect(found).toBeCloseTo(expected, 9);
    else expect(found).toBe(expected);
  });
});

describe("refused with a sentence", () => {
  const two = [
    { source_model: "a", positive_prompts: ["b"] },
    { source_model: "b", positive_prompts: ["c"] },
  ];
  const cases: readonly (readonly [string, Partial<MoeRecipe>, Shape, RegExp])[] = [
    ["too few experts", { experts_per_token: 3 }, {}, /2 experts, but experts_per_token is 3/],
    ["no experts per token", { experts_per_token: 0 }, {}, /experts_per_token is 0/],
    ["the same prompts", { experts: two.map((e) => ({ ...e, positive_prompts: ["x"] })) }, {}, /same prompts/],
    ["no prompts", { experts: [two[0]!, { source_model: "b" }] }, {}, /Expert 2 \(b\) has no positive_prompts/],
    ["another hidden size", {}, { hidden: 16 }, /shape \[12, 16\].*must be \[12, 8\]/],
    ["another number of layers", {}, { layers: 3 }, /b has 3 layers and a has 2/],
    ["another width", {}, { width: 16 }, /b has feed-forward blocks 16 wide and a 12/],
    ["another type", {}, { type: "qwen3" }, /a is llama, b is qwen3.*Mixtral of llama or mistral/],
    ["deepseek", { architecture: "deepseek" }, {}, /deepseek, which is not written; there are mixtral, qwen, qwen3/],
    ["qwen without shared", { architecture: "qwen" }, {}, /shared_experts lists 0.*Qwen2-MoE has exactly one/],
    ["biases in an expert", {}, { tensors: { "model.layers.0.mlp.up_proj.bias": [12] } }, /experts have no bias/],
    ["no config", {}, { config: { model_type: null } }, /b has no config.json with a model_type/],
  ];
  test.each(cases)("%s", async (_, change, shape, sentence) => {
    const models = [await tiny("a", 1), await tiny("b", 2, shape)];
    await expect(
      planned({ base_model: "a", gate_mode: "cheap_embed", experts: two, ...change }, models),
    ).rejects.toThrow(sentence);
  });

  test("attention biases Mixtral has no place for", async () => {
    const models = await dense(["a", "b"], { tensors: { "model.layers.0.self_attn.q_proj.bias": [8] } });
    await expect(planned({ base_model: "a", gate_mode: "cheap_embed", experts: two }, models)).rejects.toThrow(
      /a has a tensor model.layers.0.self_attn.q_proj.bias, but Mixtral has no bias there \(Qwen2-MoE, Qwen3-MoE would have\)/,
    );
  });

  test("a prompt with tokens the base does not have", async () => {
    const models = await dense(["a", "b"]);
    const experts = [two[0]!, { source_model: "b", positive_prompts: ["z"] }];
    await expect(planned({ base_model: "a", gate_mode: "cheap_embed", experts }, models)).rejects.toThrow(
      /token 26, but the embedding of a has 11 rows/,
    );
  });
});

describe("remarks", () => {
  const textOf = (plan: Plan) => plan.notes.map(({ text }) => text).join("\n");
  test("three equal experts at random", async () => {
    const [m] = await dense(["m"]);
    const experts = [{ source_model: "m" }, { source_model: "m" }, { source_model: "m" }];
    const text = textOf(await planned({ base_model: "m", gate_mode: "random", experts }, [m!]));
    expect(text).toContain("needs training");
    expect(text).toContain("All experts are m");
    expect(text).toContain("not a power of two");
  });

  test("an expert with another vocabulary", async () => {
    const models = [await tiny("a", 1), await tiny("b", 2, { vocabulary: 13 })];
    const experts = [{ source_model: "a" }, { source_model: "b" }];
    const text = textOf(await planned({ base_model: "a", gate_mode: "random", experts }, models));
    expect(text).toContain("b has a vocabulary of 13 and a one of 11");
  });
});

function moments(values: readonly number[]) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const central = (power: number) => values.reduce((sum, v) => sum + (v - mean) ** power, 0) / values.length;
  const deviation = Math.sqrt(central(2));
  return { mean, deviation, skew: central(3) / deviation ** 3, kurtosis: central(4) / deviation ** 4 };
}
