/**
 * Turns a mixture's document, opened models and router rows into the plan a run obeys: attention, norms, embeddings and
 * head from the base; a feed-forward block of each model as an expert; routers from memory. Pure.
 */
import { encode } from "../bytes/convert.ts";
import { bytesPer, isFloat, isOutput, type OutputDtype, TORCH_NAMES } from "../bytes/dtype.ts";
import { fromBytes } from "../bytes/source.ts";
import { countOf, type TensorInfo } from "../formats/checkpoint.ts";
import { layoutShards } from "../formats/write.ts";
import { add, input, mul, type Tensor } from "../graph/tensor.ts";
import { stringAt } from "../model/config.ts";
import { modelFacts } from "../model/facts.ts";
import type { Model } from "../model/model.ts";
import { figuresOf, seedOf, sweepsOf } from "../plan/memory.ts";
import { asStored, type Draft } from "../plan/merge.ts";
import type { InputPlan, Note, Plan, PlanOptions, TensorPlan } from "../plan/plan.ts";
import type { MoeRecipe } from "../recipe/moe.ts";
import { conditionNumber } from "./condition.ts";
import { extrasOf, METHOD } from "./extras.ts";
import { type Fit, fitMoe, isMatrix, isRecomputed, type Member } from "./fit.ts";
import type { Gates } from "./gates.ts";
import { normalSource } from "./noise.ts";
import { MATRICES, type Matrix } from "./target.ts";

export interface MoePlanOptions extends Omit<PlanOptions, "methods" | "text"> {
  /** The document as written, saved beside the weights. */
  readonly text: string;
}

/** Rows this alike leave an expert without anything of its own: mergekit's threshold. */
const ALIKE = 5;

/**
 * @param gates of `prepareGates` for the same document and models
 * @throws PlanError or RecipeError when document and models do not fit together
 */
export function buildMoePlan(
  moe: MoeRecipe,
  models: ReadonlyMap<string, Model>,
  gates: Gates,
  options: MoePlanOptions,
): Plan {
  const fit = fitMoe(moe, models);
  const dtype = outputDtype(moe, fit.base);
  const drafts = draftsOf(fit, gates, { dtype, seed: options.seed });
  const layout = layoutShards(
    drafts.map((one) => ({ name: one.name, dtype: one.dtype, shape: one.shape, bytes: bytesOf(one) })),
    options.shardBytes,
    { format: "pt", "weightloom.recipe": options.text },
  );
  const tensors = drafts.map((one, i): TensorPlan => {
    const output = layout.placements[i]!;
    if (one.action === "copy") return { ...one, output };
    const { expression, ...rest } = one;
    return { ...rest, output, ...sweepsOf(rest, expression, options) };
  });
  const parameters = tensors.reduce((sum, { shape }) => sum + countOf(shape), 0);
  const used = new Map([fit.base, ...members(fit).map(({ model }) => model)].map((model) => [model.ref, model]));
  const extras = extrasOf({ fit, dtype, layout, parameters, models: [...used.values()], options });
  return {
    recipe: moe,
    method: METHOD,
    tensors,
    files: layout.files,
    extras,
    ...figuresOf(tensors, layout.files, extras, options.memory),
    layers: fit.layers,
    notes: [...fit.notes, ...alikeNotes(fit, gates)],
  };
}

const members = ({ experts, shared }: Fit): readonly Member[] => (shared === null ? experts : [...experts, shared]);

const bytesOf = (one: Draft) =>
  one.action === "copy" ? one.from.range.end - one.from.range.start : one.count * bytesPer(one.dtype);

/** What the document says, else what the base's config says, else the base's commonest type. */
function outputDtype(moe: MoeRecipe, base: Model): OutputDtype {
  const said = moe.dtype ?? stringAt(base.config, "dtype") ?? stringAt(base.config, "torch_dtype");
  const found = (Object.keys(TORCH_NAMES) as OutputDtype[]).find((dtype) => TORCH_NAMES[dtype] === said);
  const [commonest] = modelFacts(base).dtypes;
  return found ?? (commonest !== undefined && isOutput(commonest) ? commonest : "F32");
}

interface Making {
  readonly dtype: OutputDtype;
  readonly seed: number;
}

/** In the order data flows: embedding, layers, norm, head. */
function draftsOf(fit: Fit, gates: Gates, making: Making): Draft[] {
  const { base } = fit;
  const placed = [...base.checkpoint.tensors.values()].map((info) => ({ info, place: base.family.place(info.name) }));
  const outside = (end: "before" | "after") =>
    placed.filter(({ place }) => place.end === end).map(({ info }) => carry(info.name, info, base, making));
  const layers = Array.from({ length: fit.layers }, (_, layer) => {
    const own = placed.filter(
      ({ place: { layer: at, part } }) => at === layer && !isMatrix(part) && !isRecomputed(part),
    );
    return [
      ...own.map(({ info }) => carry(info.name, info, base, making)),
      ...zeroBiases(fit, layer, making),
      ...routers(fit, gates, layer, making),
      ...fit.experts.flatMap((member, e) =>
        MATRICES.map((matrix) => matrixOf(member, layer, matrix, fit.target.expert(e, matrix), making)),
      ),
      ...sharedExpert(fit, layer, making),
    ];
  });
  return [...outside("before"), ...layers.flat(), ...outside("after")];
}

