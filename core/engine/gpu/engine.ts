/**
 * The WebGPU engine: one fused kernel per program, tiles through reused staging buffers, several
 * tiles in flight so that copying, computing and reading back overlap. It needs nothing but a `GPU`
 * object, so it runs in a worker, in Node with Dawn, and on a software adapter in the tests.
 */
import { bytesPer, type FloatDtype } from "../../bytes/dtype.ts";
import { throwIfAborted, WeightloomError } from "../../errors.ts";
import { BLOCK, type Program } from "../../graph/program.ts";
import type { Engine, TileJob, TileResult } from "../engine.ts";
import { assemble, BINDING, type BindingName, binsOf, type Kernel } from "./assemble.ts";
import { openDevice } from "./device.ts";
import { gridOf, type Layout, layOut, parametersOf } from "./layout.ts";
import { createPipelines } from "./pipelines.ts";
import { createRing, type Lane, MAX_TILE_BYTES, type Role } from "./staging.ts";

/** A software adapter computes some 0.2 GB/s: a submission of this size stays well under a second. */
const SOFTWARE_TILE_BYTES = 8 * 2 ** 20;

/** The buffer behind each binding: the packed inputs have three views. */
const ROLE: Readonly<Record<BindingName, Role>> = {
  params: "params",
  words1: "inputs",
  words2: "inputs",
  words4: "inputs",
  output: "output",
  sums: "sums",
  bins: "bins",
};

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

export interface OpenedGpu {
  readonly engine: Engine;
  /** The adapter computes on the CPU, pretending to be a GPU. */
  readonly software: boolean;
  /** The adapter's. */
  readonly name: string;
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
  const kernelOf = rememberKernels();

  async function run(job: TileJob, signal?: AbortSignal): Promise<TileResult> {
    throwIfAborted(signal);
    device.check();
    checkJob(job, name, maxTileBytes);
    if (job.count === 0) return emptyResult(job);
    const kernel = kernelOf(job);
    const pipeline = await pipelines.get(kernel.text);
    const lane = await device.guard(ring.take());
    try {
      throwIfAborted(signal);
      const result = await sweep(job, kernel, pipeline, lane, signal);
      throwIfAborted(signal);
      return result;
    } finally {
      ring.give(lane);
    }
  }

  async function sweep(
    job: TileJob,
    kernel: Kernel,
    pipeline: GPUComputePipeline,
    lane: Lane,
    signal: AbortSignal | undefined,
  ): Promise<TileResult> {
    const layout = layOut(job, kernel);
    const made = device.accepted(`A tile of ${job.count.toLocaleString("en")} elements`, () =>
      lane.prepare(layout.sizes),
    );
    // Buffers that were there already need no answer from the device.
    if (made.value) await device.guard(made.done);
    if (layout.inputBytes > 0) {
      const upload = await device.guard(lane.mapped());
      throwIfAborted(signal);
      const bytes = new Uint8Array(upload.getMappedRange(0, layout.inputBytes));
      job.inputs.forEach((input, i) => {
        bytes.set(input, layout.offsets[i]);
      });
      upload.unmap();
    }
    const sent = device.accepted("A tile", () => {
      submit(job, kernel, pipeline, lane, layout);
      if (layout.inputBytes > 0) lane.recycle();
      return lane.buffer("readback").mapAsync(GPUMapMode.READ, 0, layout.readbackBytes);
    });
    await device.guard(Promise.all([sent.value, sent.done]));
    const readback = lane.buffer("readback");
    const result = collect(job, layout, readback.getMappedRange(0, layout.readbackBytes));
    readback.unmap();
    return result;
  }

  function submit(job: TileJob, kernel: Kernel, pipeline: GPUComputePipeline, lane: Lane, layout: Layout): void {
    const { gpu } = device;
    gpu.queue.writeBuffer(lane.buffer("params"), 0, parametersOf(job, kernel, layout));
    const commands = gpu.createCommandEncoder();
    if (layout.inputBytes > 0) {
      commands.copyBufferToBuffer(lane.buffer("upload"), 0, lane.buffer("inputs"), 0, layout.inputBytes);
    }
    const { bins } = layout.sizes;
    if (bins !== undefined && bins > 0) commands.clearBuffer(lane.buffer("bins"), 0, bins);
    const pass = commands.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      gpu.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: kernel.bindings.map((binding) => ({
          binding: BINDING[binding],
          resource: { buffer: lane.buffer(ROLE[binding]) },
        })),
      }),
    );
    pass.dispatchWorkgroups(...gridOf(layout.blocks, perRow));
    pass.end();
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
    shared: false,
    run,
    close: async () => {
      device.fail(new WeightloomError("DeviceError", `${name}: the GPU engine was closed. Open a new one to go on.`));
      ring.destroy();
      inUse.delete(gpu);
    },
  };
  return { engine, software, name };
}

/** Assembled once per program and choice of types; programs are few and long-lived. */
function rememberKernels(): (job: TileJob) => Kernel {
  const known = new WeakMap<Program, Map<string, Kernel>>();
  return ({ program, dtypes, encode }) => {
    let kernels = known.get(program);
    if (kernels === undefined) {
      kernels = new Map();
      known.set(program, kernels);
    }
    const types = [...dtypes, encode].join();
    let kernel = kernels.get(types);
    if (kernel === undefined) {
      kernel = assemble(program, dtypes, encode);
      kernels.set(types, kernel);
    }
    return kernel;
  };
}

/** Refuses a job whose parts do not fit together: a kernel would read past them in silence. */
function checkJob({ program, dtypes, inputs, words, first, count, encode }: TileJob, name: string, most: number): void {
  const refuse = (message: string): never => {
    throw new WeightloomError("DeviceError", `${name}: ${message}`);
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
  const bytes = inputs.reduce((total, input) => total + input.length, 0);
  const largest = Math.max(bytes, program.output === null ? 0 : count * bytesPer(encode));
  if (largest > most) refuse(`a tile of ${largest} bytes is larger than the ${most} allowed. Use smaller tiles.`);
}

function emptyResult({ program, inputs }: TileJob): TileResult {
  return {
    output: program.output === null ? null : new Uint8Array(0),
    sums: new Float64Array(0),
    histograms: program.histograms.map((histogram) => new Uint32Array(binsOf(histogram))),
    inputs,
  };
}

/** Copies the results out of the mapped readback buffer. */
function collect({ program, inputs, encode, count }: TileJob, { parts }: Layout, mapped: ArrayBuffer): TileResult {
  const at = (role: "output" | "sums" | "bins") => parts.find((part) => part.role === role)?.at ?? 0;
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
    inputs,
  };
}
