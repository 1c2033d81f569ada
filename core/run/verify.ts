/**
 * Re-opens a written model as a stranger would: strict reader, index, config, a scan of every value for
 * NaN and infinity, and, where the inputs are at hand, an independent recomputation of chosen tensors
 * by the plain engine.
 */
import { decode } from "../bytes/convert.ts";
import { bytesPer, type FloatDtype, isFloat } from "../bytes/dtype.ts";
import type { ByteSource } from "../bytes/source.ts";
import type { Engine } from "../engine/engine.ts";
import { messageOf, throwIfAborted } from "../errors.ts";
import type { Checkpoint, TensorInfo } from "../formats/checkpoint.ts";
import { openModel } from "../model/open.ts";
import type { MergePlan, Plan, TensorPlan } from "../plan/plan.ts";
import { formatBytes, formatCount } from "../units.ts";
import { computeTensor } from "./compute.ts";

export interface Check {
  readonly ok: boolean;
  readonly text: string;
}

export interface Verification {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
  readonly notFinite: number;
}

export interface VerifyOptions {
  /** What should be there. Without it only the folder's own consistency is checked. */
  readonly plan?: Plan;
  /** Recomputes tensors; the plain engine, so that it shares nothing with the one that merged. */
  readonly engine?: Engine;
  readonly signal?: AbortSignal;
  onProgress?(bytes: number, total: number): void;
}

const SCAN = 16 * 1024 * 1024;
/** Elements recomputed at most, all tensors together. */
const RECOMPUTE = 3_000_000;

export async function verify(
  files: ReadonlyMap<string, ByteSource>,
  options: VerifyOptions = {},
): Promise<Verification> {
  const checks: Check[] = [];
  const say = (ok: boolean, text: string) => {
    checks.push({ ok, text });
  };
  try {
    const model = await openModel("result", files);
    const { checkpoint } = model;
    say(
      true,
      `Opens: ${checkpoint.sources.length} ${checkpoint.sources.length === 1 ? "file" : "files"}, ${formatBytes(model.bytes)}, headers and index agree.`,
    );
    for (const stack of model.stacks) {
      const key = model.family.layerKeys[stack.prefix];
      const claimed = key === undefined || model.config === null ? undefined : at(model.config, key);
      if (typeof claimed === "number") {
        say(claimed === stack.layers, `config.json says ${claimed} layers, the weights hold ${stack.layers}.`);
      }
    }
    if (options.plan !== undefined) compareWithPlan(checkpoint, options.plan, say);
    const scan = await scanValues(checkpoint, options);
    const total = formatCount(scan.values);
    say(
      scan.notFinite === 0,
      scan.notFinite === 0
        ? `All ${total} values are finite.`
        : `${scan.notFinite.toLocaleString("en")} of ${total} values are NaN or infinite, first in ${scan.where}.`,
    );
    if (options.plan !== undefined && options.engine !== undefined)
      await recompute(checkpoint, options.plan, options.engine, options, say);
    return {
      ok: checks.every((check) => check.ok),
      checks,
      tensors: checkpoint.tensors.size,
      parameters: model.parameters,
      bytes: model.bytes,
      notFinite: scan.notFinite,
    };
  } catch (error) {
    throwIfAborted(options.signal);
    say(false, messageOf(error));
    return { ok: false, checks, tensors: 0, parameters: 0, bytes: 0, notFinite: 0 };
  }
}

function compareWithPlan(checkpoint: Checkpoint, plan: Plan, say: (ok: boolean, text: string) => void): void {
  const odd = plan.tensors.filter((tensor) => {
    const found = checkpoint.tensors.get(tensor.name);
    return found === undefined || found.dtype !== tensor.dtype || found.shape.join() !== tensor.shape.join();
  });
  const extra =
    checkpoint.tensors.size - plan.tensors.length + odd.filter((t) => !checkpoint.tensors.has(t.name)).length;
  say(
    odd.length === 0 && extra === 0,
    odd.length === 0 && extra === 0
      ? `All ${plan.tensors.length} tensors are there with the planned names, types and shapes.`
      : `${odd.length} tensors differ from the plan (first ${odd[0]?.name ?? "an unplanned one"}), ${extra} were not planned.`,
  );
}

