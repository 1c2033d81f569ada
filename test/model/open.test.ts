/** Opening a model from files, what is refused, and the facts read from it. */
import { describe, expect, test } from "vitest";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import { modelFacts } from "../../core/model/facts.ts";
import { fingerprint } from "../../core/model/fingerprint.ts";
import { openModel } from "../../core/model/open.ts";
import { standIn } from "../../core/model/tied.ts";

type Tensors = Readonly<Record<string, { readonly dtype: "F32" | "BF16" | "I64"; readonly shape: readonly number[] }>>;
const BYTES = { F32: 4, BF16: 2, I64: 8 } as const;

/** A safetensors file of zeros. */
function weights(tensors: Tensors): Uint8Array {
  let offset = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape }]) => {
      const start = offset;
      offset += shape.reduce((a, b) => a * b, BYTES[dtype]);
      return [name, { dtype, shape, data_offsets: [start, offset] }];
    }),
  );
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + padded + offset).fill(32, 8, 8 + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(json, 8);
  return file;
}

const TINY: Tensors = {
  "model.embed_tokens.weight": { dtype: "BF16", shape: [10, 4] },
  "model.layers.0.input_layernorm.weight": { dtype: "F32", shape: [4] },
  "model.layers.0.self_attn.q_proj.weight": { dtype: "BF16", shape: [4, 4] },
  "model.layers.0.self_attn.o_proj.weight": { dtype: "BF16", shape: [4, 4] },
  "model.layers.1.self_attn.q_proj.weight": { dtype: "BF16", shape: [4, 4] },
  "model.layers.1.self_attn.o_proj.weight": { dtype: "BF16", shape: [4, 4] },
  position_ids: { dtype: "I64", shape: [1, 8] },
};

function folder(files: Readonly<Record<string, string | Uint8Array>>, tensors: Tensors = TINY) {
  const all = { "model.safetensors": weights(tensors), ...files };
  return new Map<string, ByteSource>(
    Object.entries(all).map(([path, content]) => {
      const name = path.split("/").at(-1) ?? path;
      return [path, fromBytes(name, typeof content === "string" ? new TextEncoder().encode(content) : content)];
    }),
  );
}

const CONFIG = JSON.stringify({
  model_type: "llama",
  num_hidden_layers: 2,
  hidden_size: 4,
  vocab_size: 10,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  tie_word_embeddings: true,
  rope_theta: 500000,
});

describe("a model", () => {
  test("opens with config, layers, sizes, tokenizer and licence", async () => {
    const files = folder({
      "config.json": CONFIG,
      "tokenizer.json": "{}",
      "README.md": "---\nlicense: mit\n---\n",
      "pytorch_model.bin": "old",
    });
    const model = await openModel("tiny", files);
    expect(model.family.id).toBe("llama");
    expect(model.stacks).toEqual([{ prefix: "model.layers", layers: 2 }]);
    expect(model.parameters).toBe(40 + 4 + 64 + 8);
    expect(model.bytes).toBe(files.get("model.safetensors")?.size);
    expect(model.licence).toBe("mit");
    expect([...model.extras.keys()]).toEqual(["tokenizer.json", "README.md"]);
    expect(modelFacts(model)).toEqual({
      hidden: 4,
      vocabulary: 10,
      heads: 2,
      keyValueHeads: 1,
      tied: true,
      ropeTheta: 500000,
      dtypes: ["BF16", "F32"],
      tokenizer: "08f44b07b5901a25",
    });
  });

  test("opens as bare weights, and its shapes tell what they can", async () => {
    const model = await openModel("bare", folder({}));
    expect(model.config).toBeNull();
    expect(model.family.id).toBe("llama");
    expect(model.tokenizer).toBeNull();
    expect(modelFacts(model)).toMatchObject({ hidden: 4, vocabulary: 10, heads: null, tied: null });
  });

  test("opens from inside any folder", async () => {
    const files = new Map([...folder({ "config.json": CONFIG })].map(([path, source]) => [`a/b/${path}`, source]));
    expect((await openModel("deep", files)).config).toMatchObject({ model_type: "llama" });
  });

  test("has a nested text config read for its facts", async () => {
    const config = JSON.stringify({ text_config: { hidden_size: 7, rope_parameters: { rope_theta: 1e6 } } });
    const facts = modelFacts(await openModel("nested", folder({ "config.json": config })));
    expect(facts).toMatchObject({ hidden: 7, ropeTheta: 1e6 });
  });
});

