/** The doctor on crafted models: every reason in a sentence, the gravest first, with its fix. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { diagnose } from "../../core/doctor/diagnose.ts";
import type { Diagnosis, Finding, Topic } from "../../core/doctor/finding.ts";
import type { Wish } from "../../core/doctor/patient.ts";
import type { JsonObject, Model } from "../../core/model/model.ts";
import { type Made, madeModel } from "../support/made.ts";
import { modelAt } from "../support/model.ts";

const WISH: Wish = { base: null, sliced: false, tokenizer: null, rows: "refuse", typed: false };
const CONFIG: JsonObject = {
  model_type: "llama",
  num_hidden_layers: 2,
  hidden_size: 4,
  num_attention_heads: 2,
  vocab_size: 8,
  rope_theta: 10000,
  tie_word_embeddings: false,
};
const TENSORS: Readonly<Record<string, Made>> = {
  "model.embed_tokens.weight": { shape: [8, 4], value: 1 },
  "model.layers.{0..1}.self_attn.q_proj.weight": { shape: [4, 4], value: 1 },
  "model.layers.{0..1}.mlp.up_proj.weight": { shape: [6, 4], value: 1 },
  "model.norm.weight": { shape: [4], value: 1 },
  "lm_head.weight": { shape: [8, 4], value: 1 },
};

interface Crafted {
  readonly config?: JsonObject;
  readonly tensors?: Readonly<Record<string, Made>>;
  readonly without?: readonly string[];
  readonly as?: Partial<Model>;
}

async function craft(ref: string, { config = {}, tensors = {}, without = [], as = {} }: Crafted = {}): Promise<Model> {
  const all = Object.fromEntries(
    Object.entries({ ...TENSORS, ...tensors }).filter(([name]) => !without.includes(name)),
  );
  const model = await madeModel(ref, all, { ...CONFIG, ...config });
  return { ...model, tokenizer: "0123456789abcdef", licence: "apache-2.0", ...as };
}

async function verdict(other: Crafted, wish: Partial<Wish> = {}, first: Crafted = {}): Promise<Diagnosis> {
  const models = await Promise.all([craft("a", first), craft("b", other)]);
  return diagnose(new Map(models.map((model) => [model.ref, model])), { ...WISH, ...wish });
}

const about = ({ findings }: Diagnosis, topic: Topic): Finding => {
  const found = findings.find((one) => one.topic === topic);
  if (found === undefined) throw new Error(`nothing is said about ${topic}: ${JSON.stringify(findings)}`);
  return found;
};

describe("can these merge?", () => {
  test("alike models: yes, and why", async () => {
    const said = await verdict({});
    expect(said.verdict).toBe("yes");
    expect(said.findings.map(({ weight }) => weight)).not.toContain("warn");
    expect(about(said, "family").text).toBe("All are Llama with 2 layers.");
    expect(about(said, "tokenizer").text).toBe("Both share one tokenizer.");
    expect(about(said, "licence").text).toBe("Licence of the result: apache-2.0, as of all.");
  });

  test("no name in common: no", async () => {
    const strange = await madeModel("b", { "transformer.h.{0..1}.attn.c_attn.weight": 1 }, { model_type: "gpt2" });
    const said = diagnose(
      new Map([
        ["a", await craft("a")],
        ["b", strange],
      ]),
      WISH,
    );
    expect(said.verdict).toBe("no");
    expect(said.findings[0]).toMatchObject({ topic: "family", weight: "stop", remedy: { kind: "leave", model: "b" } });
  });

  test("another family with the same names is merged with a warning", async () => {
    const said = await verdict({ config: { model_type: "mistral" } });
    expect(said.verdict).toBe("yes");
    expect(about(said, "family").text).toContain("configured as Llama");
  });

  const DEEPER: Crafted = {
    config: { num_hidden_layers: 3 },
    tensors: {
      "model.layers.{0..2}.self_attn.q_proj.weight": { shape: [4, 4], value: 1 },
      "model.layers.{0..2}.mlp.up_proj.weight": { shape: [6, 4], value: 1 },
    },
    without: ["model.layers.{0..1}.self_attn.q_proj.weight", "model.layers.{0..1}.mlp.up_proj.weight"],
  };

  test("depth: after a fix on the Stack board, where it is no matter any more", async () => {
    const said = await verdict(DEEPER);
    expect(said.verdict).toBe("fix");
    expect(said.findings[0]?.text).toContain("b has 3 layers and a has 2");
    expect(said.findings[0]?.remedy).toEqual({ kind: "stack" });
    // Layers that only the deeper one has are not told again as tensors that are missing.
    expect(said.findings.some(({ topic }) => topic === "tensors")).toBe(false);
    expect((await verdict(DEEPER, { sliced: true })).verdict).toBe("yes");
  });

  test.each<[string, Crafted, Topic, RegExp]>([
    ["width", { config: { hidden_size: 8 } }, "width", /a has 4 numbers per token, b has 8/],
    ["heads", { config: { num_attention_heads: 4 } }, "heads", /a has 2 attention heads, b has 4/],
    ["key-value heads", { config: { num_key_value_heads: 1 } }, "heads", /a has 2 key-value heads, b has 1/],
    [
      "a projection",
      { tensors: { "model.layers.{0..1}.mlp.up_proj.weight": { shape: [7, 4], value: 1 } } },
      "shapes",
      /layers\.0\.mlp\.up_proj\.weight is \[6, 4\] in a and \[7, 4\] in b, and 1 more differ/,
    ],
  ])("%s differs: no, also in a stack", async (_, other, topic, text) => {
    for (const sliced of [false, true]) {
      const said = await verdict(other, { sliced });
      expect(said.verdict).toBe("no");
      expect(about(said, topic)).toMatchObject({ weight: "stop", remedy: { kind: "leave", model: "b" } });
      if (!sliced) expect(about(said, topic).text).toMatch(text);
    }
  });

  test("a shape that differs is no obstacle to a method that keeps to its base", async () => {
    const other = { tensors: { "model.layers.{0..1}.mlp.up_proj.weight": { shape: [7, 4], value: 1 } } };
    expect((await verdict(other, { rows: "base", base: "a" })).verdict).toBe("yes");
  });

  const WIDER: Crafted = {
    config: { vocab_size: 10 },
    tensors: {
      "model.embed_tokens.weight": { shape: [10, 4], value: 1 },
      "lm_head.weight": { shape: [10, 4], value: 1 },
    },
  };

  test("vocabulary: after lining up tokens; fine once that is chosen; no where it cannot be", async () => {
    const said = await verdict(WIDER);
    expect(said.verdict).toBe("fix");
    expect(said.findings[0]).toMatchObject({ topic: "vocabulary", remedy: { kind: "tokenizer", source: "union" } });
    expect(said.findings[0]?.text).toContain("a has 8 tokens, b has 10 tokens");
    expect((await verdict(WIDER, { tokenizer: "union" })).verdict).toBe("yes");
    const bare = await verdict({ ...WIDER, as: { tokenizer: null } });
    expect(bare.verdict).toBe("no");
    expect(about(bare, "vocabulary")).not.toHaveProperty("remedy");
    expect(about(bare, "vocabulary").text).toContain("b came without tokenizer.json");
  });

  test.each<[string, Crafted, Topic, RegExp]>([
    ["tokenizer files", { as: { tokenizer: "ffff" } }, "tokenizer", /differ, with equally many tokens/],
    ["a tokenizer that is missing", { as: { tokenizer: null } }, "tokenizer", /b came without a tokenizer file/],
    [
      "tied embeddings",
      { config: { tie_word_embeddings: true }, without: ["lm_head.weight"] },
      "tied",
      /b uses the embeddings as head, a has a head/,
    ],
    ["RoPE base", { config: { rope_theta: 1e6 } }, "rope", /10,000 in a and 1,000,000 in b/],
    ["RoPE scaling", { config: { rope_scaling: { type: "yarn", factor: 4 } } }, "rope", /rope_scaling/],
    [
      "a tensor that is missing",
      { without: ["model.norm.weight"] },
      "tensors",
      /b lacks 1 tensor of a: model\.norm\.weight/,
    ],
    [
      "a tensor that is extra",
      { tensors: { "model.layers.{0..1}.self_attn.q_proj.bias": { shape: [4], value: 0 } } },
      "tensors",
      /b has 2 tensors that a lacks/,
    ],
    ["a licence that is missing", { as: { licence: null } }, "licence", /not known: b\..*The others: apache-2\.0/],
    ["licences that do not go together", { as: { licence: "gemma" } }, "licence", /the strictest of/],
  ])("%s: yes, with a word about it", async (_, other, topic, text) => {
    const said = await verdict(other);
    expect(said.verdict).toBe("yes");
    expect(about(said, topic).text).toMatch(text);
  });

  test("a head that is missing because it is tied is not told as missing", async () => {
    const said = await verdict({ config: { tie_word_embeddings: true }, without: ["lm_head.weight"] });
    expect(said.findings.some(({ topic }) => topic === "tensors")).toBe(false);
  });

  test("types: the fix is a type for the result", async () => {
    const wider = Object.fromEntries(Object.entries(TENSORS).map(([name, made]) => [name, made]));
    const model = await craft("b", { tensors: wider });
    const halves = {
      ...model,
      checkpoint: {
        ...model.checkpoint,
        tensors: new Map(
          [...model.checkpoint.tensors].map(([name, one]) => [name, { ...one, nominal: "BF16" as const }]),
        ),
      },
    };
    const models = new Map([
      ["a", await craft("a")],
      ["b", halves],
    ]);
    const said = diagnose(models, WISH);
    expect(about(said, "dtype")).toMatchObject({ weight: "warn", remedy: { kind: "dtype", dtype: "float32" } });
    expect(about(said, "dtype").text).toContain("a has F32, b has BF16");
    expect(about(diagnose(models, { ...WISH, typed: true }), "dtype").weight).toBe("fine");
  });

  test("licences: the strictest, unknown ones marked, strangers named", async () => {
    const of = async (a: string | null, b: string | null) =>
      about(await verdict({ as: { licence: b } }, {}, { as: { licence: a } }), "licence").text;
    expect(await of("mit", "gpl-3.0")).toContain("gpl-3.0, the strictest of mit and gpl-3.0");
    expect(await of("gemma", "llama2")).toContain("not known to go together");
    expect(await of("other", "mit")).toContain("Licence not known: a.");
  });

  test("cards that name different bases are told; a parent among the models is none", async () => {
    const apart = await verdict({ as: { basedOn: "org/two" } }, {}, { as: { basedOn: "org/one" } });
    expect(about(apart, "origin").text).toContain("a from org/one and b from org/two");
    const child = await verdict({ as: { basedOn: "org/a" } }, {}, { as: { basedOn: null } });
    expect(child.findings.some(({ topic }) => topic === "origin")).toBe(false);
  });

  test("the gravest comes first, and the base leads", async () => {
    const said = await verdict({ config: { hidden_size: 8, rope_theta: 5 } }, { base: "b" });
    expect(said.findings[0]?.text).toContain("b has 8 numbers per token, a has 4");
    expect(said.findings.at(-1)?.weight).toBe("fine");
  });

  test("one model alone has nothing against it", async () => {
    expect(diagnose(new Map([["a", await craft("a")]]), WISH).verdict).toBe("yes");
  });

  test("the sample family: yes, in well under a second", async () => {
    const root = join(import.meta.dirname, "../../public/samples");
    const names = ["base", "adder", "reverser", "sorter"];
    const models = new Map(
      await Promise.all(names.map(async (name) => [name, await modelAt(name, join(root, name))] as const)),
    );
    const before = performance.now();
    const said = diagnose(models, { ...WISH, base: "base" });
    expect(performance.now() - before).toBeLessThan(500);
    expect(said).toMatchObject({ verdict: "yes" });
    expect(said.findings.every(({ weight }) => weight === "fine")).toBe(true);
  });

  test("four models of 30,000 tensors each: within a second", async () => {
    const one = await craft("m", {
      config: { num_hidden_layers: 3333 },
      tensors: Object.fromEntries(
        ["q", "k", "v", "o", "gate", "up", "down", "x", "y"].map((part) => [
          `model.layers.{0..3332}.self_attn.${part}_proj.weight`,
          { shape: [1, 1], value: 1 },
        ]),
      ),
      without: ["model.layers.{0..1}.self_attn.q_proj.weight", "model.layers.{0..1}.mlp.up_proj.weight"],
    });
    const models = new Map(Array.from({ length: 4 }, (_, i) => [`m${i}`, { ...one, ref: `m${i}` }] as const));
    expect(one.checkpoint.tensors.size).toBeGreaterThan(29_000);
    const before = performance.now();
    expect(diagnose(models, WISH).verdict).toBe("yes");
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
