import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createArena } from "../../core/engine/cpu/arena.ts";
import { createCpuEngine, createLocalEngine } from "../../core/engine/cpu/pool.ts";
import { type LanePort, nodeLane, type Request } from "../../core/engine/cpu/ports.ts";
import type { Engine, TileJob } from "../../core/engine/engine.ts";
import { runPlain } from "../../core/engine/plain/plain.ts";
import { abs, add, along, columnSums, input, mapVector, mul, rank, rowSums } from "../../core/graph/tensor.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { bundleLanes, type Lanes } from "../support/lanes.ts";
import { planOf } from "../support/merge.ts";
import { awkwardFloats, bytesOf, loadKernels, makeJob, sameArrays, sameBytes } from "./kernels.ts";

let module: WebAssembly.Module;
let lanesCode: Lanes;
const engines: Engine[] = [];

beforeAll(async () => {
  module = await loadKernels();
  lanesCode = await bundleLanes();
}, 30_000);

afterAll(async () => {
  for (const engine of engines) await engine.close();
  await lanesCode.remove();
});

async function start(lanes: number): Promise<Engine> {
  lanesCode.workers.length = 0;
  const engine = await createCpuEngine({ lanes, module, spawn: lanesCode.spawn });
  engines.push(engine);
  return engine;
}

async function startSharing(lanes: number): Promise<Engine> {
  const engine = await createCpuEngine({
    lanes,
    module: await loadKernels("kernels.shared"),
    spawn: lanesCode.spawn,
    arena: createArena(),
  });
  engines.push(engine);
  return engine;
}

/** The same bytes in the engine's memory. */
function inside(engine: Engine, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const region = engine.memory!.take(bytes.length)!;
  region.set(bytes);
  return region.subarray(0, bytes.length);
}

const job = (seed: number, count = 10_000): TileJob =>
  makeJob({
    ops: [
      { op: "input", slot: 0 },
      { op: "input", slot: 1 },
      { op: "max", a: 0, b: 1 },
    ],
    inputs: [seed, seed + 1].map((n) => ({
      dtype: "F32",
      bytes: bytesOf(awkwardFloats(count, n).map((value) => (Number.isNaN(value) ? 1 : value))),
    })),
    sums: [2],
    histograms: [{ value: 2, digit: "high", word: null }],
  });

test("an eased engine gives tiles to all lanes but one, and to all again afterwards", async () => {
  const given: number[] = [];
  const ports: LanePort[] = [];
  const engine = await createCpuEngine({
    lanes: 3,
    module,
    spawn: () => {
      const number = ports.length;
      const port = lanesCode.spawn();
      ports.push(port);
      return {
        ...port,
        postMessage: (message, transfer) => {
          if ((message as Request).type === "run") given.push(number);
          port.postMessage(message, transfer);
        },
      };
    },
  });
  engines.push(engine);
  const lanesOf = async () => {
    given.length = 0;
    await Promise.all(Array.from({ length: 12 }, (_, i) => engine.run(job(i + 1, 500))));
    return [...new Set(given)].sort();
  };
  expect(await lanesOf()).toEqual([0, 1, 2]);
  engine.ease?.(true);
  expect(await lanesOf()).toEqual([0, 1]);
  engine.ease?.(false);
  expect(await lanesOf()).toEqual([0, 1, 2]);
  // Of one lane nothing can be left.
  const single = await start(1);
  single.ease?.(true);
  await expect(single.run(job(1))).resolves.toBeDefined();
});

test("tiles over two threads come back right, each with its input bytes", async () => {
  const engine = await start(2);
  expect(engine.name).toBe("CPU, 2 lanes");
  const jobs = Array.from({ length: 20 }, (_, i) => job(i + 1, 1000 + 997 * i));
  const expected = jobs.map(runPlain);
  const bytes = jobs.map(({ inputs }) => inputs.map((input) => input.slice()));
  const results = await Promise.all(jobs.map((each) => engine.run(each)));
  results.forEach((result, i) => {
    expect(sameBytes(result.output, expected[i]?.output)).toBe(true);
    expect(sameArrays(result.histograms, expected[i]!.histograms)).toBe(true);
    expect(sameArrays(result.inputs, bytes[i]!)).toBe(true);
    // Transferred, not copied: what was handed over is gone from this side.
    expect(jobs[i]?.inputs[0]?.byteLength).toBe(0);
  });
});

test("tiles in memory that lanes share are worked on where they lie, beside tiles that are handed over", async () => {
  const engine = await startSharing(2);
  const jobs = Array.from({ length: 20 }, (_, i) => job(i + 1, 1000 + 29_997 * i));
  const expected = jobs.map(runPlain);
  const before = jobs.map(({ inputs }) => inputs.map((input) => input.slice()));
  const results = await Promise.all(
    jobs.map((each, i) => {
      const inputs = each.inputs.map((bytes, slot) => (slot < i % 3 ? inside(engine, bytes) : bytes));
      const into = i % 4 === 3 ? undefined : engine.memory!.take(4 * each.count)!;
      const bins = i % 5 === 4 ? undefined : engine.memory!.take(4 * 65536)!.fill(7);
      return engine.run({ ...each, inputs, into, bins });
    }),
  );
  for (const [i, result] of results.entries()) {
    expect(sameBytes(result.output, expected[i]?.output)).toBe(true);
    expect(sameArrays(result.histograms, expected[i]!.histograms)).toBe(true);
    expect(sameArrays(result.inputs, before[i]!)).toBe(true);
    expect(result.output?.buffer instanceof SharedArrayBuffer).toBe(i % 4 !== 3);
  }
});

