/** Checkpoints of any size, with sparse files: nothing here takes disk, and little of it is read. */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { makeSparse } from "../../bench/checkpoints.mjs";
import { filesAt } from "../../cli/files.ts";
import { memoryFolder } from "../../core/bytes/sink.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import { openModel } from "../../core/model/open.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { planDocument } from "../../core/prepare.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { run } from "../../core/run/run.ts";
import { METHODS } from "../../methods/index.ts";

const work = mkdtempSync(join(tmpdir(), "weightloom-size-"));
afterAll(() => rmSync(work, { recursive: true }));

const LIMITS = { memory: 350e6, maxTileBytes: 8 * 2 ** 20, lanes: 2, keeps: true, seed: 42 };
const open = async (name: string) => openModel(name, await filesAt(join(work, name)));

async function planned(text: string, names: readonly string[], shardBytes = 5e9): Promise<Plan> {
  const models = new Map(await Promise.all(names.map(async (name) => [name, await open(name)] as const)));
  const { document, diagnostics } = parseDocument(text, METHODS);
  if (document === null) throw new Error(JSON.stringify(diagnostics));
  return planDocument(document, models, { ...LIMITS, shardBytes, methods: METHODS, text, title: "x" });
}

const SOUP = (names: readonly string[], parameters = "{weight: 0.5}") =>
  `merge_method: linear\nmodels:\n${names.map((name) => `  - {model: ${name}, parameters: ${parameters}}\n`).join("")}`;

test("offsets past 2^32 are read where they are", async () => {
  // The first layer alone has more than 4 GiB; what is merged lies behind it.
  const shape = { hidden: 4096, layers: 2, inner: 4096, vocab: 64, kv: 512 };
  const names = ["far-a", "far-b"];
  const long = 2 ** 32 + 12_288;
  for (const [n, name] of names.entries()) {
    const folder = join(work, name);
    makeSparse(folder, shape);
    // Between the header and the last layer a tensor of 4 GiB is put, which no recipe asks for.
    const path = join(folder, "model.safetensors");
    const checkpoint = await openSafetensors((await filesAt(path)).get("model.safetensors")!);
    const tensors = [...checkpoint.tensors.values()].filter(({ name: own }) => own.startsWith("model.layers.1."));
    let at = long;
    const header: Record<string, unknown> = { filler: { dtype: "U8", shape: [long], data_offsets: [0, long] } };
    for (const { name: own, shape: size, range } of tensors) {
      const bytes = range.end - range.start;
      header[own.replace("layers.1.", "layers.0.")] = { dtype: "BF16", shape: size, data_offsets: [at, at + bytes] };
      at += bytes;
    }
    const text = JSON.stringify(header).padEnd(4096);
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(text.length));
    rmSync(path);
    const file = openSync(path, "w");
    writeSync(file, Buffer.concat([head, Buffer.from(text)]));
    // Ones and threes, in BF16, at the very end.
    const value = n === 0 ? 0x3f80 : 0x4040;
    const last = Buffer.from(new Uint16Array(512).fill(value).buffer);
    writeSync(file, last, 0, last.length, 8 + text.length + at - last.length);
    closeSync(file);
    writeFileSync(join(folder, "config.json"), JSON.stringify({ model_type: "llama", num_hidden_layers: 1 }));
  }
  const plan = await planned(SOUP(names), names, Number.POSITIVE_INFINITY);
  const far = plan.tensors.filter((tensor) => tensor.action === "merge").at(-1)!;
  const folder = memoryFolder();
  // All but the filler: the plan without it is a plan of a smaller file.
  const offset = far.output.range.start;
  const own = { ...far, output: { file: 0, range: { start: 8, end: 8 + far.output.range.end - offset } } };
  const small: Plan = {
    ...plan,
    tensors: [own],
    files: [{ name: "part", header: new Uint8Array(8), size: own.output.range.end }],
    extras: [],
  };
  await run(small, { engine: createPlainEngine(), folder, memory: 64e6 });
  const part = folder.files.get("part")!;
  const end = new Uint16Array(part.slice(-1024).buffer);
  expect([...new Set(end)]).toEqual([0x4000]);
  expect(far.action === "merge" && far.inputs[0]!.start).toBeGreaterThan(2 ** 32);
  expect(offset).toBeGreaterThan(2 ** 32);
});

test("100,000 tensors under a header of 60 MB open and are planned in seconds", { timeout: 120_000 }, async () => {
  const folder = join(work, "many");
  mkdirSync(folder);
  const header: Record<string, unknown> = {};
  for (let i = 0; i < 100_000; i++)
    header[`model.layers.${i % 100}.block.${"x".repeat(520)}.${Math.floor(i / 100)}.weight`] = {
      dtype: "BF16",
      shape: [4],
      data_offsets: [8 * i, 8 * i + 8],
    };
  const text = JSON.stringify(header);
  expect(text.length).toBeGreaterThan(55e6);
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(folder, "model.safetensors"), Buffer.concat([head, Buffer.from(text), Buffer.alloc(800_000)]));
  const before = process.cpuUsage();
  const plan = await planned(SOUP(["many", "many"]), ["many"]);
  expect(plan.tensors).toHaveLength(100_000);
  // Of this process, whatever else the machine does.
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(60);
});

test("200 shards are one model", { timeout: 30_000 }, async () => {
  makeSparse(join(work, "shards"), { hidden: 64, layers: 60, inner: 128, vocab: 100, kv: 32 }, 200);
  const model = await open("shards");
  expect(model.checkpoint.sources).toHaveLength(181);
  const plan = await planned(SOUP(["shards", "shards"]), ["shards"]);
  const folder = memoryFolder();
  const result = await run(plan, { engine: createPlainEngine(), folder, memory: 64e6 });
  expect(result.readBytes).toBe(plan.readBytes);
  expect(folder.files.get("model.safetensors")?.length).toBe(plan.files[0]?.size);
});

describe("of 405 billion parameters", () => {
  test("a plan is made at once, with figures that make sense", { timeout: 30_000 }, async () => {
    const bytes = makeSparse(join(work, "huge-a"), "405B", 191);
    makeSparse(join(work, "huge-b"), "405B", 191);
    const before = process.cpuUsage();
    const text = `merge_method: ties\nbase_model: huge-a\nmodels:\n  - {model: huge-b, parameters: {weight: 1, density: 0.5}}\n`;
    const plan = await planned(text, ["huge-a", "huge-b"]);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10);
    expect(plan.parameters).toBeGreaterThan(400e9);
    expect(plan.parameters).toBeLessThan(410e9);
    expect(plan.layers).toBe(126);
    // Two models, up to three times each: what does not fit is read once per sweep.
    expect(plan.readBytes).toBeGreaterThan(2 * bytes * 0.99);
    expect(plan.readBytes).toBeLessThan(6 * bytes);
    expect(plan.writeBytes).toBeGreaterThan(bytes * 0.99);
    expect(plan.peakBytes).toBeLessThanOrEqual(LIMITS.memory);
    expect(plan.files.length).toBeGreaterThan(160);
    for (const { size } of plan.files) expect(size).toBeLessThan(8e9);
    const config = plan.extras.find(({ name }) => name === "model.safetensors.index.json");
    expect(config?.content).toBeInstanceOf(Uint8Array);
  });
});
