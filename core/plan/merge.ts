/**
 * One output tensor: what its method makes of it, as passes over chosen inputs, or a plain copy.
 */
import { bytesPer, type Dtype, isFloat, isOutput, type OutputDtype } from "../bytes/dtype.ts";
import { WeightloomError } from "../errors.ts";
import { countOf, type TensorInfo } from "../formats/checkpoint.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import type { AnyMethod, MergeInput } from "../method.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { seedOf } from "./memory.ts";
import type { OutputTensor, Source } from "./outputs.ts";
import { hasParams, mergeParams, modelParams } from "./params.ts";
import type { CopyPlan, MergePlan, Note, ParamValues } from "./plan.ts";
import { scoreHeads } from "./scores.ts";
import { createSlots, refuseCutting } from "./slots.ts";

/** A tensor plan that has no place in a file, no sweeps and no tile size yet. */
export type MergeDraft = Omit<MergePlan, "output" | "passes" | "tile" | "resident" | "planes"> & {
  /** Over `inputs`. */
  readonly expression: Tensor;
};
export type Draft = Omit<CopyPlan, "output"> | MergeDraft;

export interface Drafting {
  readonly recipe: Recipe;
  readonly method: AnyMethod;
  readonly seed: number;
  /** Output type the recipe asks for, or null to keep the stored one. */
  readonly dtype: OutputDtype | null;
  /** What earlier recipes make of the tensors that stand for their results. */
  readonly made: ReadonlyMap<TensorInfo, MergeDraft>;
  note(note: Note): void;
}

export type Present = Source & { readonly info: TensorInfo };
/** The type a tensor is written as unless the recipe asks for another. */
const typeOf = (info: TensorInfo): Dtype => info.nominal ?? info.dtype;
const isPresent = (source: Source | null): source is Present => source !== null && source.info !== null;

export function draft(tensor: OutputTensor, context: Drafting): Draft {
  const { recipe, method, note } = context;
  const { base } = tensor;
  const participants = partakers(tensor, context);
  const present = participants.filter(isPresent);
  const lead = isPresent(base) ? base : present[0];
  if (lead === undefined) throw new WeightloomError("PlanError", `${tensor.name}: none of the models has it.`);

  if (tensor.carried !== undefined) return carry(tensor, lead, context, tensor.carried);
  if (!isFloat(lead.info.dtype)) return carry(tensor, lead, context, `${lead.info.dtype} is copied, not blended`);
  const missing = participants.find((source) => source.info === null);
  if (missing !== undefined || (method.base === "required" && base?.info == null)) {
    const absent = missing ?? base;
    note({ severity: "warning", text: `Not in every model: copied from the first that has it.`, tensor: tensor.name });
    return carry(tensor, lead, context, `not in ${absent?.label ?? "the base"}`);
  }
  const { taking, shape } = align(tensor, lead, isPresent(base) ? base : null, present, context);
  const refused = taking.find((source) => !isFloat(source.info.dtype));
  if (refused !== undefined) {
    return carry(tensor, lead, context, `${refused.label} stores it as ${refused.info.dtype}`);
  }
  if (method.base === "required" && taking.length === 0) return carry(tensor, lead, context, `only in ${lead.label}`);

  const { inputs, watched, slot } = createSlots(context);
  const uncut = taking.every(({ info }) => countOf(info.shape) === countOf(shape));
  if (!uncut) for (const source of taking) refuseCutting(source, tensor.name, context);
  const merge = mergeParams(method, tensor, recipe.parameters);
  const own: Record<string, ParamValues> = {};
  const baseTensor = method.base !== "none" && isPresent(base) ? slot(base) : null;
  const models = taking.map((source): MergeInput => {
    const params = modelParams(method, tensor, source, recipe.parameters);
    own[source.label] = params;
    return { tensor: slot(source), index: participants.indexOf(source), params };
  });
  const count = countOf(shape);
  const merged = method.merge({
    base: baseTensor,
    models,
    params: merge,
    count,
    columns: shape.length > 1 ? (shape.at(-1) ?? count) : count,
    shape,
    depth: tensor.depth,
    name: tensor.name,
    compat: recipe.compat === "mergekit",
    watch: (id, value) => watched.push({ id, value }),
  });
  const dtype = context.dtype ?? storedType(baseTensor === null ? taking : [lead], note);

  if (merged.op === "input" && inputs[merged.index]?.dtype === dtype) {
    const from = inputs[merged.index]!;
    const range = { start: from.start, end: from.start + count * bytesPer(dtype) };
    return {
      action: "copy",
      name: tensor.name,
      dtype,
      shape,
      from: { source: from.info.source, range, ref: from.ref },
      because: `taken from ${from.ref} as it is`,
    };
  }
  return {
    action: "merge",
    name: tensor.name,
    dtype,
    shape,
    count,
    inputs,
    params: { merge, models: own },
    expression: merged,
    watched,
    seed: seedOf(context.seed, tensor.name),
  };
}