describe("refused, with a sentence", () => {
  const opening = (files: Readonly<Record<string, string>>, tensors?: Tensors) =>
    openModel("m", folder(files, tensors));
  const failure = { name: "FormatError" };

  test.each([
    ["a LoRA adapter", { "adapter_config.json": "{}" }, /m: this is a LoRA adapter .* Write "base\+adapter"/],
    [
      "GPTQ",
      { "config.json": '{"quantization_config":{"quant_method":"gptq"}}' },
      /m: its weights are quantised \(gptq\)/,
    ],
    ["bitsandbytes", { "config.json": '{"quantization_config":{"load_in_4bit":true}}' }, /bitsandbytes 4-bit/],
    ["broken JSON", { "config.json": '{"a":' }, /config\.json: it should hold JSON/],
    ["a JSON list", { "config.json": "[1]" }, /config\.json: it holds a list/],
    ["JSON null", { "config.json": "null" }, /config\.json: it holds null/],
  ])("%s", async (_, files, message) => {
    const opened = opening(files as Readonly<Record<string, string>>);
    await expect(opened).rejects.toMatchObject({ ...failure, message: expect.stringMatching(message) });
  });

  test("an empty quantization_config is no quantisation", async () => {
    await expect(opening({ "config.json": '{"quantization_config":{}}' })).resolves.toMatchObject({ ref: "m" });
  });

  test("a config beyond 10 MB, without reading it", async () => {
    const files = folder({});
    let reads = 0;
    const read = async () => {
      reads++;
      return new Uint8Array();
    };
    files.set("config.json", { name: "config.json", size: 10_000_001, read });
    await expect(openModel("m", files)).rejects.toMatchObject({ message: expect.stringContaining("10,000,001") });
    expect(reads).toBe(0);
  });

  test("adapters and quantised weights known by their names alone", async () => {
    const one = { dtype: "F32", shape: [1] } as const;
    await expect(opening({}, { "base_model.model.q_proj.lora_A.weight": one })).rejects.toThrow(/LoRA adapter.*lora_A/);
    await expect(opening({}, { "model.layers.0.q_proj.qweight": one })).rejects.toThrow(/quantised.*qweight/);
  });
});

describe("tied weights", () => {
  const checkpoint = (...names: string[]) => ({ tensors: new Map(names.map((name) => [name, {} as never])) });
  const family = { tied: [["lm_head.weight", "embed_tokens.weight"]] as const };

  test("the embedding stands in for a missing head only", () => {
    const tied = { family, checkpoint: checkpoint("model.embed_tokens.weight") };
    expect(standIn(tied, "lm_head.weight")).toBe("model.embed_tokens.weight");
    expect(standIn(tied, "model.norm.weight")).toBeNull();
    const untied = { family, checkpoint: checkpoint("model.embed_tokens.weight", "lm_head.weight") };
    expect(standIn(untied, "lm_head.weight")).toBeNull();
    expect(standIn({ family, checkpoint: checkpoint("model.norm.weight") }, "lm_head.weight")).toBeNull();
  });

  test("in wrappers, the embedding nearest by name", () => {
    const names = ["audio.embed_tokens.weight", "language_model.model.embed_tokens.weight"];
    const wrapped = { family, checkpoint: checkpoint(...names) };
    expect(standIn(wrapped, "language_model.lm_head.weight")).toBe("language_model.model.embed_tokens.weight");
  });
});

test("the fingerprint is FNV-1a 64, the same however long the file", async () => {
  const of = (text: string | Uint8Array) =>
    fingerprint(fromBytes("t", typeof text === "string" ? new TextEncoder().encode(text) : text));
  // Vectors published with the algorithm.
  expect(await of("")).toBe("cbf29ce484222325");
  expect(await of("a")).toBe("af63dc4c8601ec8c");
  expect(await of("foobar")).toBe("85944171f73967e8");
  const long = new Uint8Array(4 * 1024 * 1024 + 3).fill(7);
  const changed = long.slice();
  changed[long.length - 1] = 8;
  expect(await of(long)).not.toBe(await of(changed));
});
