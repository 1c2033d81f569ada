/**
 * Do these models share an ancestor? A look at a few tensors, some thousand weights from the middle of each. Weights of
 * models trained apart are at right angles (cosine near 0), whatever their architecture shares; fine-tunes hardly
 * leave their base (cosine above 0.99, change of 0.1 to 3 %).
 */
import { decode } from "../bytes/convert.ts";
import { bytesPer, type FloatDtype, isFloat } from "../bytes/dtype.ts";
import { throwIfAborted } from "../errors.ts";
import { countOf, type TensorInfo } from "../formats/checkpoint.ts";
import type { Model } from "../model/model.ts";

export interface Kin {
  readonly ref: string;
  /** cos(model, reference) over all sampled weights. */
  readonly cosine: number;
  /** ‖model - reference‖ / ‖reference‖. */
  readonly change: number;
  readonly related: "yes" | "no" | "unsure";
}

/** Cosine of two models' changes from the reference; null when one has none. */
export interface Likeness {
  readonly a: string;
  readonly b: string;
  readonly cosine: number | null;
}

export interface Kinship {
  readonly reference: string;
  readonly kin: readonly Kin[];
  readonly likeness: readonly Likeness[];
  /** How much was looked at. */
  readonly tensors: number;
  readonly weights: number;
}

const TENSORS = 8;
const WEIGHTS = 32_768;
/** Between the two nobody can say: long further training, or layers in another order. */
const RELATED = 0.8;
const UNRELATED = 0.3;

/** @param reference the base, or the first model where there is none */
export async function kinship(
  models: ReadonlyMap<string, Model>,
  reference: string,
  signal?: AbortSignal,
): Promise<Kinship> {
  const refs = [reference, ...[...models.keys()].filter((ref) => ref !== reference)];
  const all = refs.flatMap((ref) => models.get(ref) ?? []);
  const names = sampled(all);
  const size = refs.length;
  // Inner products of the changes from the reference, with the reference itself in row and column 0.
  const products = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  let weights = 0;
  for (const name of names) {
    throwIfAborted(signal);
    const values = await Promise.all(all.map((model) => middle(model.checkpoint.tensors.get(name)!, signal)));
    const [base] = values;
    if (base === undefined) continue;
    weights += base.length;
    const vectors = values.map((one, i) => (i === 0 ? base : one.map((value, at) => value - base[at]!)));
    for (let a = 0; a < size; a++) for (let b = a; b < size; b++) products[a]![b]! += dot(vectors[a]!, vectors[b]!);
  }
  const at = (a: number, b: number) => products[Math.min(a, b)]![Math.max(a, b)]!;
  const kin = refs.slice(1).map((ref, k): Kin => related(ref, at(0, 0), at(0, k + 1), at(k + 1, k + 1)));
  const likeness = refs.slice(1).flatMap((a, i) =>
    refs.slice(i + 2).map((b, j): Likeness => {
      const [one, other] = [i + 1, i + 2 + j];
      const norm = Math.sqrt(at(one, one) * at(other, other));
      return { a, b, cosine: norm === 0 ? null : at(one, other) / norm };
    }),
  );
  return {
    reference,
    kin: names.length === 0 ? [] : kin,
    likeness: names.length === 0 ? [] : likeness,
    tensors: names.length,
    weights,
  };
}

/** From ⟨r, r⟩, ⟨r, d⟩ and ⟨d, d⟩ of the reference r and a model's change d. */
function related(ref: string, rr: number, rd: number, dd: number): Kin {
  const norm = Math.sqrt(rr * (rr + 2 * rd + dd));
  const cosine = norm > 0 ? (rr + rd) / norm : 0;
  const change = rr > 0 ? Math.sqrt(dd / rr) : 0;
  return { ref, cosine, change, related: cosine >= RELATED ? "yes" : cosine <= UNRELATED ? "no" : "unsure" };
}

/** Matrices that all have in one shape, evenly spread; norms are left out, as they are near 1 in every model. */
function sampled(models: readonly Model[]): string[] {
  const [first, ...others] = models;
  if (first === undefined) return [];
  const shared = [...first.checkpoint.tensors.values()].filter(
    (tensor) =>
      tensor.shape.length > 1 &&
      isFloat(tensor.dtype) &&
      first.family.place(tensor.name).layer !== null &&
      others.every(({ checkpoint }) => sameShape(tensor, checkpoint.tensors.get(tensor.name))),
  );
  const step = Math.max(1, shared.length / TENSORS);
  const picked = Array.from({ length: Math.min(TENSORS, shared.length) }, (_, i) => Math.floor((i + 0.5) * step));
  return picked.flatMap((i) => shared[i]?.name ?? []);
}

const sameShape = (a: TensorInfo, b: TensorInfo | undefined) =>
  b !== undefined && isFloat(b.dtype) && a.shape.length === b.shape.length && a.shape.every((n, i) => n === b.shape[i]);

async function middle(tensor: TensorInfo, signal: AbortSignal | undefined): Promise<Float32Array> {
  const dtype = tensor.dtype as FloatDtype;
  const width = bytesPer(dtype);
  const count = countOf(tensor.shape);
  const length = Math.min(count, WEIGHTS);
  const start = tensor.range.start + Math.floor((count - length) / 2) * width;
  return decode(dtype, await tensor.source.read({ start, end: start + length * width }, signal));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