test("a lane's own space grows with what its programs need, and what is given back is used again", async () => {
  const engine = await startSharing(1);
  const columns = 700_000;
  const tile = makeJob({
    ops: [{ op: "input", slot: 0 }],
    inputs: [
      { dtype: "F32", bytes: bytesOf(awkwardFloats(columns, 3).map((x) => (Math.abs(x) < 10 && x !== 0 ? x : 1))) },
    ],
    reductions: [{ value: 0, how: "sum", axis: "columns", columns }],
    output: null,
  });
  const expected = runPlain(tile);
  expect(sameArrays((await engine.run(tile)).reductions, expected.reductions)).toBe(true);
  const region = engine.memory!.take(3_000_000)!;
  engine.memory!.give(region);
  expect(engine.memory!.take(2_500_000)?.byteOffset).toBe(region.byteOffset);
});

test("the engine in this thread gives the same", async () => {
  const engine = await createLocalEngine(module);
  const tile = job(5);
  expect(sameBytes((await engine.run(tile)).output, runPlain(tile).output)).toBe(true);
  await expect(engine.run(tile, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
});

test("cancelling rejects with AbortError and leaves the engine usable", async () => {
  const engine = await start(1);
  const controller = new AbortController();
  const queued = Array.from({ length: 6 }, (_, i) => job(i + 1));
  const runs = queued.map((each) => engine.run(each, controller.signal));
  controller.abort();
  for (const run of await Promise.allSettled(runs)) {
    expect(run.status === "rejected" && run.reason.name).toBe("AbortError");
  }
  // What had not been posted was never given away.
  expect(queued.at(-1)?.inputs[0]?.byteLength).toBe(40_000);
  await expect(engine.run(job(1), controller.signal)).rejects.toMatchObject({ name: "AbortError" });
  expect(sameBytes((await engine.run(job(3))).output, runPlain(job(3)).output)).toBe(true);
});

test("a tile that cannot run fails alone", async () => {
  const engine = await start(1);
  const bad = { ...job(1), first: 1 };
  const [failed, fine] = await Promise.allSettled([engine.run(bad), engine.run(job(2))]);
  expect(failed?.status === "rejected" && failed.reason).toMatchObject({ name: "DeviceError" });
  expect(fine?.status).toBe("fulfilled");
});

test("a lane that dies fails everything with one DeviceError", async () => {
  const engine = await start(2);
  const runs = Array.from({ length: 8 }, (_, i) => engine.run(job(i + 1, 200_000)));
  void lanesCode.workers[0]?.terminate();
  const results = await Promise.allSettled(runs);
  const reasons = new Set(results.flatMap((result) => (result.status === "rejected" ? [result.reason] : [])));
  expect([...reasons]).toEqual([expect.objectContaining({ name: "DeviceError" })]);
  await expect(engine.run(job(1))).rejects.toBe([...reasons][0]);
});

test("bytes that were handed over before end in a DeviceError, not in waiting for ever", async () => {
  const engine = await start(1);
  const tile = job(1);
  await engine.run(tile);
  await expect(engine.run(tile)).rejects.toMatchObject({ name: "DeviceError" });
});

test("an engine whose worker cannot start is refused", async () => {
  const broken = () => nodeLane(new Worker("throw new Error('no kernels here')", { eval: true }));
  await expect(createCpuEngine({ lanes: 2, module, spawn: broken })).rejects.toThrow(/no kernels here/);
});

test("closing ends the threads and what was under way", async () => {
  const engine = await start(2);
  const exits = lanesCode.workers.map((worker) => new Promise((resolve) => worker.on("exit", resolve)));
  const run = engine.run(job(1, 500_000));
  const rejected = expect(run).rejects.toMatchObject({ name: "AbortError" });
  await engine.close();
  await rejected;
  expect(await Promise.all(exits)).toHaveLength(2);
});

test("vectors and ranks are the same bytes on any number of lanes, for any tiles", async () => {
  const [a, b] = [1, 2].map((seed) => ({
    dtype: "F32" as const,
    bytes: bytesOf(awkwardFloats(60 * 1024, seed).map((x) => (Math.abs(x) < 10 ? x : 0.25))),
  }));
  const columns = 1024;
  const scaled = mul(input(0), along(mapVector((s, t) => s / (1 + t), rowSums(abs(input(1)), columns), 3)));
  const merged = add(mul(rank(scaled, columns), input(1)), along(columnSums(scaled, columns)));
  const on = async (engine: Engine, tile?: number) =>
    computeTensor(planOf(merged, [a!, b!], tile === undefined ? {} : { tile }), engine);
  const expected = await on(await createLocalEngine(module));
  const engine = await start(3);
  for (const tile of [4096, 3 * 4096, undefined]) expect(sameBytes(await on(engine, tile), expected)).toBe(true);
}, 30_000);
