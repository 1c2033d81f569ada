/** Tiny language models with tokenizers, made in memory: row r of model m is m * 1000 + r in its first column. */

import { decode, encode } from "../../core/bytes/convert.ts";
import type { OutputDtype } from "../../core/bytes/dtype.ts";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import type { Json, Model } from "../../core/model/model.ts";
import { openModel } from "../../core/model/open.ts";
import { buildPlan } from "../../core/plan/build.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { planTokenizer } from "../../core/tokenizer/plan.ts";
import { METHODS } from "../../methods/index.ts";

export const COLUMNS = 4;
export const EMBED = "model.embed_tokens.weight";
export const HEAD = "lm_head.weight";

export interface Added {
  readonly content: string;
  readonly special?: boolean;
  readonly lstrip?: boolean;
}

const SPECIAL = [
  { content: "<unk>", special: true },
  { content: "<s>", special: true },
  { content: "</s>", special: true },
];

/** `<unk>`, `<s>`, `</s>`, the letters, and as many `wordN` as are missing up to `count`. */
export function bpe(count: number, added: readonly Added[] = [], pairs = true, words: readonly string[] = []): Json {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  const merges = letters.flatMap((a, i) => (i < 25 && a !== "y" ? [[a, letters[i + 1] ?? ""] as const] : []));
  const plain = [...SPECIAL.map(({ content }) => content), ...letters, ...merges.map(([a, b]) => a + b), ...words];
  while (plain.length < count) plain.push(`\u0120${plain.length}`);
  const vocabulary = plain.slice(0, count);
  const kept = merges.filter(([a, b]) => vocabulary.includes(a + b));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary, [...SPECIAL, ...added]),
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges: kept.map(([a, b]) => (pairs ? [a, b] : `${a} ${b}`)),
    },
  };
}

export function unigram(pieces: readonly (readonly [string, number])[], added: readonly Added[] = []): Json {
  const all = [["<unk>", 0], ["<s>", 0], ["</s>", 0], ...pieces] as const;
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens(
      all.map(([piece]) => piece),
      [...SPECIAL, ...added],
    ),
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: { type: "Unigram", unk_id: 0, vocab: all, byte_fallback: false },
  };
}

function addedTokens(vocabulary: readonly string[], added: readonly Added[]): Json {
  let next = vocabulary.length;
  return added.map(({ content, special = false, lstrip = false }) => {
    const known = vocabulary.indexOf(content);
    return {
      id: known >= 0 ? known : next++,
      content,
      single_word: false,
      lstrip,
      rstrip: false,
      normalized: false,
      special,
    };
  });
}

export interface Making {
  readonly tokenizer?: Json;
  /** Rows of the embedding, and the config's vocab_size. */
  readonly rows: number;
  /** Times 1000 is added to every row. */
  readonly number: number;
  readonly tied?: boolean;
  readonly dtype?: OutputDtype;
  readonly config?: Readonly<Record<string, Json>>;
  readonly files?: Readonly<Record<string, Json | string>>;
}

export async function makeModel(ref: string, making: Making): Promise<Model> {
  const { tokenizer, rows, number, tied = false, dtype = "F32" } = making;
  const matrix = (shift: number) =>
    Float32Array.from({ length: rows * COLUMNS }, (_, i) =>
      i % COLUMNS === 0 ? number * 1000 + Math.floor(i / COLUMNS) : shift + Math.sin(i + number * 31),
    );
  const tensors: [string, readonly number[], Float32Array][] = [
    [EMBED, [rows, COLUMNS], matrix(0)],
    ...(tied ? [] : [[HEAD, [rows, COLUMNS], matrix(3)] as [string, readonly number[], Float32Array]]),
    ["model.layers.0.self_attn.q_proj.weight", [4, 4], Float32Array.from({ length: 16 }, (_, i) => number + i)],
    ["model.norm.weight", [COLUMNS], new Float32Array(COLUMNS).fill(1)],
  ];
  const config = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: rows,
    hidden_size: COLUMNS,
    num_hidden_layers: 1,
    bos_token_id: 1,
    eos_token_id: 2,
    tie_word_embeddings: tied,
    ...making.config,
  };
  const files: Record<string, Json | string> = { "config.json": config, ...making.files };
  if (tokenizer !== undefined) files["tokenizer.json"] = tokenizer;
  const sources = new Map<string, ByteSource>([
    ["model.safetensors", fromBytes("model.safetensors", safetensors(tensors, dtype))],
  ]);
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    sources.set(name, fromBytes(name, new TextEncoder().encode(text)));
  }
  return openModel(ref, sources);
}

