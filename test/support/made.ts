/** Models made in memory: every tensor is filled with one value, so that what became of it can be read off. */
import { decode } from "../../core/bytes/convert.ts";
import type { FloatDtype } from "../../core/bytes/dtype.ts";
import { memoryFolder } from "../../core/bytes/sink.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import type { JsonObject, Model } from "../../core/model/model.ts";
import { openModel } from "../../core/model/open.ts";
import { buildPlan } from "../../core/plan/build.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { run } from "../../core/run/run.ts";
import { METHODS } from "../../methods/index.ts";

export interface Made {
  readonly shape?: readonly number[];
  readonly value: number;
  readonly dtype?: "F32" | "I64";
}

/** `{0..3}` in a name stands for the numbers from 0 to 3. */
export async function madeModel(
  ref: string,
  tensors: Readonly<Record<string, number | Made>>,
  config: JsonObject | null = null,
): Promise<Model> {
  const header: Record<string, unknown> = {};
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const [pattern, given] of Object.entries(tensors)) {
    const { shape = [2, 2], value, dtype = "F32" }: Made = typeof given === "number" ? { value: given } : given;
    for (const name of numbered(pattern)) {
      const count = shape.reduce((a, b) => a * b, 1);
      const data = dtype === "F32" ? new Float32Array(count).fill(value) : new BigInt64Array(count).fill(BigInt(value));
      chunks.push(new Uint8Array(data.buffer));
      header[name] = { dtype, shape, data_offsets: [at, at + data.byteLength] };
      at += data.byteLength;
    }
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(new BigUint64Array([BigInt(json.length)]).buffer);
  const bytes = Uint8Array.from([length, json, ...chunks].flatMap((chunk) => [...chunk]));
  const files = new Map([["model.safetensors", fromBytes("model.safetensors", bytes)]]);
  if (config !== null) {
    files.set("config.json", fromBytes("config.json", new TextEncoder().encode(JSON.stringify(config))));
  }
  return openModel(ref, files);
}

function numbered(pattern: string): string[] {
  const range = /\{(\d+)\.\.(\d+)\}/.exec(pattern);
  if (range === null) return [pattern];
  const [whole, from, to] = range;
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) =>
    pattern.replace(whole, String(Number(from) + i)),
  ).flatMap(numbered);
}

export const planOf = (recipe: Recipe, models: readonly Model[]): Plan =>
  buildPlan(recipe, new Map(models.map((model) => [model.ref, model])), {
    methods: METHODS,
    shardBytes: Number.POSITIVE_INFINITY,
    memory: 1e8,
    maxTileBytes: 1e7,
    lanes: 1,
    seed: 1,
  });

/** The first value of every tensor of the result, and its config. */
export async function resultOf(
  recipe: Recipe,
  models: readonly Model[],
): Promise<{ values: Record<string, number>; config: JsonObject | null; notes: readonly string[] }> {
  const plan = planOf(recipe, models);
  const folder = memoryFolder();
  await run(plan, { engine: createPlainEngine(), folder, memory: 1e8 });
  const made = await openModel(
    "result",
    new Map([...folder.files].map(([name, bytes]) => [name, fromBytes(name, bytes)])),
  );
  const values: Record<string, number> = {};
  for (const [name, { dtype, source, range }] of made.checkpoint.tensors) {
    const bytes = await source.read(range);
    values[name] =
      dtype === "I64"
        ? Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true))
        : decode(dtype as FloatDtype, bytes)[0]!;
  }
  return { values, config: made.config, notes: plan.notes.map(({ text }) => text) };
}
