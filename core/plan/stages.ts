/**
 * Recipes that use each other's results, planned as one. The result of an earlier recipe is a model like any other,
 * but its merged tensors are stored nowhere: where one is used, its expression is (`slots.ts`). Nothing is written in
 * between, and nothing is rounded in between.
 */
import { type OutputDtype, TORCH_NAMES } from "../bytes/dtype.ts";
import type { ByteSource } from "../bytes/source.ts";
import { WeightloomError } from "../errors.ts";
import { countOf, type TensorInfo } from "../formats/checkpoint.ts";
import { collect } from "../graph/demand.ts";
import type { AnyMethod } from "../method.ts";
import { joinLicences } from "../model/card.ts";
import { recognise } from "../model/families.ts";
import type { JsonObject, Model } from "../model/model.ts";
import { modelsOf, type Recipe, type RecipeDtype } from "../recipe/recipe.ts";
import type { TokensPlan } from "../tokenizer/plan.ts";
import { configOf } from "./extras.ts";
import { type Draft, draft, type MergeDraft } from "./merge.ts";
import { type Outline, type OutputTensor, outline, type Source } from "./outputs.ts";
import type { Note, PlanOptions } from "./plan.ts";
import { refuseUnsound } from "./sound.ts";

type Options = PlanOptions & { note(note: Note): void };

/** What can be named: opened models and the results of earlier recipes. */
export interface Earlier {
  readonly models: ReadonlyMap<string, Model>;
  readonly made: ReadonlyMap<TensorInfo, MergeDraft>;
  readonly drafted: readonly Drafted[];
}

export interface Drafted {
  readonly recipe: Recipe;
  readonly method: AnyMethod;
  readonly outline: Outline;
  /** The type the recipe asks for, or null. */
  readonly dtype: OutputDtype | null;
  readonly drafts: readonly Draft[];
}

/** Every tensor of one recipe's result. */
export function draftAll(
  recipe: Recipe,
  { models, made }: Pick<Earlier, "models" | "made">,
  options: Options,
): Drafted {
  const method = options.methods.get(recipe.merge_method);
  if (method === undefined) {
    throw new WeightloomError(
      "RecipeError",
      `merge_method is "${recipe.merge_method}"; there are ${[...options.methods.keys()].join(", ")}.`,
    );
  }
  const lookup = (ref: string): Model => {
    const model = models.get(ref);
    if (model === undefined)
      throw new WeightloomError(
        "PlanError",
        `Model "${ref}" is named in the recipe but not open. Add it, or take it out of the recipe.`,
      );
    return model;
  };
  refuseUnsound(recipe, method, lookup);
  const shape = outline(recipe, lookup);
  for (const one of shape.notes) options.note(one);
  const dtype = outputDtype(recipe.out_dtype ?? recipe.dtype);
  const context = { recipe, method, seed: options.seed, dtype, made, note: options.note };
  const tensors = shape.tensors.map((tensor) => inNewVocabulary(tensor, options.tokenizer?.of(recipe) ?? null));
  return { recipe, method, outline: shape, dtype, drafts: tensors.map((tensor) => draft(tensor, context)) };
}

/** The same tensor with every model's embedding in the order of the result's tokens. */
function inNewVocabulary(tensor: OutputTensor, tokens: TokensPlan | null): OutputTensor {
  if (tokens === null) return tensor;
  const turned = (source: Source): Source =>
    source.info === null ? source : { ...source, info: tokens.tensor(source.model, source.info, source.name) };
  return { ...tensor, sources: tensor.sources.map(turned), base: tensor.base === null ? null : turned(tensor.base) };
}

/** The results of recipes, in order; each may use those before it. */
export function earlierResults(
  recipes: readonly Recipe[],
  opened: ReadonlyMap<string, Model>,
  options: Options,
): Earlier {
  const models = new Map(opened);
  const made = new Map<TensorInfo, MergeDraft>();
  const all: Drafted[] = [];
  for (const recipe of recipes) {
    const { name = "" } = recipe;
    const said = (note: Note) => options.note({ ...note, text: `${name}: ${note.text}` });
    const drafted = draftAll(recipe, { models, made }, { ...options, note: said });
    const unknowable = drafted.drafts.find(
      (one) => one.action === "merge" && collect(one.expression, []).barriers.length > 0,
    );
    if (unknowable !== undefined) {
      throw new WeightloomError(
        "PlanError",
        `"${name}" (${drafted.method.title}) needs numbers of the whole model, which cannot be known while its result is only part of another merge. Write "${name}" to a folder first and use that.`,
      );
    }
    const parents = [...modelsIn(recipe, models)];
    const model = resultOf(name, drafted, options.tokenizer?.of(recipe) ?? null, parents, made, said);
    models.set(name, model);
    all.push(drafted);
  }
  return { models, made, drafted: all };
}

function resultOf(
  ref: string,
  drafted: Drafted,
  tokens: TokensPlan | null,
  parents: readonly Model[],
  made: Map<TensorInfo, MergeDraft>,
  note: (note: Note) => void,
): Model {
  const { outline: shape, drafts } = drafted;
  const { donor } = shape;
  const tensors = new Map<string, TensorInfo>();
  for (const one of drafts) {
    if (one.action === "copy") {
      const { source, range } = one.from;
      tensors.set(one.name, { name: one.name, dtype: one.dtype, shape: one.shape, source, range });
    } else {
      const info: TensorInfo = {
        name: one.name,
        dtype: one.dtype,
        shape: one.shape,
        source: nowhere(ref),
        range: { start: 0, end: 0 },
      };
      tensors.set(one.name, info);
      made.set(info, one);
    }
  }
  const config: JsonObject | null =
    donor.config === null ? null : configOf({ outline: shape, tensors: drafts, dtype: drafted.dtype, tokens, note });
  return {
    ref,
    checkpoint: { sources: [], tensors, metadata: new Map() },
    config,
    ...(donor.floats === undefined ? {} : { floats: donor.floats }),
    ...recognise([...tensors.keys()], config),
    tokenizer: donor.tokenizer,
    parameters: drafts.reduce((sum, one) => sum + countOf(one.shape), 0),
    bytes: 0,
    extras: donor.extras,
    licence: joinLicences(parents.map((model) => model.licence)),
  };
}

function* modelsIn(recipe: Recipe, models: ReadonlyMap<string, Model>): Generator<Model> {
  for (const ref of modelsOf(recipe)) {
    const model = models.get(ref);
    if (model !== undefined) yield model;
  }
}

/** Stands for bytes that do not exist; whoever reads them has missed that the tensor is made. */
const nowhere = (ref: string): ByteSource => ({
  name: ref,
  size: 0,
  read: () => Promise.reject(new Error(`Internal error: "${ref}" is made while it is used and has no bytes.`)),
});

function outputDtype(name: RecipeDtype | undefined): OutputDtype | null {
  const found = (Object.keys(TORCH_NAMES) as OutputDtype[]).find((dtype) => TORCH_NAMES[dtype] === name);
  return found ?? null;
}