/** Everyone who takes part besides the base: its own entry too, where a method has no base. */
function partakers(tensor: OutputTensor, { method, recipe, note }: Drafting): readonly Source[] {
  const { base, sources } = tensor;
  if (method.base !== "none") return base === null ? sources : sources.filter((source) => source.model !== base.model);
  if (base === null || sources.some((source) => source.model === base.model)) return sources;
  if (!hasParams(method, tensor, base, recipe.parameters)) return sources;
  if (method.models.max !== undefined && sources.length >= method.models.max) return sources;
  note({
    severity: "warning",
    text: `${base.label} is the base model and not listed; it takes part with the parameters given for all models. List it under models to choose its own.`,
  });
  return [...sources, base];
}

/** Shapes must agree; embeddings may be cropped to fewer rows, as the method says. */
function align(
  tensor: OutputTensor,
  lead: Present,
  base: Present | null,
  present: readonly Present[],
  { method, note }: Drafting,
) {
  const same = (source: Present) =>
    source.info.shape.length === lead.info.shape.length && source.info.shape.every((n, i) => n === lead.info.shape[i]);
  const odd = present.filter((source) => !same(source));
  if (odd.length === 0) return { taking: present, shape: lead.info.shape };
  const heads = scoreHeads(tensor.name, lead, odd);
  if (heads !== null) throw new WeightloomError("PlanError", heads);
  const vocabulary = tensor.place.kind === "embedding" || tensor.place.kind === "head";
  const rowsOnly = odd.every(
    (source) =>
      source.info.shape.length === 2 && lead.info.shape.length === 2 && source.info.shape[1] === lead.info.shape[1],
  );
  const all = base === null ? present : [base, ...present];
  const rows = Math.min(...all.map((source) => source.info.shape[0] ?? 0));
  if (vocabulary && rowsOnly && method.rows === "common") {
    note({
      severity: "warning",
      text: `The models have different vocabularies; embeddings are cut to the first ${rows.toLocaleString("en")} rows, which all have.`,
    });
    return { taking: present, shape: [rows, ...lead.info.shape.slice(1)] };
  }
  if (vocabulary && rowsOnly && method.rows === "base" && rows === lead.info.shape[0]) {
    note({
      severity: "warning",
      text: `Embeddings are cut to the base's ${rows.toLocaleString("en")} rows; rows other models add are left out.`,
    });
    return { taking: present, shape: lead.info.shape };
  }
  if (!vocabulary && method.rows === "base") {
    const names = odd.map((source) => source.label).join(", ");
    note({
      severity: "warning",
      text: `Another shape in ${names} than in the base: left out there.`,
      tensor: tensor.name,
    });
    return { taking: present.filter(same), shape: lead.info.shape };
  }
  const said = all.map((source) => `${source.label} has [${source.info.shape.join(", ")}]`).join(", ");
  throw new WeightloomError(
    "PlanError",
    `${tensor.name}: ${said}. ${method.title} needs equal shapes${vocabulary ? " or a base with the fewest rows" : ""}. Leave out the model that differs, or use models with one vocabulary and one size.`,
  );
}

/** Copied as stored, or re-encoded when the recipe asks for another float type. */
function carry(tensor: OutputTensor, lead: Present, context: Drafting, because: string): Draft {
  const { info } = lead;
  const wanted = context.dtype ?? (info.nominal === undefined ? null : storedType([lead], context.note));
  const made = context.made.get(info);
  if (made !== undefined) return { ...made, name: tensor.name, dtype: wanted ?? made.dtype, watched: [] };
  return asStored({ name: tensor.name, ref: lead.label, info, dtype: wanted, seed: context.seed, because });
}

export interface Storing {
  readonly name: string;
  /** What the recipe calls the model it is taken from. */
  readonly ref: string;
  readonly info: TensorInfo;
  /** Float type of the result, or null to keep the stored one. */
  readonly dtype: OutputDtype | null;
  readonly seed: number;
  readonly because: string;
}

/** One model's tensor: its bytes as they lie, or re-encoded where the result has another float type. */
export function asStored({ name, ref, info, dtype, seed, because }: Storing): Draft {
  if (!isFloat(info.dtype) || dtype === null || dtype === info.dtype) {
    const from = { source: info.source, range: info.range, ref };
    return { action: "copy", name, dtype: info.dtype, shape: info.shape, from, because };
  }
  return {
    action: "merge",
    name,
    dtype,
    shape: info.shape,
    count: countOf(info.shape),
    inputs: [{ ref, info, dtype: info.dtype, start: info.range.start }],
    params: { merge: {}, models: {} },
    expression: input(0),
    watched: [],
    seed: seedOf(seed, name),
  };
}

/** The widest of the stored types; what cannot be written becomes the nearest that can. */
function storedType(sources: readonly Present[], note: (note: Note) => void): OutputDtype {
  const rank: readonly Dtype[] = ["F8_E5M2", "F8_E4M3", "F16", "BF16", "F32", "F64"];
  const kinds = new Set(sources.map((source) => typeOf(source.info)));
  if (kinds.has("F16") && kinds.has("BF16")) return "F32";
  const widest = [...kinds].sort((a, b) => rank.indexOf(b) - rank.indexOf(a))[0] ?? "F32";
  if (isOutput(widest)) return widest;
  const instead = widest === "F64" ? "F32" : "BF16";
  note({ severity: "info", text: `${widest} tensors are computed in F32 and written as ${instead}.` });
  return instead;
}
