/**
 * How big a bite: tile sizes, what stays in memory between sweeps, and what it all adds up to.
 */
import { bytesPer } from "../bytes/dtype.ts";
import { WeightloomError } from "../errors.ts";
import { countOf } from "../formats/checkpoint.ts";
import { passesOf, planesIn, type Widest, worthSampling } from "../graph/passes.ts";
import { BLOCK, lcm, looksAtRows, planeBytes, unitOf } from "../graph/program.ts";
import type { Scalar, Tensor } from "../graph/tensor.ts";
import type { ExtraPlan, FilePlan, InputPlan, MergePlan, Plan, PlanOptions, TensorPlan } from "./plan.ts";
import { sampleRead } from "./spots.ts";

type Sized = Pick<MergePlan, "inputs" | "passes" | "count" | "dtype"> & { readonly name?: string };

/** Elements a tile has when nothing forces it to be smaller: 2 Mi, a few milliseconds of work. */
const TARGET = 2 * 1024 * 1024;

/** Inputs that at least one sweep reads; a method may leave some out. */
function used(inputs: readonly InputPlan[], passes: Sized["passes"]): InputPlan[] {
  const wanted = new Set(passes.flatMap((pass) => pass.program.inputs));
  return inputs.filter((_, index) => wanted.has(index));
}

type Drafted = Omit<Sized, "passes"> & { readonly watched: readonly { readonly value: Scalar }[] };

/**
 * The sweeps of a tensor, and how it is worked off: with as much kept between sweeps as there is room for. Throws a
 * PlanError like `tiling`.
 */
export function sweepsOf(
  draft: Drafted,
  expression: Tensor,
  options: Pick<PlanOptions, "memory" | "maxTileBytes" | "lanes" | "keeps">,
): Pick<MergePlan, "passes" | "tile" | "resident" | "planes"> {
  const watched = draft.watched.map(({ value }) => value);
  const made = (widest: Widest, windowed = false) => {
    const passes = passesOf(expression, watched, widest, windowed);
    const planes = planesIn(passes);
    return { passes, ...tiling({ ...draft, passes }, options), planes };
  };
  if (options.keeps !== true) return made(0);
  const windowed = draft.count >= SAMPLED && worthSampling(expression, watched);
  const most = made(32, windowed);
  if (most.resident || (!windowed && most.planes.length === 0)) return most;
  // Without planes of 32 bits a tensor may stay.
  const lean = made(1, windowed);
  if (lean.resident) return lean;
  // Masks are small enough to be kept where the tensor's bytes are not. It is read again for every sweep, so it is sampled, too.
  const sampled = windowed && worthReading(draft, lean.passes);
  const masks = sampled === windowed ? lean : made(1);
  return draft.count * bytesKept(masks.passes) <= options.memory * HELD ? masks : made(0, sampled);
}

/** Whether spots of a tensor that does not stay may be read by themselves, and what its windows list stays small. */
function worthReading({ inputs, count }: Drafted, passes: Sized["passes"]): boolean {
  const windows = Math.max(...passes.map((pass) => pass.windows.length));
  return count * windows <= LISTED && inputs.every(({ info }) => info.source.isFar !== true);
}

/** Elements that are counted by windows, all of a sweep together, where a list is kept of some hundredth of them. */
const LISTED = 2 ** 30;

/** Elements from which on a tensor has spots to sample. */
const SAMPLED = 2 ** 9;

/** The share of the memory that what is held between sweeps may take; the rest is for tiles on their way. */
const HELD = 0.7;

/** Of an element, in planes. */
const bytesKept = (passes: Sized["passes"]) => planesIn(passes).reduce((sum: number, bits) => sum + bits, 0) / 8;

/**
 * Tile size and residency. A sweep that ranks needs whole rows in a tile: then a tile is a multiple of a block and of a
 * row, or the whole tensor. Throws a PlanError when that is more than the engine or the memory takes.
 */
