/** Which files of a folder are the model, and shards joined into one checkpoint. Refusals are in files/bad. */
import { describe, expect, test } from "vitest";
import { join } from "../../core/bytes/sink.ts";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import { pickWeights } from "../../core/formats/folder.ts";
import { openCheckpoint, openShards } from "../../core/formats/shards.ts";
import { headerOf } from "../../core/formats/write.ts";

function shard(path: string, tensors: readonly string[], metadata: Record<string, string> = {}): [string, ByteSource] {
  const header = headerOf(
    tensors.map((name) => ({ name, dtype: "F32", shape: [1], bytes: 4 })),
    metadata,
  );
  const name = path.slice(path.lastIndexOf("/") + 1);
  return [path, fromBytes(name, join([header, new Uint8Array(4 * tensors.length)]))];
}

function text(path: string, content: unknown): [string, ByteSource] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return [path, fromBytes(name, new TextEncoder().encode(JSON.stringify(content)))];
}

const X = "model-00001-of-00002.safetensors";
const Y = "model-00002-of-00002.safetensors";

describe("shards by an index", () => {
  const index = {
    metadata: { total_size: 1.5e3, total_parameters: -1, mixed: [true, false, null, "x", { deep: [[]] }] },
    weight_map: { d: Y, a: X, c: Y, b: X, __proto___: X },
  };
  const files = new Map([
    shard(Y, ["c", "d"], { format: "np", only: "second" }),
    shard(X, ["b", "a", "__proto___"], { format: "pt" }),
    text("model.safetensors.index.json", index),
    shard("consolidated.safetensors", ["everything"]),
    text("config.json", {}),
  ]);

  test("file order, then offset order; a wrong total_size and unknown fields do not matter", async () => {
    const checkpoint = await openCheckpoint(files);
    expect(checkpoint.sources.map(({ name }) => name)).toEqual([X, Y]);
    expect([...checkpoint.tensors.keys()]).toEqual(["b", "a", "__proto___", "c", "d"]);
    expect(checkpoint.tensors.get("d")?.source.name).toBe(Y);
  });

  test("metadata of all shards, the first one's where they disagree", async () => {
    const { metadata } = await openCheckpoint(files);
    expect([...metadata].sort()).toEqual([
      ["format", "pt"],
      ["only", "second"],
    ]);
  });

  test("in a subfolder, shards are looked for beside the index", async () => {
    const inside = new Map([...files].map(([path, source]) => [`my model/unet/${path}`, source]));
    expect((await openCheckpoint(inside)).tensors.size).toBe(5);
  });

  test("a reading error is passed on as it is", async () => {
    const gone: ByteSource = { name: X, size: 100, read: () => Promise.reject(new Error("gone")) };
    const source = files.get("model.safetensors.index.json");
    if (source === undefined) throw new Error("the index is missing");
    await expect(openShards(source, () => gone)).rejects.toThrow("gone");
  });
});

describe("a single file and numbered shards", () => {
  test("shards without an index", async () => {
    const checkpoint = await openCheckpoint(new Map([shard(Y, ["b"]), shard(X, ["a"])]));
    expect([...checkpoint.tensors.keys()]).toEqual(["a", "b"]);
  });

  test("one file of any name", async () => {
    expect([...(await openCheckpoint(new Map([shard("anything.safetensors", ["a"])]))).tensors.keys()]).toEqual(["a"]);
  });
});

describe("pickWeights", () => {
  const D = "diffusion_pytorch_model";
  test.each<[string, string[], ReturnType<typeof pickWeights>]>([
    [
      "the model's own index before another one",
      ["b.safetensors.index.json", "model.safetensors.index.json", X],
      { folder: "", index: "model.safetensors.index.json", files: [] },
    ],
    [
      "diffusers' index",
      [`${D}.safetensors.index.json`, `${D}-00001-of-00002.safetensors`],
      { folder: "", index: `${D}.safetensors.index.json`, files: [] },
    ],
    [
      "a variant's index when it is alone",
      [`${D}.safetensors.index.fp16.json`],
      { folder: "", index: `${D}.safetensors.index.fp16.json`, files: [] },
    ],
    [
      "the plain file before a variant's index",
      [`${D}.safetensors.index.fp16.json`, `${D}.safetensors`],
      { folder: "", index: null, files: [`${D}.safetensors`] },
    ],
    [
      "model.safetensors before variants and pickles",
      ["model.fp16.safetensors", "model.safetensors", "pytorch_model.bin"],
      { folder: "", index: null, files: ["model.safetensors"] },
    ],
    [
      "the shallowest folder",
      ["m/original/consolidated.safetensors", "m/weights.safetensors", "m/config.json"],
      { folder: "m/", index: null, files: ["weights.safetensors"] },
    ],
    [
      "numbers as numbers",
      Array.from({ length: 11 }, (_, i) => `w_${i + 1}-of-11.safetensors`),
      { folder: "", index: null, files: Array.from({ length: 11 }, (_, i) => `w_${i + 1}-of-11.safetensors`) },
    ],
    [
      "not what other systems leave behind",
      ["._model.safetensors", "a.safetensors", ".cache/b.safetensors"],
      { folder: "", index: null, files: ["a.safetensors"] },
    ],
  ])("%s", (_, paths, picked) => {
    expect(pickWeights(paths)).toEqual(picked);
    expect(pickWeights(paths.toReversed())).toEqual(picked);
  });

  test("an empty folder", () => {
    expect(() => pickWeights([])).toThrow(
      "The folder is empty. A model needs at least one .safetensors file: add it too.",
    );
  });
});
