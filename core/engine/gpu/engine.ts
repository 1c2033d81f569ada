/**
 * The WebGPU engine: one fused kernel per program, tiles through reused staging buffers, several
 * tiles in flight so that copying, computing and reading back overlap. It needs nothing but a `GPU`
 * object, so it runs in a worker, in Node with Dawn, and on a software adapter in the tests.
 */
import { bytesPer, type FloatDtype } from "../../bytes/dtype.ts";
import { DeviceTrouble, throwIfAborted } from "../../errors.ts";
import { BLOCK, binsOf, entriesOf, looksAtRows } from "../../graph/program.ts";
import type { Engine, TileJob, TileResult } from "../engine.ts";
import type { OpenedGpu } from "../guarded.ts";
import { gather, splitOf } from "./along.ts";
import { openDevice } from "./device.ts";
import { gridOf, type Layout, layOut } from "./layout.ts";
import { createPipelines } from "./pipelines.ts";
import { createRing, type Lane, MAX_TILE_BYTES, type Role } from "./staging.ts";
import { createSteps, type Step } from "./steps.ts";

/** A software adapter computes some 0.2 GB/s: a submission of this size stays well under a second. */
const SOFTWARE_TILE_BYTES = 8 * 2 ** 20;

/** Pairs of keys a tile may compare for its ranks; more would keep the device busy for seconds. */
const MAX_PAIRS = 2 ** 37;

export interface GpuOptions {
  /** Tiles in flight. 3 by default, 2 on a software adapter. */
  readonly lanes?: 2 | 3;
  /** Upper bound for a tile's input bytes; never more than the device allows. */
  readonly maxTileBytes?: number;
  /** Workgroups per dispatch row, when fewer than WebGPU's own bound. */
  readonly groupsPerRow?: number;
  /** Sees the device once, before any work: for profiling, and for tests of its loss. */
  readonly onDevice?: (device: GPUDevice) => void;
}

/** Dawn in Node takes its driver down when the GPU object is collected, whatever devices are still at work. */
const inUse = new Set<GPU>();

