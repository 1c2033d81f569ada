/**
 * Makes checkpoints to measure with: the tensors of a Llama of a given size, either with realistic random
 * weights or as sparse files that take no disk (all zero but for a few tensors).
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Shapes of the sizes the bench knows. */
export const SHAPES = {
  tiny: { hidden: 256, layers: 4, inner: 688, vocab: 4096, kv: 128 },
  "0.5B": { hidden: 1024, layers: 30, inner: 4096, vocab: 32000, kv: 512 },
  "2B": { hidden: 2048, layers: 32, inner: 8192, vocab: 32000, kv: 1024 },
  "14GB": { hidden: 4096, layers: 32, inner: 14336, vocab: 32000, kv: 1024 },
  "60GB": { hidden: 8192, layers: 34, inner: 28672, vocab: 32000, kv: 1024 },
  "70B": { hidden: 8192, layers: 80, inner: 28672, vocab: 128256, kv: 1024 },
  "405B": { hidden: 16384, layers: 126, inner: 53248, vocab: 128256, kv: 1024 },
  "8GB": { hidden: 4096, layers: 21, inner: 11008, vocab: 32000, kv: 1024 },
};

/** Names, shapes and byte ranges of a Llama's tensors in file order, all BF16. */
export function tensorsOf({ hidden, layers, inner, vocab, kv }) {
  const list = [["model.embed_tokens.weight", [vocab, hidden]]];
  for (let i = 0; i < layers; i++) {
    const p = `model.layers.${i}.`;
    list.push(
      [`${p}input_layernorm.weight`, [hidden]],
      [`${p}mlp.down_proj.weight`, [hidden, inner]],
      [`${p}mlp.gate_proj.weight`, [inner, hidden]],
      [`${p}mlp.up_proj.weight`, [inner, hidden]],
      [`${p}post_attention_layernorm.weight`, [hidden]],
      [`${p}self_attn.k_proj.weight`, [kv, hidden]],
      [`${p}self_attn.o_proj.weight`, [hidden, hidden]],
      [`${p}self_attn.q_proj.weight`, [hidden, hidden]],
      [`${p}self_attn.v_proj.weight`, [kv, hidden]],
    );
  }
  list.push(["model.norm.weight", [hidden]], ["lm_head.weight", [vocab, hidden]]);
  let at = 0;
  return list.map(([name, shape]) => {
    const bytes = 2 * shape.reduce((a, b) => a * b, 1);
    at += bytes;
    return { name, shape, bytes, start: at - bytes, end: at };
  });
}

function headerOf(tensors) {
  const json = Object.fromEntries(
    tensors.map(({ name, shape, start, end }) => [name, { dtype: "BF16", shape, data_offsets: [start, end] }]),
  );
  let text = JSON.stringify({ __metadata__: { format: "pt" }, ...json });
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const header = Buffer.alloc(8 + text.length);
  header.writeBigUInt64LE(BigInt(text.length));
  header.write(text, 8);
  return header;
}

function config({ hidden, layers, inner, vocab, kv }) {
  const heads = hidden / 128 >= 1 ? Math.max(2, hidden / 128) : 2;
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: hidden,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: Math.max(1, (heads * kv) / hidden),
    vocab_size: vocab,
    tie_word_embeddings: false,
    torch_dtype: "bfloat16",
  };
}

/** xorshift128: fast, good enough for weights. */
function generator(seed) {
  let [x, y, z, w] = [seed | 1, 362436069, 521288629, 88675123];
  return () => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return w >>> 0;
  };
}

/** About normal, sigma 0.02, as BF16 bits; `delta` adds a small change to a given array. */
function randomBf16(count, next, sigma) {
  const out = new Uint16Array(count);
  const floats = new Float32Array(1);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < count; i++) {
    const a = next();
    const b = next();
    floats[0] = (((a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16)) / 65536 - 2) * sigma * 1.73;
    out[i] = (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16;
  }
  return out;
}

function shifted(base, next, sigma) {
  const out = new Uint16Array(base.length);
  const floats = new Float32Array(1);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < base.length; i++) {
    bits[0] = base[i] << 16;
    const r = next();
    floats[0] += ((r & 0xffff) / 32768 + (r >>> 16) / 32768 - 2) * sigma;
    out[i] = (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16;
  }
  return out;
}

/**
 * Writes one folder, in so many shards. All weights are zero and take no disk.
 * @param size one of SHAPES, or such a shape
 * @returns bytes of all weight files
 */
export function makeSparse(folder, size, shards = 1) {
  const shape = typeof size === "string" ? SHAPES[size] : size;
  const tensors = tensorsOf(shape);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.json"), JSON.stringify(config(shape)));
  const share = Math.ceil(tensors.length / shards);
  const map = {};
  let all = 0;
  for (let shard = 0; shard < shards; shard++) {
    const part = tensors.slice(shard * share, (shard + 1) * share);
    const from = part[0]?.start ?? 0;
    const moved = part.map((tensor) => ({ ...tensor, start: tensor.start - from, end: tensor.end - from }));
    const number = (n) => String(n).padStart(5, "0");
    const name = shards === 1 ? "model.safetensors" : `model-${number(shard + 1)}-of-${number(shards)}.safetensors`;
    const header = headerOf(moved);
    const bytes = header.length + (moved.at(-1)?.end ?? 0);
    const file = openSync(join(folder, name), "w");
    writeSync(file, header);
    ftruncateSync(file, bytes);
    closeSync(file);
    for (const tensor of part) map[tensor.name] = name;
    all += bytes;
  }
  if (shards > 1)
    writeFileSync(
      join(folder, "model.safetensors.index.json"),
      JSON.stringify({ metadata: { total_size: tensors.at(-1).end }, weight_map: map }),
    );
  return all;
}

/**
 * Writes a base and `count` fine-tunes of it with realistic values. Returns the bytes of one model.
 * @param size one of SHAPES, or such a shape
 */
export function makeFamily(folder, size, count, seed = 1) {
  const shape = typeof size === "string" ? SHAPES[size] : size;
  const tensors = tensorsOf(shape);
  const header = headerOf(tensors);
  const names = ["base", ...Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i))];
  const files = names.map((name) => {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "config.json"), JSON.stringify(config(shape)));
    const file = openSync(join(folder, name, "model.safetensors"), "w");
    writeSync(file, header);
    return file;
  });
  const next = generator(seed);
  for (const tensor of tensors) {
    const elements = tensor.bytes / 2;
    const base = randomBf16(elements, next, 0.02);
    files.forEach((file, i) => {
      const values = i === 0 ? base : shifted(base, next, 0.002);
      writeSync(file, new Uint8Array(values.buffer));
    });
  }
  for (const file of files) closeSync(file);
  return header.length + tensors.at(-1).end;
}
