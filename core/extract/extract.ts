/**
 * A fine-tuned model as an adapter to its base: the difference of each weight matrix approximated by one of low rank,
 * what cannot be said so (norms, biases, by default embeddings) saved whole. One matrix is in memory at a time, besides
 * the factors found so far. The result is what PEFT loads.
 */
import { encode } from "../bytes/convert.ts";
import type { Products } from "../bytes/lowrank.ts";
import { WeightloomError } from "../errors.ts";
import { countOf, type TensorInfo } from "../formats/checkpoint.ts";
import { isConv1D } from "../model/adapt.ts";
import type { Model } from "../model/model.ts";
import { tiesEmbeddings } from "../model/tied.ts";
import { type Candidate, type Choices, candidatesOf, differenceOf } from "./difference.ts";
import { type Approximation, approximate, transposed } from "./svd.ts";

export interface ExtractOptions extends Choices {
  readonly rank: number;
  /** Singular values up to this are left out; 0 keeps all up to the rank. */
  readonly threshold: number;
  readonly products: Products;
  readonly signal?: AbortSignal;
  /** Called after every tensor. */
  readonly onEvent?: (event: ExtractEvent) => void;
}

export interface ExtractEvent {
  readonly tensor: string;
  readonly done: number;
  readonly total: number;
  readonly readBytes: number;
  readonly readTotal: number;
}

/** A tensor of the adapter: bytes made here, or a range of the fine-tuned model to be copied. */
export interface AdapterTensor {
  readonly name: string;
  readonly dtype: TensorInfo["dtype"];
  readonly shape: readonly number[];
  readonly content: Uint8Array<ArrayBuffer> | Pick<TensorInfo, "source" | "range">;
}

export interface ExtractedModule {
  readonly module: string;
  readonly kind: "update" | "embedding";
  readonly rank: number;
  /** Frobenius norms: of the difference, and of what the update leaves of it. */
  readonly norm: number;
  readonly rest: number;
}

export interface Extraction {
  readonly modules: readonly ExtractedModule[];
  /** Modules saved whole. */
  readonly saved: readonly string[];
  readonly biases: number;
  readonly tensors: readonly AdapterTensor[];
  /** Changed tensors that --include and --exclude leave out are not looked at; these are their names. */
  readonly left: readonly string[];
  readonly fanInFanOut: boolean;
  /** Sentences on what the adapter cannot say. */
  readonly notes: readonly string[];
}

/**
 * @throws PlanError when the models do not fit together, differ in what no adapter can say, or do not differ
 */
export async function extractAdapter(fine: Model, base: Model, options: ExtractOptions): Promise<Extraction> {
  const { candidates, left } = candidatesOf(fine, base, options);
  const modules: ExtractedModule[] = [];
  const tensors: AdapterTensor[] = [];
  const whole = new Set<string>();
  const biases: Candidate[] = [];
  const readTotal = candidates.reduce((sum, one) => sum + bytesOf(one), 0);
  let readBytes = 0;
  for (const [index, one] of candidates.entries()) {
    const difference = await differenceOf(one, options.signal);
    if (difference !== null) {
      if (one.treatment === "whole") whole.add(wholeModule(one));
      else if (one.treatment === "bias") biases.push(one);
      else modules.push(await update(fine, one, difference, options, tensors));
    }
    readBytes += bytesOf(one);
    options.onEvent?.({ tensor: one.name, done: index + 1, total: candidates.length, readBytes, readTotal });
  }
  const updated = new Set(modules.map(({ module }) => module));
  for (const { module, name, fine: info } of biases)
    tensors.push(copied(updated.has(module) ? `${module}.base_layer.bias` : name, info));
  for (const { module, name, fine: info } of candidates) if (whole.has(module)) tensors.push(copied(name, info));
  if (tensors.length === 0)
    throw new WeightloomError(
      "PlanError",
      `${fine.ref} does not differ from ${base.ref}${left.length > 0 ? " in the modules chosen" : ""}, so there is nothing to extract.`,
    );
  return {
    modules,
    saved: [...whole],
    biases: biases.length,
    tensors,
    left,
    fanInFanOut: modules.some(({ module, kind }) => kind === "update" && isConv1D(fine, `${module}.weight`)),
    notes: notesOn(fine, candidates, whole, updated),
  };
}

