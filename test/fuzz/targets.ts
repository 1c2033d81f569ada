/** What reads files that strangers made: each target takes the bytes of one file, and the rest is right. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import { openCheckpoint } from "../../core/formats/shards.ts";
import { openAdapter } from "../../core/model/adapter.ts";
import { cardFacts } from "../../core/model/licence.ts";
import { openModel } from "../../core/model/open.ts";
import { printDocument } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { readTokenizer } from "../../core/tokenizer/read.ts";
import { METHODS } from "../../methods/index.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface Target {
  readonly name: string;
  readonly seeds: readonly Bytes[];
  /** Resolves, or rejects with a sentence; anything else is a finding. */
  read(bytes: Bytes): Promise<unknown>;
}

const test = join(import.meta.dirname, "..");
const bytesAt = (path: string): Bytes => new Uint8Array(readFileSync(join(test, path)));
const text = (string: string): Bytes => new TextEncoder().encode(string);
const source = (name: string, bytes: Bytes): ByteSource => fromBytes(name, bytes);
const model = "golden/models/a-bf16/model.safetensors";
const weights = bytesAt(model);
const config = bytesAt("golden/models/a-bf16/config.json");
const lora = "golden/models/lora-plain";
const updates = bytesAt(`${lora}/adapter_model.safetensors`);
const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
const index = text(
  JSON.stringify({
    metadata: { total_size: 64 },
    weight_map: { "model.layers.0.a": shards[0], "model.layers.1.a": shards[1] },
  }),
);
const shard = (name: string): Bytes => {
  const header = JSON.stringify({ [name]: { dtype: "F32", shape: [2, 4], data_offsets: [0, 32] } }).padEnd(96);
  const out = new Uint8Array(8 + header.length + 32);
  new DataView(out.buffer).setBigUint64(0, BigInt(header.length), true);
  out.set(text(header), 8);
  return out;
};

export const TARGETS: readonly Target[] = [
  {
    name: "safetensors",
    seeds: [weights, updates, shard("a")],
    read: (bytes) => openSafetensors(source("model.safetensors", bytes)),
  },
  {
    name: "index",
    seeds: [index],
    read: (bytes) =>
      openCheckpoint(
        new Map([
          ["model.safetensors.index.json", source("model.safetensors.index.json", bytes)],
          [shards[0]!, source(shards[0]!, shard("model.layers.0.a"))],
          [shards[1]!, source(shards[1]!, shard("model.layers.1.a"))],
        ]),
      ),
  },
  {
    name: "config",
    seeds: [
      config,
      text('{"model_type":"llama","quantization_config":{"quant_method":"fp8","weight_block_size":[128,128]}}'),
    ],
    read: (bytes) =>
      openModel(
        "m",
        new Map([
          ["config.json", source("config.json", bytes)],
          ["model.safetensors", source("model.safetensors", weights)],
        ]),
      ),
  },
  {
    name: "adapter",
    seeds: [bytesAt(`${lora}/adapter_config.json`)],
    read: (bytes) =>
      openAdapter(
        "m",
        new Map([
          ["adapter_config.json", source("adapter_config.json", bytes)],
          ["adapter_model.safetensors", source("adapter_model.safetensors", updates)],
        ]),
      ),
  },
  {
    name: "tokenizer",
    seeds: [
      bytesAt("../public/samples/base/tokenizer.json"),
      text(
        '{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"added_tokens":[{"id":3,"content":"<s>"}]}',
      ),
    ],
    read: (bytes) =>
      readTokenizer({ ref: "m", extras: new Map([["tokenizer.json", source("tokenizer.json", bytes)]]) }),
  },
  {
    name: "card",
    seeds: [text("---\nlicense: mit\nbase_model:\n- org/name\ntags: [merge]\n---\n# Title\n")],
    read: (bytes) => cardFacts(source("README.md", bytes)),
  },
  {
    name: "recipe",
    seeds: readdirSync(join(test, "recipe/good"))
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => bytesAt(`recipe/good/${name}`)),
    // What is understood must be understood again when it is printed.
    read: async (bytes) => {
      const { document } = parseDocument(new TextDecoder().decode(bytes), METHODS);
      if (document === null) return;
      const again = parseDocument(printDocument(document), METHODS);
      if (!isDeepStrictEqual(again.document, document)) throw new Error("What was printed is read as something else.");
    },
  },
];
