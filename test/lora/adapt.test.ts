/** Adapters of every kind that is read, against what PEFT merges them to (make.py), and the ones that are refused. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../core/bytes/convert.ts";
import { isFloat } from "../../core/bytes/dtype.ts";
import { plainProducts } from "../../core/bytes/lowrank.ts";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import type { TensorInfo } from "../../core/formats/checkpoint.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import { headerOf } from "../../core/formats/write.ts";
import { adaptModel } from "../../core/model/adapt.ts";
import { type Adapter, openAdapter, scaleOf } from "../../core/model/adapter.ts";
import { openModel } from "../../core/model/open.ts";
import { buildPlan } from "../../core/plan/build.ts";
import { METHODS } from "../../methods/index.ts";
import { filesIn } from "../support/model.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const folder = (name: string) => filesIn(join(fixtures, name));
const adapterAt = (name: string) => openAdapter(name, folder(name));

async function adapted(base: string, adapter: string) {
  const model = await openModel(base, folder(base));
  return adaptModel(model, await adapterAt(adapter), `${base}+${adapter}`, plainProducts);
}

async function valuesOf({ dtype, source, range }: TensorInfo): Promise<Float32Array> {
  if (!isFloat(dtype)) throw new Error(dtype);
  return decode(dtype, await source.read(range));
}

/** Files of an adapter with its config changed. */
function edited(name: string, changes: Record<string, unknown>): Map<string, ByteSource> {
  const config = JSON.parse(readFileSync(join(fixtures, name, "adapter_config.json"), "utf8"));
  const bytes = new TextEncoder().encode(JSON.stringify({ ...config, ...changes }));
  return new Map([...folder(name), ["adapter_config.json", fromBytes("adapter_config.json", bytes)]]);
}