/** Opens the fastest adapter. Rejects with a DeviceError when there is none. */
export async function createGpuEngine(gpu: GPU, options: GpuOptions = {}): Promise<OpenedGpu> {
  const device = await openDevice(gpu);
  inUse.add(gpu);
  options.onDevice?.(device.gpu);
  const { name, software } = device.adapter;
  const { limits } = device.gpu;
  const lanes = options.lanes ?? (software ? 2 : 3);
  const wanted = options.maxTileBytes ?? (software ? SOFTWARE_TILE_BYTES : MAX_TILE_BYTES);
  // Half the binding leaves room for padding between the inputs.
  const maxTileBytes = Math.min(wanted, MAX_TILE_BYTES, limits.maxStorageBufferBindingSize / 2);
  const perRow = Math.min(options.groupsPerRow ?? Number.POSITIVE_INFINITY, limits.maxComputeWorkgroupsPerDimension);
  const pipelines = createPipelines(device);
  const ring = createRing(device, lanes);
  const stepsOf = createSteps();

  async function run(job: TileJob, signal?: AbortSignal): Promise<TileResult> {
    throwIfAborted(signal);
    device.check();
    checkJob(job, name, maxTileBytes, limits.maxStorageBufferBindingSize);
    if (job.count === 0) return emptyResult(job);
    const layout = layOut(job, job.clock !== undefined && device.gpu.features.has("timestamp-query"));
    const { steps, params } = stepsOf(job, layout);
    const compiled = await Promise.all(steps.map(({ text }) => pipelines.get(text)));
    const lane = await device.guard(ring.take());
    try {
      throwIfAborted(signal);
      const result = await sweep(job, layout, steps, compiled, params, lane, signal);
      throwIfAborted(signal);
      return result;
    } catch (error) {
      // Some buffers may not be what they seem, and memory may be what was wanting.
      lane.clear();
      throwIfAborted(signal);
      throw await device.explain(error);
    } finally {
      ring.give(lane);
    }
  }

  async function sweep(
    job: TileJob,
    layout: Layout,
    steps: readonly Step[],
    compiled: readonly GPUComputePipeline[],
    params: Uint32Array<ArrayBuffer>,
    lane: Lane,
    signal: AbortSignal | undefined,
  ): Promise<TileResult> {
    const made = device.accepted(`A tile of ${job.count.toLocaleString("en")} elements`, () =>
      lane.prepare({ ...layout.sizes, params: params.byteLength }),
    );
    // Buffers that were there already need no answer from the device.
    if (made.value) await device.guard(made.done);
    if (layout.inputBytes > 0) {
      const upload = await device.guard(lane.mapped());
      throwIfAborted(signal);
      const uploaded = job.clock?.begin("upload", layout.inputBytes);
      const bytes = new Uint8Array(upload.getMappedRange(0, layout.inputBytes));
      job.inputs.forEach((input, i) => {
        bytes.set(input, layout.offsets[i]);
      });
      job.tables.forEach((table, t) => {
        bytes.set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), layout.tables[t]);
      });
      upload.unmap();
      uploaded?.();
    }
    const computed = job.clock?.begin("compute");
    const sent = device.accepted("A tile", () => {
      submit(layout, steps, compiled, params, lane);
      if (layout.inputBytes > 0) lane.recycle();
      return lane.buffer("readback").mapAsync(GPUMapMode.READ, 0, layout.readbackBytes);
    });
    await device.guard(Promise.all([sent.value, sent.done]));
    computed?.();
    const downloaded = job.clock?.begin("download", layout.readbackBytes);
    const readback = lane.buffer("readback");
    const mapped = readback.getMappedRange(0, layout.readbackBytes);
    const result = collect(job, layout, mapped);
    const spent = kernelTime(layout, mapped);
    readback.unmap();
    downloaded?.();
    if (spent === undefined) return result;
    const now = performance.now();
    job.clock?.add("kernel", { from: now - spent, to: now });
    return { ...result, spent };
  }

  function submit(
    layout: Layout,
    steps: readonly Step[],
    compiled: readonly GPUComputePipeline[],
    params: Uint32Array<ArrayBuffer>,
    lane: Lane,
  ): void {
    const { gpu } = device;
    gpu.queue.writeBuffer(lane.buffer("params"), 0, params);
    const commands = gpu.createCommandEncoder();
    if (layout.inputBytes > 0) {
      commands.copyBufferToBuffer(lane.buffer("upload"), 0, lane.buffer("inputs"), 0, layout.inputBytes);
    }
    for (const role of ["bins", "flaw"] as const) {
      const bytes = layout.sizes[role] ?? 0;
      if (bytes > 0) commands.clearBuffer(lane.buffer(role), 0, bytes);
    }
    const timed = layout.parts.some(({ role }) => role === "times");
    const pass = commands.beginComputePass(
      timed
        ? { timestampWrites: { querySet: lane.queries(), beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } }
        : {},
    );
    for (const [i, { groups, bounds }] of steps.entries()) {
      const pipeline = compiled[i]!;
      pass.setPipeline(pipeline);
      pass.setBindGroup(
        0,
        gpu.createBindGroup({
          layout: pipeline.getBindGroupLayout(0),
          entries: bounds.map(({ binding, role, range }) => ({
            binding,
            resource: { buffer: lane.buffer(role), ...range },
          })),
        }),
      );
      pass.dispatchWorkgroups(...gridOf(groups, perRow));
    }
    pass.end();
    if (timed) commands.resolveQuerySet(lane.queries(), 0, 2, lane.buffer("times"), 0);
    for (const { role, at, bytes } of layout.parts) {
      commands.copyBufferToBuffer(lane.buffer(role), 0, lane.buffer("readback"), at, bytes);
    }
    gpu.queue.submit([commands.finish()]);
  }

  const engine: Engine = {
    kind: "gpu",
    name,
    lanes,
    maxTileBytes,
    keeps: false,
    memory: null,
    run,
    close: async () => {
      device.fail(new DeviceTrouble("lost", `${name}: the GPU engine was closed. Open a new one to go on.`));
      ring.destroy();
      inUse.delete(gpu);
    },
  };
  return { engine, software, name };
}