export function tiling(
  draft: Sized,
  limits: Pick<PlanOptions, "memory" | "maxTileBytes" | "lanes">,
): { tile: number; resident: boolean } {
  const inBytes = used(draft.inputs, draft.passes).reduce((sum, { dtype }) => sum + bytesPer(dtype), 0);
  const outBytes = bytesPer(draft.dtype);
  const byEngine = limits.maxTileBytes / Math.max(inBytes, outBytes);
  const byMemory = limits.memory / (2 * limits.lanes + 2) / (inBytes + outBytes + rankBytes(draft));
  const most = Math.min(TARGET, byEngine, byMemory);
  const unit = draft.passes.reduce((all, { program }) => lcm(all, unitOf(program)), BLOCK);
  const tile = Math.max(1, Math.floor(most / unit)) * unit;
  // Rows may need more than the target, but no more than there is room for.
  const least = Math.min(unit, draft.count);
  if (unit > BLOCK && least > Math.min(byEngine, byMemory)) {
    const room = Math.max(0, Math.floor(Math.min(byEngine, byMemory))).toLocaleString("en");
    throw new WeightloomError(
      "PlanError",
      `${draft.name ?? "A tensor"}: ranking its rows takes ${least.toLocaleString("en")} elements at once, but ${room} fit. Give the merge more memory, choose the other engine, or leave this tensor out.`,
    );
  }
  const resident = draft.passes.length > 1 && draft.count * (inBytes + bytesKept(draft.passes)) <= limits.memory * HELD;
  return { tile: evenly(draft.count, tile, unit), resident };
}

/** As many tiles as it takes, all as large: a small one at the end would cost the host what a large one does. */
function evenly(count: number, most: number, unit: number): number {
  if (count <= most) return Math.ceil(count / BLOCK) * BLOCK || BLOCK;
  return Math.ceil(count / Math.ceil(count / most) / unit) * unit;
}

/** Ranks are made for a whole tile before they are used: one f32 each per element. */
const rankBytes = ({ passes }: Sized) =>
  4 * Math.max(0, ...passes.map(({ program }) => program.ops.filter(looksAtRows).length));

/** Bytes read from weight files for one tensor, every sweep that cannot be skipped counted. */
function readBytesOf(tensor: TensorPlan): number {
  if (tensor.action === "copy") return tensor.from.range.end - tensor.from.range.start;
  const width = (indices: Iterable<number>) =>
    [...indices].reduce((sum, i) => sum + bytesPer(tensor.inputs[i]!.dtype), 0);
  if (tensor.resident) return tensor.count * width(new Set(tensor.passes.flatMap((pass) => pass.program.inputs)));
  const rounds = [...new Set(tensor.passes.map(({ round }) => round))];
  const sampled = rounds.flatMap((own) =>
    sampleRead(
      tensor,
      tensor.passes.filter(({ round }) => round === own),
    ),
  );
  const total = sampled.flatMap(({ ranges }) => ranges).reduce((sum, { start, end }) => sum + end - start, 0);
  return tensor.passes.reduce((sum, pass) => sum + tensor.count * width(pass.program.inputs), total);
}

/** Buffer bytes at the worst moment: the budget, or everything when that is less. */
function peakOf(tensors: readonly TensorPlan[], memory: number): number {
  let largest = 0;
  let total = 0;
  for (const tensor of tensors) {
    const out = tensor.output.range.end - tensor.output.range.start;
    const held = readBytesOf(tensor) + (tensor.action === "merge" ? out : 0);
    total += held;
    if (tensor.action === "merge") {
      for (const bits of tensor.planes) total += planeBytes(bits, tensor.count);
      const row = tensor.inputs.reduce((sum, { dtype }) => sum + bytesPer(dtype), 0) + bytesPer(tensor.dtype);
      largest = Math.max(largest, Math.min(tensor.tile, tensor.count) * row);
    }
  }
  return Math.max(largest, Math.min(memory, total));
}

/** The figures of a plan that follow from its tensors and files. */
export function figuresOf(
  tensors: readonly TensorPlan[],
  files: readonly FilePlan[],
  extras: readonly ExtraPlan[],
  memory: number,
): Pick<Plan, "readBytes" | "writeBytes" | "peakBytes" | "parameters"> {
  const total = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0);
  return {
    readBytes: total(tensors.map(readBytesOf)),
    writeBytes:
      total(files.map(({ size }) => size)) +
      total(extras.map(({ content }) => (content instanceof Uint8Array ? content.length : content.size))),
    peakBytes: peakOf(tensors, memory),
    parameters: total(tensors.map(({ shape }) => countOf(shape))),
  };
}

/** The Philox key of a tensor: FNV-1a 64 over the run's seed and the tensor's name. */
export function seedOf(seed: number, name: string): readonly [number, number] {
  // 64 bits as two halves; the prime is 2^40 + 435.
  let [low, high] = [0x84222325, 0xcbf29ce4];
  for (const byte of new TextEncoder().encode(`${seed}\u0000${name}`)) {
    low = (low ^ byte) >>> 0;
    const carried = low * 435;
    high = (high * 435 + Math.floor(carried / 2 ** 32) + ((low << 8) >>> 0)) % 2 ** 32;
    low = carried >>> 0;
  }
  return [low, high];
}
