/**
 * What a merge costs, in numbers that are the same on every machine: bytes read and written, sweeps, tiles, and memory
 * that is not used again. A change that makes one of them larger has to say so here.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFamily } from "../../bench/checkpoints.mjs";
import { diskFolder } from "../../cli/files.ts";
import { openModels } from "../../cli/models.ts";
import { isShared } from "../../core/bytes/shared.ts";
import type { Folder } from "../../core/bytes/sink.ts";
import type { ByteSource } from "../../core/bytes/source.ts";
import { createClock } from "../../core/clock.ts";
import { type Arena, createArena } from "../../core/engine/cpu/arena.ts";
import { createCpuEngine } from "../../core/engine/cpu/pool.ts";
import type { Engine, TileJob } from "../../core/engine/engine.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { planDocument } from "../../core/prepare.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { run } from "../../core/run/run.ts";
import { tilesOf } from "../../core/run/tiles.ts";
import { METHODS } from "../../methods/index.ts";
import { loadKernels } from "../cpu/kernels.ts";
import { bundleLanes, type Lanes } from "../support/lanes.ts";

const work = mkdtempSync(join(tmpdir(), "weightloom-counters-"));
const recipePath = join(work, "recipe.yml");
let lanes: Lanes;
let arena: Arena;
let engine: Engine;

beforeAll(async () => {
  mkdirSync(work, { recursive: true });
  makeFamily(work, "tiny", 2);
  lanes = await bundleLanes();
  arena = createArena();
  engine = await createCpuEngine({
    lanes: 2,
    module: await loadKernels("kernels.shared"),
    spawn: lanes.spawn,
    arena,
  });
}, 60_000);

afterAll(async () => {
  await engine.close();
  await lanes.remove();
  rmSync(work, { recursive: true });
});

/** Small tiles, so that the larger tensors have several. */
const LIMITS = { memory: 64e6, maxTileBytes: 2 ** 21, lanes: 2, keeps: true, shardBytes: 5e9, seed: 42 };

async function planned(text: string, limits = LIMITS): Promise<{ plan: Plan; close(): Promise<void> }> {
  const { document } = parseDocument(text, METHODS);
  const { models, close } = await openModels(["base", "a", "b"], recipePath);
  const plan = await planDocument(document!, models, { ...limits, methods: METHODS, text, title: "x" });
  return { plan, close };
}

/** A folder on disk that notes of large pieces in the engine's memory how far into a page they lie there, and how far in the file. */
function placedFolder(out: string): Folder & { readonly places: [memory: number, file: number][] } {
  const folder = diskFolder(out);
  const places: [number, number][] = [];
  const create = async (name: string) => {
    const sink = await folder.create(name);
    let at = 0;
    const write = (bytes: Uint8Array<ArrayBuffer>) => {
      if (isShared(bytes) && bytes.length >= 65536) places.push([bytes.byteOffset % 4096, at % 4096]);
      at += bytes.length;
      return sink.write(bytes);
    };
    return { ...sink, write };
  };
  return { ...folder, create, places };
}

/** Runs a plan; what the engine was given is told to `see`. */
async function merged(plan: Plan, see: (job: TileJob) => void = () => {}) {
  const clock = createClock();
  const watched: Engine = {
    ...engine,
    run: (job, signal) => {
      see(job);
      return engine.run(job, signal);
    },
  };
  const out = mkdtempSync(join(work, "out-"));
  const folder = placedFolder(out);
  const result = await run(plan, { engine: watched, folder, memory: LIMITS.memory, clock });
  rmSync(out, { recursive: true });
  return { ...result, profile: clock.report(), places: folder.places };
}

const models = (own: string, names = ["a", "b"]) =>
  `models:\n${names.map((name) => `  - {model: ${name}, parameters: {${own}}}\n`).join("")}`;
const onBase = (method: string, own: string) => `merge_method: ${method}\nbase_model: base\n${models(own)}`;

/** Recipes, the sweeps they take over a tensor, and the models they read. */
const COSTS: readonly [string, string, number, number][] = [
  ["linear", `merge_method: linear\n${models("weight: 0.5")}`, 1, 2],
  ["slerp", `merge_method: slerp\nbase_model: a\n${models("", ["b"])}parameters: {t: 0.5}\n`, 2, 2],
  ["task_arithmetic", onBase("task_arithmetic", "weight: 0.5"), 1, 3],
  ["ties", onBase("ties", "weight: 0.5, density: 0.5"), 3, 3],
  ["dare_ties", onBase("dare_ties", "weight: 0.5, density: 0.5"), 2, 3],
  ["della", onBase("della", "weight: 0.5, density: 0.5"), 2, 3],
  ["breadcrumbs", onBase("breadcrumbs", "weight: 0.5, density: 0.5"), 3, 3],
  ["model_stock", onBase("model_stock", ""), 2, 3],
  ["pcb", onBase("pcb", ""), 5, 3],
  ["passthrough", `merge_method: passthrough\n${models("", ["a"])}`, 0, 1],
];