/** Refuses a job whose parts do not fit together: a kernel would read past them in silence. */
function checkJob(job: TileJob, name: string, most: number, binding: number): void {
  const { program, dtypes, inputs, words, tables, first, count, encode } = job;
  const refuse = (message: string, trouble: "refused" | "memory" = "refused"): never => {
    throw new DeviceTrouble(trouble, `${name}: ${message}`);
  };
  if (inputs.length !== program.inputs.length || dtypes.length !== program.inputs.length) {
    refuse(`a program of ${program.inputs.length} inputs was given ${inputs.length}.`);
  }
  inputs.forEach((bytes, i) => {
    const expected = count * bytesPer(dtypes[i] as FloatDtype);
    if (bytes.length !== expected) refuse(`input ${i} of a tile has ${bytes.length} bytes instead of ${expected}.`);
  });
  if (words.length < program.words) refuse(`a program of ${program.words} uniforms was given ${words.length}.`);
  if (first % BLOCK !== 0) refuse(`a tile starts at element ${first}, which is no multiple of ${BLOCK}.`);
  program.tables.forEach((table, t) => {
    const [found, expected] = [tables[t]?.length ?? 0, entriesOf(table, first, count)];
    if (found !== expected) refuse(`table ${t} of a tile has ${found} entries instead of ${expected}.`);
  });
  for (const op of program.ops) {
    if (!looksAtRows(op)) continue;
    const { columns } = op;
    if (first % columns !== 0 || count % columns !== 0) refuse(`a tile has parts of rows of ${columns} to rank.`);
    if (op.op === "rank" && count * columns > MAX_PAIRS) {
      refuse(`rows of ${columns.toLocaleString("en")} elements are too long to be ranked here. Choose the CPU.`);
    }
  }
  const planes = Math.ceil(count / BLOCK) * BLOCK * 4 * program.reductions.length;
  if (planes > binding)
    refuse(`a tile of ${count} elements is too large for its reductions. Use smaller tiles.`, "memory");
  const bytes = inputs.reduce((total, input) => total + input.length, 0);
  const largest = Math.max(bytes, program.output === null ? 0 : count * bytesPer(encode));
  if (largest > most)
    refuse(`a tile of ${largest} bytes is larger than the ${most} allowed. Use smaller tiles.`, "memory");
}

function emptyResult({ program, inputs }: TileJob): TileResult {
  return {
    output: program.output === null ? null : new Uint8Array(0),
    sums: new Float64Array(0),
    histograms: program.histograms.map((histogram) => new Uint32Array(binsOf(histogram))),
    reductions: program.reductions.map(() => new Float64Array(0)),
    inputs,
    unsound: false,
  };
}

/** Milliseconds between the two timestamps, where they were asked for. */
function kernelTime({ parts }: Layout, mapped: ArrayBuffer): number | undefined {
  const at = parts.find(({ role }) => role === "times")?.at;
  if (at === undefined) return undefined;
  const [from = 0n, to = 0n] = new BigUint64Array(mapped, at, 2);
  return Math.max(0, Number(to - from) / 1e6);
}

/** Copies the results out of the mapped readback buffer. */
function collect(job: TileJob, { parts, partials }: Layout, mapped: ArrayBuffer): TileResult {
  const { program, inputs, encode, count } = job;
  const placeOf = (role: Role) => parts.find((part) => part.role === role)?.at;
  const at = (role: Role) => placeOf(role) ?? 0;
  const flaw = placeOf("flaw");
  const sumBytes = parts.find((part) => part.role === "sums")?.bytes ?? 0;
  let bin = at("bins");
  return {
    output:
      program.output === null
        ? null
        : new Uint8Array(mapped.slice(at("output"), at("output") + count * bytesPer(encode))),
    sums: Float64Array.from(new Float32Array(mapped, at("sums"), sumBytes / 4)),
    histograms: program.histograms.map((histogram) => {
      const counts = new Uint32Array(mapped.slice(bin, bin + binsOf(histogram) * 4));
      bin += binsOf(histogram) * 4;
      // The kernel leaves out the commonest bin: see tally_high in histogram.wgsl.
      if (histogram.digit === "high") counts[0] = counts.reduce((left, some) => left - some, count);
      return counts;
    }),
    reductions: program.reductions.map((reduction, r) => {
      const start = at("partials") + (partials[r] ?? 0) * 4;
      return gather(reduction, job, new Float32Array(mapped, start, splitOf(reduction, count).partials));
    }),
    inputs,
    unsound: flaw !== undefined && new Uint32Array(mapped, flaw, 1)[0] !== 0,
  };
}
