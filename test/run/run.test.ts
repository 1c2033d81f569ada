/** The loop: bytes in order, memory within its budget, and nothing left behind when it stops early. */
import { describe, expect, test } from "vitest";
import { memoryFolder } from "../../core/bytes/sink.ts";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import { WeightloomError } from "../../core/errors.ts";
import type { AnyMethod } from "../../core/method.ts";
import type { CopyPlan, MergePlan, Plan } from "../../core/plan/plan.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { run } from "../../core/run/run.ts";
import { METHODS } from "../../methods/index.ts";
import { expression, f32, planOf, UNCOUNTED } from "../support/merge.ts";

const wave = (count: number, speed: number) =>
  f32(Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * speed))));

/** A plan of two files: merged tensors with small tiles, and a copied one. */
function twoFiles(wrap: (source: ByteSource) => ByteSource = (source) => source): Plan {
  const sizes = [20_000, 5000, 12_289];
  const merged = sizes.map((count, i): MergePlan => {
    const models = [0.1, 0.2].map((speed) => ({
      tensor: wave(count, speed + i),
      params: { weight: 0.5, density: 0.4 },
    }));
    const ask = { method: "ties", base: wave(count, 0.3), models };
    const { merged, inputs } = expression(ask);
    const plan = planOf(merged, inputs, { tile: 4096, name: `t${i}` });
    return {
      ...plan,
      inputs: plan.inputs.map((input) => ({ ...input, info: { ...input.info, source: wrap(input.info.source) } })),
    };
  });
  const raw = wrap(
    fromBytes(
      "raw",
      Uint8Array.from({ length: 777 }, (_, i) => i),
    ),
  );
  const copy: Omit<CopyPlan, "output"> = {
    action: "copy",
    name: "ids",
    dtype: "U8",
    shape: [777],
    from: { source: raw, range: { start: 7, end: 707 }, ref: "raw" },
    because: "integers",
  };
  const place = (file: number, start: number, bytes: number) => ({ file, range: { start, end: start + bytes } });
  const header = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
  const [a, b, c] = merged as [MergePlan, MergePlan, MergePlan];
  const first = 8 + 4 * a.count;
  const tensors = [
    { ...a, output: place(0, 8, 4 * a.count) },
    { ...b, output: place(0, first, 4 * b.count) },
    { ...copy, output: place(1, 8, 700) },
    { ...c, output: place(1, 708, 4 * c.count) },
  ];
  const files = [
    { name: "one", header, size: first + 4 * b.count },
    { name: "two", header, size: 708 + 4 * c.count },
  ];
  return {
    recipe: { merge_method: "ties" },
    method: METHODS.get("ties") as AnyMethod,
    tensors,
    files,
    extras: [{ name: "config.json", content: new TextEncoder().encode("{}"), from: "made" }],
    ...UNCOUNTED,
  };
}

const memory = 1_000_000;

describe("run", () => {
  test("writes the planned files, whatever the budget, the same bytes", async () => {
    const plenty = memoryFolder();
    await run(twoFiles(), { engine: createPlainEngine(), folder: plenty, memory: 1e9 });
    const scarce = memoryFolder();
    const result = await run(twoFiles(), { engine: createPlainEngine(), folder: scarce, memory: 70_000 });
    expect([...plenty.files.keys()]).toEqual(["one", "two", "config.json"]);
    for (const [name, bytes] of plenty.files) expect(Buffer.compare(bytes, scarce.files.get(name)!)).toBe(0);
    expect(plenty.files.get("one")?.length).toBe(twoFiles().files[0]?.size);
    expect([...plenty.files.get("two")!.slice(8, 12)]).toEqual([7, 8, 9, 10]);
    expect(result.peakBytes).toBeLessThanOrEqual(70_000);
  });

  test("tells of every byte written", async () => {
    const events: number[] = [];
    const result = await run(twoFiles(), {
      engine: createPlainEngine(),
      folder: memoryFolder(),
      memory,
      onEvent: (event) => events.push(event.writtenBytes),
    });
    expect(events).toEqual([...events].sort((a, b) => a - b));
    const files = twoFiles().files.reduce((sum, file) => sum + file.size, 0);
    expect(result.writtenBytes).toBe(files + 2);
  });

  test.each([1, 9, 25, 60])("a read that fails at read %i leaves nothing", async (at) => {
    let reads = 0;
    const failing = (source: ByteSource): ByteSource => ({
      ...source,
      read: (range) => {
        reads++;
        return reads === at
          ? Promise.reject(new WeightloomError("FileError", "the disk went away"))
          : source.read(range);
      },
    });
    const folder = memoryFolder();
    await expect(run(twoFiles(failing), { engine: createPlainEngine(), folder, memory })).rejects.toThrow(
      "the disk went away",
    );
    expect([...folder.files.keys()]).toEqual([]);
  });

  test("a write that fails leaves nothing", async () => {
    const folder = memoryFolder();
    const { create } = folder;
    const full = {
      ...folder,
      create: async (name: string) => ({
        ...(await create(name)),
        ...(name === "two" ? { write: () => Promise.reject(new Error("disk full")) } : {}),
      }),
    };
    await expect(run(twoFiles(), { engine: createPlainEngine(), folder: full, memory })).rejects.toThrow("disk full");
    expect([...folder.files.keys()]).toEqual([]);
  });

  test("an engine that fails stops the run with its own error", async () => {
    const plain = createPlainEngine();
    let tiles = 0;
    const dying: Engine = {
      ...plain,
      run: (job) =>
        ++tiles > 12 ? Promise.reject(new WeightloomError("DeviceError", "the device was lost")) : plain.run(job),
    };
    const folder = memoryFolder();
    const failure = run(twoFiles(), { engine: dying, folder, memory });
    await expect(failure).rejects.toMatchObject({ name: "DeviceError", message: "the device was lost" });
    expect(folder.files.size).toBe(0);
  });

  test("cancelling rejects with AbortError within half a second, even while a read hangs", async () => {
    const stuck = (source: ByteSource): ByteSource => ({
      ...source,
      read: (range, signal) =>
        range.start < 30_000
          ? source.read(range)
          : new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    });
    const controller = new AbortController();
    const folder = memoryFolder();
    const running = run(twoFiles(stuck), { engine: createPlainEngine(), folder, memory, signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    const started = performance.now();
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
    expect(performance.now() - started).toBeLessThan(550);
    expect(folder.files.size).toBe(0);
  });
});

test("a tensor computed aside that is cancelled leaves no failure that nobody hears of", async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown) => unheard.push(reason);
  process.on("unhandledRejection", hear);
  try {
    const { merged, inputs } = expression({
      method: "linear",
      models: [wave(40_000, 0.1), wave(40_000, 0.2)].map((tensor) => ({ tensor, params: { weight: 0.5 } })),
    });
    const controller = new AbortController();
    const plain = createPlainEngine();
    let tiles = 0;
    const stopping: Engine = {
      ...plain,
      run: async (job, signal) => {
        if (++tiles === 2) controller.abort(new DOMException("Cancelled.", "AbortError"));
        signal?.throwIfAborted();
        return plain.run(job, signal);
      },
    };
    const computed = computeTensor(planOf(merged, inputs, { tile: 4096 }), stopping, controller.signal);
    await expect(computed).rejects.toThrow("Cancelled.");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(unheard).toEqual([]);
  } finally {
    process.off("unhandledRejection", hear);
  }
});