describe.each(COSTS)("%s", (_, text, sweeps, inputs) => {
  test("reads what the plan says, each byte once; takes the sweeps it should; has all memory from the start", async () => {
    const { plan, close } = await planned(text);
    try {
      const merges = plan.tensors.filter((tensor) => tensor.action === "merge");
      expect(Math.max(0, ...merges.map(({ passes }) => passes.length))).toBe(sweeps);
      const jobs: TileJob[] = [];
      const { readBytes, profile, places } = await merged(plan, (job) => jobs.push(job));

      const weights = plan.tensors.reduce((sum, { output: { range } }) => sum + range.end - range.start, 0);
      expect(plan.readBytes).toBe(inputs * weights);
      expect(readBytes).toBe(plan.readBytes);
      const reading = profile.activities.find(({ activity }) => activity === "read");
      expect(reading?.bytes).toBe(plan.readBytes);
      const writing = profile.activities.find(({ activity }) => activity === "write");
      expect(writing?.bytes).toBe(plan.files.reduce((sum, { size }) => sum + size, 0));

      const tiles = merges.reduce((sum, tensor) => sum + tilesOf(tensor).length * tensor.passes.length, 0);
      // A second look, which places ties, is told to no clock.
      expect(jobs.filter((job) => job.clock !== undefined).length).toBe(tiles);

      // All of it lies in the engine's memory: nothing is allocated or copied for a tile.
      const loose = jobs.flatMap(({ inputs, into, bins, kept = [] }) =>
        [...inputs, ...kept, into, bins].filter((bytes) => bytes !== undefined && !isShared(bytes)),
      );
      expect(loose.length).toBe(0);
      // And where the disk can fetch it from.
      expect(places.length).toBeGreaterThan(0);
      expect(places.map(([memory]) => memory)).toEqual(places.map(([, file]) => file));
    } finally {
      await close();
    }
  });
});

test.each(["ties", "breadcrumbs", "pcb"])(
  "what does not stay in memory is sampled first, then read once for every sweep, as the plan says: %s",
  async (method) => {
    const own = method === "pcb" ? "" : "weight: 0.5, density: 0.5";
    const { plan, close } = await planned(onBase(method, own), { ...LIMITS, memory: 8e6 });
    try {
      const merges = plan.tensors.filter((tensor) => tensor.action === "merge");
      const again = merges.filter(({ resident, count, passes }) => !resident && count >= 2 ** 18 && passes.length > 1);
      expect(again.map(({ name }) => name)).toContain("model.embed_tokens.weight");
      const tiles = merges.reduce((sum, tensor) => sum + tilesOf(tensor).length * tensor.passes.length, 0);
      const jobs: TileJob[] = [];
      const { readBytes } = await merged(plan, (job) => jobs.push(job));
      expect(jobs.filter((job) => job.clock !== undefined).length).toBe(tiles);
      const weights = plan.tensors.reduce((sum, { output: { range } }) => sum + range.end - range.start, 0);
      const sweeps = again.reduce((sum, { count, passes }) => sum + (passes.length - 1) * 3 * 2 * count, 0);
      expect(plan.readBytes).toBeGreaterThan(3 * weights + sweeps);
      expect(plan.readBytes).toBeLessThan(3 * weights + 1.02 * sweeps);
      // Then only where equal ones are cut is looked for: at most a block of each model of every selection.
      const looks = again.reduce((sum, { passes }) => sum + passes.flatMap(({ cuts }) => cuts).length, 0);
      expect(readBytes - plan.readBytes).toBeGreaterThanOrEqual(0);
      expect(readBytes - plan.readBytes).toBeLessThanOrEqual(looks * 2 * 2 * 4096);
    } finally {
      await close();
    }
  },
);

test("tiles of sources that bring their own memory lie in the engine's, too, and the engine's is not used up by them", async () => {
  const { plan, close } = await planned(onBase("task_arithmetic", "weight: 0.5"));
  try {
    const aloof = (source: ByteSource): ByteSource => ({
      ...source,
      read: (range, signal) => source.read(range, signal),
    });
    const tensors = plan.tensors.map((tensor) =>
      tensor.action === "copy"
        ? { ...tensor, from: { ...tensor.from, source: aloof(tensor.from.source) } }
        : {
            ...tensor,
            inputs: tensor.inputs.map((input) => ({
              ...input,
              info: { ...input.info, source: aloof(input.info.source) },
            })),
          },
    );
    const loose: Uint8Array[] = [];
    await merged({ ...plan, tensors }, ({ inputs }) => loose.push(...inputs.filter((bytes) => !isShared(bytes))));
    expect(loose.length).toBe(0);
  } finally {
    await close();
  }
});

test("a second merge needs no more memory than the first", async () => {
  const text = onBase("ties", "weight: 0.5, density: 0.5");
  const first = await planned(text);
  await merged(first.plan);
  await first.close();
  const before = arena.memory.buffer.byteLength;
  const second = await planned(text);
  await merged(second.plan);
  await second.close();
  expect(arena.memory.buffer.byteLength).toBe(before);
});

test("the profile tells of every sweep", async () => {
  const { plan, close } = await planned(onBase("ties", "weight: 0.5, density: 0.5"));
  const { profile } = await merged(plan);
  await close();
  const merges = plan.tensors.filter((tensor) => tensor.action === "merge");
  const elements = (sweep: number) =>
    merges.reduce((sum, { count, passes }) => sum + (sweep < passes.length ? count : 0), 0);
  expect(elements(0)).toBeGreaterThan(elements(2));
  expect(profile.sweeps.map((one) => one.elements)).toEqual([elements(0), elements(1), elements(2)]);
  expect(profile.sweeps.every((one) => one.seconds > 0)).toBe(true);
  expect(profile.activities.map(({ activity }) => activity)).toEqual(["wait", "read", "compute", "settle", "write"]);
  for (const { seconds, total, alone } of profile.activities) {
    expect(seconds).toBeLessThanOrEqual(profile.seconds);
    expect(alone).toBeLessThanOrEqual(seconds + 1e-9);
    expect(total).toBeGreaterThanOrEqual(seconds - 1e-9);
  }
});