function sharedExpert({ target, shared }: Fit, layer: number, making: Making): Draft[] {
  const names = target.shared;
  if (names === null || shared === null) return [];
  return MATRICES.map((matrix) => matrixOf(shared, layer, matrix, names.expert(matrix), making));
}

const inLayer = (layer: number, part: string) => `model.layers.${layer}.${part}`;

function zeroBiases({ base, target }: Fit, layer: number, { dtype }: Making): Draft[] {
  const { tensors } = base.checkpoint;
  return target.zeros
    .map((part) => inLayer(layer, part))
    .filter((name) => !tensors.has(name))
    .map((name) => {
      const rows = tensors.get(name.replace(/bias$/, "weight"))?.shape[0] ?? 0;
      return inMemory(name, dtype, [rows], new Float32Array(rows), "zeros: the base has no bias");
    });
}

function routers({ target, hidden, experts }: Fit, gates: Gates, layer: number, { dtype }: Making): Draft[] {
  const rows = gates[layer]!;
  const because = "router made from the document";
  const router = inMemory(inLayer(layer, target.router), dtype, [experts.length, hidden], rows.experts, because);
  if (target.shared === null || rows.shared === null) return [router];
  return [router, inMemory(inLayer(layer, target.shared.router), dtype, [1, hidden], rows.shared, because)];
}

function inMemory(
  name: string,
  dtype: OutputDtype,
  shape: readonly number[],
  values: Float32Array,
  because: string,
): Draft {
  const bytes = encode(dtype, values as Float32Array<ArrayBuffer>);
  const from = { source: fromBytes(name, bytes), range: { start: 0, end: bytes.length }, ref: null };
  return { action: "copy", name, dtype, shape, from, because };
}

function matrixOf(member: Member, layer: number, matrix: Matrix, part: string, making: Making): Draft {
  const { entry, model } = member;
  const info = member.layers[layer]![matrix];
  const name = inLayer(layer, part);
  const noise = entry.noise_scale ?? 0;
  const scale = matrix === "down_proj" ? (entry.residual_scale ?? 1) : 1;
  if ((noise === 0 && scale === 1) || !isFloat(info.dtype)) return carry(name, info, model, making);

  const count = countOf(info.shape);
  const inputs: InputPlan[] = [{ ref: model.ref, info, dtype: info.dtype, start: info.range.start }];
  let result: Tensor = input(0);
  if (noise !== 0) {
    const source = normalSource(`noise for ${name}`, count, seedOf(making.seed, `noise ${name}`));
    const drawn = { name: source.name, dtype: "F32", shape: info.shape, source, range: { start: 0, end: source.size } };
    inputs.push({ ref: "noise", info: drawn as TensorInfo, dtype: "F32", start: 0 });
    result = add(result, mul(input(1), noise));
  }
  if (scale !== 1) result = mul(result, scale);
  return {
    action: "merge",
    name,
    dtype: making.dtype,
    shape: info.shape,
    count,
    inputs,
    params: { merge: {}, models: { [model.ref]: { noise_scale: noise, residual_scale: scale } } },
    expression: result,
    watched: [],
    seed: seedOf(making.seed, name),
  };
}

const carry = (name: string, info: TensorInfo, { ref }: Model, { dtype, seed }: Making): Draft =>
  asStored({ name, ref, info, dtype, seed, because: `taken from ${ref}` });

/** Routers whose rows are so alike that some expert is hardly chosen. */
function alikeNotes({ experts, hidden }: Fit, gates: Gates): Note[] {
  const known = new Map<Float32Array, number>();
  const conditions = gates.map(({ experts: rows }) => {
    const found = known.get(rows) ?? conditionNumber(rows, experts.length, hidden);
    known.set(rows, found);
    return found;
  });
  const alike = conditions.flatMap((condition, layer) => (condition > ALIKE ? [layer] : []));
  if (alike.length === 0) return [];
  const worst = Math.max(...conditions);
  const where =
    alike.length === gates.length ? "all layers" : `layer${alike.length === 1 ? "" : "s"} ${alike.join(", ")}`;
  const said = Number.isFinite(worst) ? worst.toPrecision(3) : "infinite";
  return [
    {
      severity: "warning",
      text: `The rows of the router are much alike in ${where} (condition number up to ${said}; ${ALIKE} is tolerable), so some experts will hardly be chosen. Make the prompts of the experts more different.`,
    },
  ];
}