function safetensors(tensors: readonly [string, readonly number[], Float32Array][], dtype: OutputDtype): Uint8Array {
  const header: Record<string, Json> = {};
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, shape, values] of tensors) {
    const bytes = encode(dtype, values);
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    parts.push(bytes);
    at += bytes.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const whole = new Uint8Array(8 + text.length + at);
  new DataView(whole.buffer).setBigUint64(0, BigInt(text.length), true);
  whole.set(text, 8);
  let to = 8 + text.length;
  for (const part of parts) {
    whole.set(part, to);
    to += part.length;
  }
  return whole;
}

export interface Merged {
  readonly plan: Plan;
  /** A tensor's rows. */
  rows(name: string): Promise<number[][]>;
  /** A small file, parsed; text where it is no JSON. */
  file(name: string): Promise<Json>;
  /** Ids by token. */
  readonly ids: ReadonlyMap<string, number>;
}

const engine = createPlainEngine();

export async function mergeOf(recipe: Recipe | readonly Recipe[], list: readonly Model[]): Promise<Merged> {
  const models = new Map(list.map((model) => [model.ref, model]));
  const tokenizer = await planTokenizer(recipe, models);
  const plan = buildPlan(recipe, models, {
    methods: METHODS,
    shardBytes: Number.POSITIVE_INFINITY,
    memory: 1e8,
    maxTileBytes: 1e7,
    lanes: 1,
    seed: 7,
    tokenizer,
  });
  const rows = async (name: string) => {
    const tensor = plan.tensors.find((one) => one.name === name);
    if (tensor === undefined) throw new Error(`no ${name}`);
    const bytes =
      tensor.action === "merge"
        ? await computeTensor(tensor, engine)
        : await tensor.from.source.read(tensor.from.range);
    const values = [...decode(tensor.dtype as OutputDtype, bytes)];
    const width = tensor.shape[1] ?? 1;
    return Array.from({ length: tensor.shape[0] ?? 0 }, (_, r) => values.slice(r * width, (r + 1) * width));
  };
  const file = async (name: string): Promise<Json> => {
    const extra = plan.extras.find((one) => one.name === name);
    if (extra === undefined) return null;
    const { content } = extra;
    const bytes = content instanceof Uint8Array ? content : await content.read({ start: 0, end: content.size });
    const text = new TextDecoder().decode(bytes);
    return name.endsWith(".json") ? (JSON.parse(text) as Json) : text;
  };
  return { plan, rows, file, ids: idsIn(await file("tokenizer.json")) };
}

export function idsIn(json: Json): Map<string, number> {
  const { model, added_tokens: added } = json as {
    model: { vocab: object };
    added_tokens: { id: number; content: string }[];
  };
  const vocabulary = Array.isArray(model.vocab)
    ? (model.vocab as [string, number][]).map(([piece], id): [string, number] => [piece, id])
    : (Object.entries(model.vocab) as [string, number][]);
  return new Map([...vocabulary, ...added.map(({ content, id }): [string, number] => [content, id])]);
}

/** The rows of a model's own tensor. */
export async function ownRows(model: Model, name: string): Promise<number[][]> {
  const info = model.checkpoint.tensors.get(name)!;
  const values = [...decode(info.dtype as OutputDtype, await info.source.read(info.range))];
  return Array.from({ length: info.shape[0] ?? 0 }, (_, r) => values.slice(r * COLUMNS, (r + 1) * COLUMNS));
}