const bytesOf = ({ fine, base }: Candidate) => fine.range.end - fine.range.start + (base.range.end - base.range.start);

const copied = (name: string, { dtype, shape, source, range }: TensorInfo): AdapterTensor => ({
  name: `base_model.model.${name}`,
  dtype,
  shape,
  content: { source, range },
});

/** Only modules can be saved whole, and a tensor is a module's when it is its weight or bias. */
function wholeModule({ name, module }: Candidate): string {
  if (module !== name) return module;
  throw new WeightloomError(
    "PlanError",
    `${name} differs, and it is neither the weight nor the bias of a module, which is all an adapter can hold. Leave it out with --exclude.`,
  );
}

async function update(
  fine: Model,
  { name, module, treatment, fine: info }: Candidate,
  difference: Float32Array<ArrayBuffer>,
  { rank, threshold, products, signal }: ExtractOptions,
  tensors: AdapterTensor[],
): Promise<ExtractedModule> {
  const [rows = 0, ...inner] = info.shape;
  const columns = countOf(inner);
  if (!allFinite(difference))
    throw new WeightloomError(
      "PlanError",
      `${name} differs by a NaN or an infinity, which no product of two matrices is. Leave it out with --exclude.`,
    );
  const found = await approximate(difference, rows, columns, { rank, threshold, products, signal });
  const kind = treatment === "embedding" ? "embedding" : "update";
  if (found.rank > 0)
    tensors.push(
      ...(kind === "embedding"
        ? asEmbedding(module, found, rows, columns)
        : isConv1D(fine, name)
          ? asMatrix(module, turned(found, rows, columns), columns, [rows])
          : asMatrix(module, found, rows, inner)),
    );
  return { module, kind, rank: found.rank, norm: Math.sqrt(found.total), rest: Math.sqrt(found.rest) };
}

function allFinite(values: Float32Array): boolean {
  // Zero times anything but a NaN or an infinity is zero.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * values[i]!;
  return sum === 0;
}

type Pair = Pick<Approximation, "rank" | "left" | "right">;

/** The same product the other way round. */
const turned = ({ rank, left, right }: Pair, rows: number, columns: number): Pair => ({
  rank,
  left: transposed(right, rank, columns),
  right: transposed(left, rows, rank),
});

/** A is [r, in, ...]; B is [out, r], with as many ones behind as a convolution has dimensions. */
function asMatrix(module: string, { rank, left, right }: Pair, rows: number, inner: readonly number[]) {
  const ones = inner.slice(1).map(() => 1);
  return [
    made(`${module}.lora_A.weight`, [rank, ...inner], right),
    made(`${module}.lora_B.weight`, [rows, rank, ...ones], left),
  ];
}

function asEmbedding(module: string, { rank, left, right }: Pair, rows: number, columns: number) {
  return [
    made(`${module}.lora_embedding_A`, [rank, rows], transposed(left, rows, rank)),
    made(`${module}.lora_embedding_B`, [columns, rank], transposed(right, rank, columns)),
  ];
}

const made = (name: string, shape: readonly number[], values: Float32Array): AdapterTensor => ({
  name: `base_model.model.${name}`,
  dtype: "F32",
  shape,
  content: encode("F32", values),
});

function notesOn(
  model: Model,
  candidates: readonly Candidate[],
  whole: ReadonlySet<string>,
  updated: ReadonlySet<string>,
): string[] {
  const tied = tiesEmbeddings(model.config) === true;
  const embedding = candidates.find(
    ({ name, module }) => model.family.place(name).kind === "embedding" && (whole.has(module) || updated.has(module)),
  );
  if (!tied || embedding === undefined) return [];
  return [
    `${embedding.module} changed, and this model uses it as its head too. PEFT changes both only once the adapter is merged into the base.`,
  ];
}
