/**
 * What the mock Hub holds: repositories with commits, and files that are on disk, in memory, or only imagined: a file of
 * 5 GB whose header is real and whose weights are made when somebody asks for them.
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/** From this size on, and always for weights, files are kept as LFS: behind a redirect to the second origin. */
const LFS = 1_000_000;

/** @typedef {{ size: number, read(start: number, end: number): Buffer, sha256: string, oid: string, lfs: boolean }} Entry */

const hash = (kind, ...parts) => {
  const sum = createHash(kind);
  for (const part of parts) sum.update(part);
  return sum.digest("hex");
};

/** @returns {Entry} */
export function memoryFile(path, content) {
  const bytes = Buffer.from(content);
  return {
    size: bytes.length,
    read: (start, end) => bytes.subarray(start, end),
    sha256: hash("sha256", bytes),
    oid: hash("sha1", `blob ${bytes.length}\0`, bytes),
    lfs: bytes.length >= LFS || /\.safetensors$/.test(path),
  };
}

/** @returns {Entry} */
export function diskFile(path) {
  const handle = openSync(path, "r");
  const { size } = fstatSync(handle);
  closeSync(handle);
  const read = (start, end) => {
    const file = openSync(path, "r");
    const bytes = Buffer.alloc(end - start);
    readSync(file, bytes, 0, bytes.length, start);
    closeSync(file);
    return bytes;
  };
  const whole = read(0, size);
  return {
    size,
    read,
    sha256: hash("sha256", whole),
    oid: hash("sha1", `blob ${size}\0`, whole),
    lfs: size >= LFS || /\.safetensors$/.test(path),
  };
}

/** All files directly in a folder. */
export function folderFiles(folder) {
  const files = new Map();
  for (const name of readdirSync(folder).sort())
    if (statSync(join(folder, name)).isFile()) files.set(name, diskFile(join(folder, name)));
  return files;
}

/** BF16 numbers between about -0.06 and 0.06 as a megabyte and a bit that repeats; no NaN, no two models alike. */
function pattern(seed) {
  const length = 1_048_583;
  const bytes = Buffer.alloc(2 * length);
  let state = Number.parseInt(hash("sha1", seed).slice(0, 8), 16) | 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Exponents 0x78 to 0x7b, any sign and mantissa.
    bytes.writeUInt16LE(((state >>> 31) << 15) | ((0x78 + ((state >>> 20) & 3)) << 7) | ((state >>> 8) & 127), 2 * i);
  }
  return bytes;
}

function fromPattern(bytes, at, length) {
  const out = Buffer.alloc(length);
  for (let filled = 0; filled < length; ) {
    const from = (at + filled) % bytes.length;
    filled += bytes.copy(out, filled, from, Math.min(bytes.length, from + length - filled));
  }
  return out;
}

/** A safetensors file of BF16 tensors. @returns {Entry} */
export function imaginedFile(seed, tensors, weights = pattern(seed)) {
  const header = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const size = 2 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: "BF16", shape, data_offsets: [offset, offset + size] };
    offset += size;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, 32)]);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(padded.length));
  const head = Buffer.concat([prefix, padded]);
  const sha256 = hash("sha256", seed, head);
  return {
    size: head.length + offset,
    read: (start, end) =>
      end <= head.length
        ? head.subarray(start, end)
        : Buffer.concat([
            head.subarray(Math.min(start, head.length)),
            fromPattern(weights, Math.max(0, start - head.length), end - Math.max(start, head.length)),
          ]),
    sha256,
    oid: sha256.slice(0, 40),
    lfs: true,
  };
}

/** The shape of a Llama of 70 B parameters in 30 shards, 141 GB; smaller with other numbers. */
export function llamaFiles(
  seed,
  { layers = 80, hidden = 8192, inner = 28_672, heads = 64, kv = 8, vocabulary = 128_256, shards = 30 } = {},
) {
  const head = hidden / heads;
  const tensors = [{ name: "model.embed_tokens.weight", shape: [vocabulary, hidden] }];
  for (let i = 0; i < layers; i++) {
    const name = (part) => `model.layers.${i}.${part}.weight`;
    tensors.push(
      { name: name("input_layernorm"), shape: [hidden] },
      { name: name("mlp.down_proj"), shape: [hidden, inner] },
      { name: name("mlp.gate_proj"), shape: [inner, hidden] },
      { name: name("mlp.up_proj"), shape: [inner, hidden] },
      { name: name("post_attention_layernorm"), shape: [hidden] },
      { name: name("self_attn.k_proj"), shape: [kv * head, hidden] },
      { name: name("self_attn.o_proj"), shape: [hidden, hidden] },
      { name: name("self_attn.q_proj"), shape: [hidden, hidden] },
      { name: name("self_attn.v_proj"), shape: [kv * head, hidden] },
    );
  }
  tensors.push({ name: "model.norm.weight", shape: [hidden] }, { name: "lm_head.weight", shape: [vocabulary, hidden] });
  const sizes = tensors.map(({ shape }) => 2 * shape.reduce((a, b) => a * b, 1));
  const total = sizes.reduce((a, b) => a + b, 0);
  const groups = Array.from({ length: shards }, () => []);
  let before = 0;
  tensors.forEach((tensor, i) => {
    groups[Math.min(shards - 1, Math.floor((before / total) * shards))].push(tensor);
    before += sizes[i];
  });
  const full = groups.filter((group) => group.length > 0);
  const nameOf = (i) =>
    full.length === 1
      ? "model.safetensors"
      : `model-${String(i + 1).padStart(5, "0")}-of-${String(full.length).padStart(5, "0")}.safetensors`;
  const weights = pattern(seed);
  const files = new Map(full.map((group, i) => [nameOf(i), imaginedFile(`${seed} ${i}`, group, weights)]));
  const map = Object.fromEntries(full.flatMap((group, i) => group.map(({ name }) => [name, nameOf(i)])));
  if (full.length > 1)
    files.set(
      "model.safetensors.index.json",
      memoryFile("", JSON.stringify({ metadata: { total_size: total }, weight_map: map }, null, 2)),
    );
  const config = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: hidden,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kv,
    vocab_size: vocabulary,
    torch_dtype: "bfloat16",
    tie_word_embeddings: false,
  };
  files.set("config.json", memoryFile("", JSON.stringify(config, null, 2)));
  files.set("README.md", memoryFile("", "---\nlicense: llama3.1\npipeline_tag: text-generation\n---\n\n# Imagined\n"));
  return files;
}

/** A repository with one commit on main. */
export function repository(files, facts = {}) {
  const repo = {
    private: false,
    gated: false,
    task: "text-generation",
    licence: "apache-2.0",
    downloads: 0,
    likes: 0,
    updated: "2026-01-15T12:00:00.000Z",
    ...facts,
    commits: new Map(),
    branches: new Map(),
  };
  commitTo(repo, "main", files);
  return repo;
}

let commits = 0;

/** Puts a commit with exactly these files on a branch. @returns its sha */
export function commitTo(repo, branch, files) {
  commits++;
  const sha = hash("sha1", `${commits} ${branch} ${[...files].map(([path, { oid }]) => path + oid).join()}`);
  repo.commits.set(sha, new Map(files));
  repo.branches.set(branch, sha);
  return sha;
}