describe("what PEFT merges", () => {
  const cases = [
    ["llama", "plain", 6],
    ["llama", "named", 6],
    ["llama", "rslora", 8],
    ["llama", "saved", 6],
    ["llama", "biases", 16],
    ["gpt2", "conv1d", 6],
    ["tied", "embedding", 1],
  ] as const;
  test.each(cases)("%s + %s", async (base, name, touched) => {
    const expected = await openSafetensors(
      fromBytes("expected", readFileSync(join(fixtures, `expected-${name === "named" ? "plain" : name}.safetensors`))),
    );
    const model = await adapted(base, `adapter-${name}`);
    const before = await openModel(base, folder(base));
    expect([...model.checkpoint.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
    let changed = 0;
    for (const [tensor, info] of model.checkpoint.tensors) {
      const found = await valuesOf(info);
      const wanted = await valuesOf(expected.tensors.get(tensor)!);
      // Both in f32; the order of the sums over the rank may differ.
      expect(Math.max(...found.map((value, i) => Math.abs(value - wanted[i]!)))).toBeLessThan(1e-6);
      const was = await valuesOf(before.checkpoint.tensors.get(tensor)!);
      if (was.some((value, i) => value !== found[i])) changed++;
    }
    expect(changed).toBe(touched);
  });

  test("the same when the base is stored under shorter names", async () => {
    const model = await openModel("gpt2", folder("gpt2"));
    const tensors = new Map(
      [...model.checkpoint.tensors].map(([name, info]) => {
        const short = name.replace(/^transformer\./, "");
        return [short, { ...info, name: short }];
      }),
    );
    const bare = { ...model, checkpoint: { ...model.checkpoint, tensors } };
    const adapter = await adapterAt("adapter-conv1d");
    const name = "h.0.attn.c_proj.weight";
    const one = adaptModel(model, adapter, "a", plainProducts).checkpoint.tensors.get(`transformer.${name}`)!;
    const other = adaptModel(bare, adapter, "b", plainProducts).checkpoint.tensors.get(name)!;
    expect(await valuesOf(other)).toEqual(await valuesOf(one));
  });
});

describe("the adapted model", () => {
  test("reads any range as the whole has it", async () => {
    const model = await adapted("llama", "adapter-plain");
    const { source, range } = model.checkpoint.tensors.get("model.layers.1.mlp.down_proj.weight")!;
    const whole = await source.read(range);
    expect(whole.length).toBe(16 * 24 * 4);
    for (const [start, end] of [
      [0, 0],
      [1, 2],
      [3, 97],
      [95, 98],
      [96, 192],
      [94, 1001],
      [1532, 1536],
      [17, 1535],
    ] as const) {
      expect(await source.read({ start, end })).toEqual(whole.slice(start, end));
      expect(await source.read({ start, end }, undefined, new Uint8Array(4096))).toEqual(whole.slice(start, end));
    }
    await expect(source.read({ start: 0, end: 1537 })).rejects.toThrow(/1,537/);
  });

  test("reads its factors once", async () => {
    const reads: string[] = [];
    const files = new Map(
      [...folder("adapter-plain")].map(([name, source]): [string, ByteSource] => [
        name,
        {
          ...source,
          read: (range, ...rest) => {
            reads.push(`${name} ${range.start}`);
            return source.read(range, ...rest);
          },
        },
      ]),
    );
    const adapter = await openAdapter("adapter", files);
    const model = adaptModel(await openModel("llama", folder("llama")), adapter, "m", plainProducts);
    const opened = reads.length;
    const { source } = model.checkpoint.tensors.get("model.layers.0.self_attn.q_proj.weight")!;
    await Promise.all([source.read({ start: 0, end: 8 }), source.read({ start: 64, end: 128 })]);
    await source.read({ start: 512, end: 1024 });
    expect(reads.length - opened).toBe(2);
  });

  test("keeps the base's config, type and tokenizer; shares what it does not change", async () => {
    const base = await openModel("llama", folder("llama"));
    const model = adaptModel(base, await adapterAt("adapter-plain"), "llama+adapter", plainProducts);
    expect(model.ref).toBe("llama+adapter");
    expect(model.config).toBe(base.config);
    expect(model.parameters).toBe(base.parameters);
    expect(model.bytes).toBeGreaterThan(base.bytes);
    expect(model.checkpoint.tensors.get("model.norm.weight")).toBe(base.checkpoint.tensors.get("model.norm.weight"));
  });

  test("a base in BF16 is adapted in F32 and written as BF16", async () => {
    const base = await inBf16("llama");
    const model = adaptModel(base, await adapterAt("adapter-plain"), "llama+adapter", plainProducts);
    const info = model.checkpoint.tensors.get("model.layers.0.self_attn.q_proj.weight")!;
    expect([info.dtype, info.nominal]).toEqual(["F32", "BF16"]);
    const values = await valuesOf(info);
    expect(values.some((value, i) => value !== decode("BF16", encode("BF16", values))[i])).toBe(true);

    const plan = buildPlan({ merge_method: "passthrough", models: [{ model: "m" }] }, new Map([["m", model]]), {
      methods: METHODS,
      shardBytes: 1e9,
      memory: 1e8,
      maxTileBytes: 1e6,
      lanes: 1,
      seed: 1,
    });
    expect(new Set(plan.tensors.map(({ dtype }) => dtype))).toEqual(new Set(["BF16"]));
    expect(plan.tensors.filter(({ action }) => action === "merge").length).toBe(6);
  });

  test("an update of a tied head makes it a matrix of its own", async () => {
    const files = edited("adapter-saved", {});
    const adapter = await openAdapter("adapter", files);
    const update = { ...[...adapter.updates.values()][0]!, kind: "matrix" as const };
    const head: Adapter = { ...adapter, whole: new Map(), updates: new Map([["lm_head", update]]) };
    const base = await openModel("tied", folder("tied"));
    // A of an embedding is [r, rows] and its B [columns, r]; as a head's they are B and A turned round.
    const turned = {
      ...update,
      a: matrix("a", 2, 16),
      b: matrix("b", 40, 2),
    };
    const model = adaptModel(base, { ...head, updates: new Map([["lm_head", turned]]) }, "m", plainProducts);
    expect(model.config?.tie_word_embeddings).toBe(false);
    expect(model.parameters).toBe(base.parameters + 40 * 16);
    const under = await valuesOf(base.checkpoint.tensors.get("model.embed_tokens.weight")!);
    const found = await valuesOf(model.checkpoint.tensors.get("lm_head.weight")!);
    // Ones times ones over rank 2, scale 1.
    expect(Math.max(...found.map((value, i) => Math.abs(value - under[i]! - 2)))).toBeLessThan(1e-6);
  });
});

function matrix(name: string, rows: number, columns: number): TensorInfo {
  const bytes = encode("F32", new Float32Array(rows * columns).fill(1));
  return {
    name,
    dtype: "F32",
    shape: [rows, columns],
    source: fromBytes(name, bytes),
    range: { start: 0, end: bytes.length },
  };
}

async function inBf16(name: string) {
  const model = await openModel(name, folder(name));
  const made: { name: string; dtype: "BF16"; shape: readonly number[]; bytes: number; content: Uint8Array }[] = [];
  for (const info of model.checkpoint.tensors.values()) {
    const content = encode("BF16", await valuesOf(info));
    made.push({ name: info.name, dtype: "BF16", shape: info.shape, bytes: content.length, content });
  }
  const header = headerOf(made, {});
  const file = Buffer.concat([header, ...made.map(({ content }) => content)]);
  return openModel(name, new Map([...folder(name), ["model.safetensors", fromBytes("model.safetensors", file)]]));
}

describe("refusals", () => {
  test.each([
    [{ peft_type: "IA3" }, /IA3 .*only LORA adapters are read/],
    [{ peft_type: "VERA" }, /VeRA/],
    [{ peft_type: "LOHA" }, /LoHa/],
    [{ peft_type: "SOMETHING" }, /"SOMETHING"/],
    [{ peft_type: undefined }, /no peft_type/],
    [{ use_dora: true }, /DoRA/],
    [{ use_qalora: true }, /QALoRA/],
    [{ layer_replication: [[0, 2]] }, /layer_replication/],
    [{ trainable_token_indices: [1] }, /single tokens/],
    [{ r: 0 }, /r in adapter_config.json is 0; it must be a whole number above 0/],
    [{ r: "8" }, /r in adapter_config.json is "8"; it must be a number/],
    [{ lora_alpha: null }, /lora_alpha in adapter_config.json is null/],
    [{ rank_pattern: [1] }, /rank_pattern in adapter_config.json must be an object/],
  ])("%j", async (changes, sentence) => {
    await expect(openAdapter("adapter", edited("adapter-plain", changes))).rejects.toThrow(sentence);
  });

  test("an adapter of another model: the first tensor and how many", async () => {
    const base = await openModel("gpt2", folder("gpt2"));
    const adapter = await adapterAt("adapter-plain");
    expect(() => adaptModel(base, adapter, "m", plainProducts)).toThrow(
      'adapter-plain: 12 of its 12 tensors have no place in gpt2, first "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight". It was made for llama. Name the base it was trained on.',
    );
  });

  test("parameters that are no module's weight", async () => {
    const files = edited("adapter-plain", { target_parameters: ["mlp.experts.gate_up_proj"] });
    const base = await openModel("gpt2", folder("gpt2"));
    const adapter = await openAdapter("adapter", files);
    expect(() => adaptModel(base, adapter, "m", plainProducts)).toThrow(/\(target_parameters\), which is not read/);
  });

  test("a rank that is not the config's", async () => {
    const base = await openModel("llama", folder("llama"));
    const adapter = await openAdapter("adapter", edited("adapter-plain", { rank_pattern: {} }));
    expect(() => adaptModel(base, adapter, "m", plainProducts)).toThrow(/is \[[23], \d+\], but its config says rank 4/);
  });

  test("a base of another width", async () => {
    const base = await openModel("llama", folder("llama"));
    const tensors = new Map(
      [...base.checkpoint.tensors].map(([name, info]) => [
        name,
        /down_proj.weight/.test(name) ? { ...info, shape: [16, 32] } : info,
      ]),
    );
    const other = { ...base, checkpoint: { ...base.checkpoint, tensors } };
    const adapter = await adapterAt("adapter-plain");
    expect(() => adaptModel(other, adapter, "m", plainProducts)).toThrow(/\[4, 24\], which does not fit .* \[16, 32\]/);
  });

  test("no weights, or a pickle", async () => {
    const files = folder("adapter-plain");
    files.delete("adapter_model.safetensors");
    await expect(openAdapter("adapter", files)).rejects.toThrow(/needs adapter_model.safetensors/);
    files.set("adapter_model.bin", fromBytes("adapter_model.bin", new Uint8Array(1)));
    await expect(openAdapter("adapter", files)).rejects.toThrow(/a pickle/);
  });

  test("an adapter where a model should be", async () => {
    await expect(openModel("adapter", folder("adapter-plain"))).rejects.toThrow(/Write "base\+adapter"/);
  });
});

test("patterns match as PEFT's: a regular expression of the whole name or its end after a dot", () => {
  const settings = {
    rank: 8,
    alpha: 16,
    rankPattern: { q_proj: 2, "layers\\.1\\..*": 4 },
    alphaPattern: { proj: 1 },
    rankStabilised: false,
    fanInFanOut: false,
    parameters: false,
  };
  expect(scaleOf(settings, "model.layers.0.q_proj")).toEqual({ rank: 2, scale: 8 });
  expect(scaleOf(settings, "model.layers.1.k_proj")).toEqual({ rank: 4, scale: 4 });
  expect(scaleOf(settings, "model.layers.11.k_proj")).toEqual({ rank: 8, scale: 2 });
  expect(scaleOf(settings, "model.layers.0.xq_proj").rank).toBe(8);
  expect(scaleOf({ ...settings, rankStabilised: true }, "q_proj").scale).toBeCloseTo(16 / Math.SQRT2, 12);
});

test("every fixture has a test", () => {
  const names = readdirSync(fixtures).filter((name) => name.startsWith("adapter-"));
  expect(names.sort()).toEqual(
    ["biases", "conv1d", "embedding", "named", "plain", "rslora", "saved"].map((name) => `adapter-${name}`),
  );
});
