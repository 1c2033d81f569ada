/**
 * What a fine-tuned model changed, tensor by tensor, sorted into what an adapter can say of it: a low-rank update of a
 * matrix, a module saved whole, a bias. Decided from names and shapes; whether a tensor changed at all is found
 * by reading it.
 */
import { decode } from "../bytes/convert.ts";
import { bytesPer, isFloat } from "../bytes/dtype.ts";
import { throwIfAborted, WeightloomError } from "../errors.ts";
import { countOf, type TensorInfo } from "../formats/checkpoint.ts";
import type { Model } from "../model/model.ts";

export interface Choices {
  /** Embeddings and head as low-rank updates too; otherwise they are saved whole. */
  readonly embeddings: boolean;
  /** Modules with these names, or ending in them after a dot, are saved whole. */
  readonly saved: readonly string[];
  /** Regular expressions, looked for in module names. With none to include, all are included. */
  readonly include: readonly RegExp[];
  readonly exclude: readonly RegExp[];
}

export type Treatment = "update" | "embedding" | "whole" | "bias";

export interface Candidate {
  readonly name: string;
  readonly module: string;
  readonly treatment: Treatment;
  readonly fine: TensorInfo;
  readonly base: TensorInfo;
}

const LEAF = /^(.+)\.(weight|bias)$/;

/**
 * Every tensor both models have, with what becomes of it if it changed.
 * @throws PlanError when the two do not have the same tensors
 */
export function candidatesOf(
  fine: Model,
  base: Model,
  choices: Choices,
): { readonly candidates: readonly Candidate[]; readonly left: readonly string[] } {
  const candidates: Candidate[] = [];
  const left: string[] = [];
  const odd = [
    ...[...fine.checkpoint.tensors.keys()].filter((name) => !base.checkpoint.tensors.has(name)),
    ...[...base.checkpoint.tensors.keys()].filter((name) => !fine.checkpoint.tensors.has(name)),
  ];
  if (odd.length > 0)
    throw new WeightloomError(
      "PlanError",
      `${fine.ref} and ${base.ref} do not have the same tensors: ${odd.length} ${odd.length === 1 ? "is" : "are"} in only one of them, first "${odd[0]}". Name the base that ${fine.ref} was trained from.`,
    );
  const saved = new Set<string>();
  const matrices = new Map<string, Treatment>();
  for (const [name, info] of fine.checkpoint.tensors) {
    const [, module = name, leaf] = LEAF.exec(name) ?? [];
    const treatment = treatmentOf(fine, name, module, info, choices);
    if (leaf === "weight") matrices.set(module, treatment);
    if (leaf === "weight" && treatment === "whole") saved.add(module);
  }
  for (const [name, info] of fine.checkpoint.tensors) {
    const other = base.checkpoint.tensors.get(name)!;
    const [, module = name, leaf] = LEAF.exec(name) ?? [];
    if (!chosen(module, choices)) {
      left.push(name);
      continue;
    }
    if (other.shape.join() !== info.shape.join())
      throw new WeightloomError(
        "PlanError",
        `${name} is [${info.shape.join(", ")}] in ${fine.ref} and [${other.shape.join(", ")}] in ${base.ref}. An adapter cannot change a shape: leave it out with --exclude, or name the right base.`,
      );
    const isBias = leaf === "bias" && matrices.has(module) && !saved.has(module);
    const treatment = isBias ? "bias" : leaf === undefined ? "whole" : (matrices.get(module) ?? "whole");
    candidates.push({ name, module, treatment, fine: info, base: other });
  }
  return { candidates, left };
}

function treatmentOf(model: Model, name: string, module: string, info: TensorInfo, choices: Choices): Treatment {
  const { kind } = model.family.place(name);
  if (choices.saved.some((one) => module === one || module.endsWith(`.${one}`))) return "whole";
  if (info.shape.length < 2 || kind === "norm") return "whole";
  if (kind === "embedding") return choices.embeddings && info.shape.length === 2 ? "embedding" : "whole";
  if (kind === "head" && !choices.embeddings) return "whole";
  return "update";
}

function chosen(module: string, { include, exclude }: Choices): boolean {
  return (include.length === 0 || include.some((one) => one.test(module))) && !exclude.some((one) => one.test(module));
}

/** Bytes read of each model at once, about. */
const CHUNK = 4 * 1024 * 1024;

/**
 * What changed in one tensor, in f32, or null when nothing did. Of what is not approximated only the first difference is
 * looked for, and the array is empty.
 * @throws PlanError for a tensor that is not of floats and differs
 */
export async function differenceOf(
  { name, treatment, fine, base }: Candidate,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer> | null> {
  const count = countOf(fine.shape);
  if (!isFloat(fine.dtype) || !isFloat(base.dtype)) return refuseUnlessSame(name, fine, base, signal);
  let difference: Float32Array<ArrayBuffer> | null = null;
  for (let first = 0; first < count; first += CHUNK / 4) {
    throwIfAborted(signal);
    const some = Math.min(CHUNK / 4, count - first);
    const [a, b] = await Promise.all([valuesOf(fine, first, some, signal), valuesOf(base, first, some, signal)]);
    if (difference === null && same(a, b)) continue;
    if (treatment === "whole" || treatment === "bias") return new Float32Array(0);
    difference ??= new Float32Array(count);
    for (let i = 0; i < some; i++) difference[first + i] = a[i]! - b[i]!;
  }
  return difference;
}

function same(a: Float32Array, b: Float32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

async function valuesOf(info: TensorInfo, first: number, count: number, signal: AbortSignal | undefined) {
  if (!isFloat(info.dtype)) throw new Error(`Internal error: ${info.name} is ${info.dtype}.`);
  const width = bytesPer(info.dtype);
  const start = info.range.start + first * width;
  return decode(info.dtype, await info.source.read({ start, end: start + count * width }, signal));
}

async function refuseUnlessSame(name: string, fine: TensorInfo, base: TensorInfo, signal?: AbortSignal): Promise<null> {
  const [a, b] = await Promise.all([fine.source.read(fine.range, signal), base.source.read(base.range, signal)]);
  if (fine.dtype === base.dtype && a.length === b.length && a.every((byte, i) => byte === b[i])) return null;
  throw new WeightloomError(
    "PlanError",
    `${name} is ${fine.dtype} and differs from the base's, which is ${base.dtype}; an adapter can only change floats. Leave it out with --exclude.`,
  );
}
