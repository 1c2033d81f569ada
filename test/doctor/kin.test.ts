/** Do they share an ancestor? On the sample family, and on models made to be related, unrelated and equal. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { fromBytes } from "../../core/bytes/source.ts";
import { kinship } from "../../core/doctor/kin.ts";
import type { Model } from "../../core/model/model.ts";
import { openModel } from "../../core/model/open.ts";
import { modelAt } from "../support/model.ts";

/** Numbers between -1 and 1, the same for the same seed (xorshift32, Marsaglia 2003). */
function numbers(seed: number, count: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 0x80000000;
  });
}

const COUNT = 64 * 64;

async function made(ref: string, weights: Float32Array): Promise<Model> {
  const header: Record<string, object> = {};
  for (let layer = 0; layer < 4; layer++)
    header[`model.layers.${layer}.mlp.up_proj.weight`] = {
      dtype: "F32",
      shape: [64, 64],
      data_offsets: [4 * COUNT * layer, 4 * COUNT * (layer + 1)],
    };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + 4 * weights.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(new Uint8Array(weights.buffer), 8 + json.length);
  return openModel(ref, new Map([["model.safetensors", fromBytes("model.safetensors", bytes)]]));
}

const base = numbers(1, 4 * COUNT);
const plus = (noise: Float32Array, share: number) => base.map((value, i) => value + share * noise[i]!);

test("fine-tunes are related, and the numbers say how far they moved and which way", async () => {
  const one = numbers(7, 4 * COUNT);
  const models = new Map([
    ["base", await made("base", base)],
    ["x", await made("x", plus(one, 0.02))],
    ["y", await made("y", plus(numbers(9, 4 * COUNT), 0.02))],
    ["z", await made("z", plus(one, 0.04))],
  ]);
  const found = await kinship(models, "base");
  expect(found).toMatchObject({ reference: "base", tensors: 4, weights: 4 * COUNT });
  expect(found.kin.map(({ related }) => related)).toEqual(["yes", "yes", "yes"]);
  expect(found.kin[0]?.change).toBeCloseTo(0.02, 2);
  expect(found.kin[2]?.change).toBeCloseTo(0.04, 2);
  const between = (a: string, b: string) => found.likeness.find((pair) => pair.a === a && pair.b === b)?.cosine;
  expect(between("x", "y")).toBeCloseTo(0, 1);
  expect(between("x", "z")).toBeCloseTo(1, 3);
});

test("models trained apart are not; an equal one is told by a change of nothing", async () => {
  const models = new Map([
    ["x", await made("x", base)],
    ["other", await made("other", numbers(11, 4 * COUNT))],
    ["again", await made("again", base)],
    ["half", await made("half", plus(numbers(13, 4 * COUNT), 1.6))],
  ]);
  const { kin, likeness } = await kinship(models, "x");
  expect(kin.map(({ related }) => related)).toEqual(["no", "yes", "unsure"]);
  expect(kin[0]?.cosine).toBeCloseTo(0, 1);
  expect(kin[1]).toMatchObject({ change: 0, cosine: 1 });
  expect(likeness.find(({ a, b }) => a === "other" && b === "again")?.cosine).toBeNull();
});

test("models without a tensor in common tell nothing", async () => {
  const root = join(import.meta.dirname, "../../public/samples");
  const models = new Map([
    ["base", await modelAt("base", join(root, "base"))],
    ["x", await made("x", base)],
  ]);
  expect(await kinship(models, "base")).toMatchObject({ kin: [], tensors: 0 });
});

test("the sample family descends from its base", async () => {
  const root = join(import.meta.dirname, "../../public/samples");
  const names = ["base", "adder", "reverser", "sorter"];
  const models = new Map(
    await Promise.all(names.map(async (name) => [name, await modelAt(name, join(root, name))] as const)),
  );
  const { kin } = await kinship(models, "base");
  expect(kin.map(({ ref }) => ref)).toEqual(["adder", "reverser", "sorter"]);
  for (const one of kin) expect(one).toMatchObject({ related: "yes" });
});