async function scanValues(checkpoint: Checkpoint, options: VerifyOptions) {
  let values = 0;
  let notFinite = 0;
  let where = "";
  let done = 0;
  const total = [...checkpoint.tensors.values()].reduce((sum, { range }) => sum + range.end - range.start, 0);
  for (const tensor of checkpoint.tensors.values()) {
    if (!isFloat(tensor.dtype)) continue;
    for (let start = tensor.range.start; start < tensor.range.end; start += SCAN) {
      const end = Math.min(start + SCAN, tensor.range.end);
      throwIfAborted(options.signal);
      const bytes = await tensor.source.read({ start, end }, options.signal);
      const found = countNotFinite(tensor.dtype, bytes);
      if (found > 0 && notFinite === 0) where = tensor.name;
      notFinite += found;
      values += (end - start) / bytesPer(tensor.dtype);
      done += end - start;
      options.onProgress?.(done, total);
    }
  }
  return { values, notFinite, where };
}

/** Exponent all ones, read off the bits. */
export function countNotFinite(dtype: FloatDtype, bytes: Uint8Array<ArrayBuffer>): number {
  let count = 0;
  if (dtype === "BF16" || dtype === "F16") {
    const mask = dtype === "BF16" ? 0x7f80 : 0x7c00;
    for (const bits of new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2))
      if ((bits & mask) === mask) count++;
  } else if (dtype === "F32") {
    for (const bits of new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4))
      if ((bits & 0x7f800000) === 0x7f800000) count++;
  } else {
    for (const value of decode(dtype, bytes)) if (!Number.isFinite(value)) count++;
  }
  return count;
}

/** Largest tensors that fit the allowance are left for last, so that every kind of small one is seen. */
async function recompute(
  checkpoint: Checkpoint,
  plan: Plan,
  engine: Engine,
  options: VerifyOptions,
  say: (ok: boolean, text: string) => void,
): Promise<void> {
  let left = RECOMPUTE;
  let elements = 0;
  let tensors = 0;
  let worst = { name: "", share: 0 };
  const merged = plan.tensors.filter((tensor): tensor is MergePlan => tensor.action === "merge");
  // Numbers of the whole model need all of its tensors: only where that is little work.
  const sweeps = (tensor: MergePlan) => tensor.count * tensor.passes.length;
  const needsAll = (tensor: MergePlan) => tensor.passes.some(({ round }) => round > 0);
  const small = merged.filter(needsAll).reduce((sum, tensor) => sum + sweeps(tensor), 0) <= RECOMPUTE / 10;
  const able = merged.filter((tensor) => small || !needsAll(tensor));
  for (const tensor of [...able].sort((a, b) => a.count * a.passes.length - b.count * b.passes.length)) {
    if (tensor.count * tensor.passes.length > left) break;
    left -= tensor.count * tensor.passes.length;
    const found = checkpoint.tensors.get(tensor.name);
    if (found === undefined) continue;
    const among = needsAll(tensor) ? plan.tensors : [tensor];
    const share = await disagreement(tensor, found, engine, among, options.signal);
    if (share > worst.share) worst = { name: tensor.name, share };
    elements += tensor.count;
    tensors++;
  }
  if (tensors === 0) return;
  const of = `${tensors} of ${merged.length} merged tensors (${formatCount(elements)} values)`;
  say(
    worst.share <= 1,
    worst.share <= 1
      ? `Recomputed ${of} independently: all agree to the last place.`
      : `Recomputed ${of} independently: ${worst.name} differs by ${worst.share.toPrecision(3)} times what rounding explains.`,
  );
}

/** Largest difference to a recomputation, in units of what rounding may explain; above 1 is wrong. */
async function disagreement(
  plan: MergePlan,
  found: TensorInfo,
  engine: Engine,
  among: readonly TensorPlan[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const bytes = await computeTensor(plan, engine, signal, among);
  const expected = decode(plan.dtype, bytes);
  const actual = decode(plan.dtype, await found.source.read(found.range, signal));
  const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const slack = 2e-6 * largest;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const e = expected[i]!;
    const a = actual[i]!;
    if (Object.is(e, a) || e === a || (Number.isNaN(e) && Number.isNaN(a))) continue;
    const unit = plan.dtype === "F32" ? 0 : Math.abs(e) * (plan.dtype === "BF16" ? 2 ** -7 : 2 ** -10);
    worst = Math.max(worst, Math.abs(e - a) / Math.max(slack + unit, Number.MIN_VALUE));
  }
  return worst;
}

function at(config: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (value, key) => (value !== null && typeof value === "object" ? Reflect.get(value, key) : undefined),
      config,
    );
}
