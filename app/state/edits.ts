/**
 * What a person does to a recipe, as pure functions: recipe in, recipe out. The recipe stays the only document; roles
 * (base, A, B ...) are read from it. Keys that an edit is not about (name, tokenizer, compat ...) are left as they are.
 */
import type { AnyMethod, Param } from "../../core/method.ts";
import {
  type ModelEntry,
  modelsOf,
  type Recipe,
  type Scalar,
  type Setting,
  type Settings,
} from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";

export const methodOf = (recipe: Recipe): AnyMethod | undefined => METHODS.get(recipe.merge_method);

export const paramsOf = (method: AnyMethod): [string, Param][] => Object.entries(method.params) as [string, Param][];

/** The recipe a studio without models shows. */
export const EMPTY: Recipe = { merge_method: "task_arithmetic", models: [] };

/** False for recipes of slices or modules, whose models have places and cannot simply come and go. */
export const isWhole = (recipe: Recipe): boolean => recipe.slices === undefined && recipe.modules === undefined;

/** Models that stand beside the base, in order: A, B, C ... */
export function fineTunes(recipe: Recipe): readonly ModelEntry[] {
  return (recipe.models ?? []).filter((entry) => entry.model !== recipe.base_model);
}

/** Every model that a recipe merges, once: the base, then the others. */
export function castOf(recipe: Recipe): string[] {
  const { tokenizer: _, tokenizer_source: __, ...merged } = recipe;
  return modelsOf(merged);
}

/** "base", "A", "B" ... as cards and curves show it; null when the recipe does not merge the model. */
export function roleOf(recipe: Recipe, model: string): string | null {
  if (model === recipe.base_model) return "base";
  const others = castOf(recipe).filter((name) => name !== recipe.base_model);
  const index = others.indexOf(model);
  return index < 0 ? null : String.fromCharCode(65 + (index % 26));
}

/** A weight a method starts well with. */
function startingValue(method: AnyMethod, id: string, param: Param, models: number): Scalar {
  if (param.default !== null) return param.default;
  if (id !== "weight") return 0.5;
  if (method.base !== "required") return Number((1 / models).toFixed(4));
  return method.id === "task_arithmetic" ? 0.4 : 1;
}

/** Where a number of the recipe's method starts, and goes back to. */
export function startOf(recipe: Recipe, id: string): number {
  const method = methodOf(recipe);
  const param = method?.params[id] as Param | undefined;
  if (method === undefined || param === undefined) return 0;
  return Number(startingValue(method, id, param, Math.max(1, recipe.models?.length ?? 1)));
}

/** An optional base is one when the recipe names it and enough models are left beside it. */
export function takesBase(method: AnyMethod, recipe: Recipe, cast: readonly string[]): boolean {
  if (method.base !== "optional") return method.base === "required";
  const { base_model: base } = recipe;
  return base !== undefined && cast.includes(base) && cast.length - 1 >= method.models.min;
}

/** Fits a recipe of models to a method and a cast: what the method needs is there, nothing that it does not know. */
export function assemble(recipe: Recipe, methodId: string, cast: readonly string[]): Recipe {
  const method = METHODS.get(methodId);
  if (method === undefined) return recipe;
  const base = recipe.base_model !== undefined && cast.includes(recipe.base_model) ? recipe.base_model : cast[0];
  const isBased = takesBase(method, recipe, cast);
  const playing = cast.filter((name) => !isBased || name !== base).slice(0, method.models.max ?? cast.length);
  const known = new Map((recipe.models ?? []).map((entry) => [entry.model, entry]));
  const entries = playing.map((model): ModelEntry => known.get(model) ?? { model });
  // A method without a base still takes config and tokenizer from one, if it may be among the models.
  const isDonor = method.base === "none" && method.models.max === undefined && playing.includes(base ?? "");
  const { base_model: _, slices: __, modules: ___, ...rest } = recipe;
  return {
    ...fitted(rest, method),
    ...((isBased || isDonor) && base !== undefined ? { base_model: base } : {}),
    models: fittedEntries(entries, method, recipe.parameters),
  };
}

/** The recipe with another method, and of its parameters those the method knows. */
export function fitted(recipe: Recipe, method: AnyMethod): Recipe {
  const { parameters: before, ...rest } = recipe;
  const parameters: Record<string, Setting> = {};
  for (const [id, param] of paramsOf(method)) {
    const set = before?.[id];
    if (set !== undefined) parameters[id] = set;
    else if (param.per === "merge" && param.default === null) parameters[id] = startingValue(method, id, param, 1);
  }
  return { ...rest, merge_method: method.id, ...(Object.keys(parameters).length > 0 ? { parameters } : {}) };
}

/** Entries with the parameters the method knows, and those it needs that nobody gives. */
export function fittedEntries<T extends ModelEntry>(
  entries: readonly T[],
  method: AnyMethod,
  around: Settings | undefined,
): readonly T[] {
  return entries.map((entry): T => {
    const { parameters: before, ...rest } = entry;
    const parameters: Record<string, Setting> = {};
    for (const [id, param] of paramsOf(method)) {
      if (before?.[id] !== undefined) parameters[id] = before[id];
      else if (param.per === "model" && param.default === null && around?.[id] === undefined)
        parameters[id] = startingValue(method, id, param, entries.length);
    }
    return (Object.keys(parameters).length === 0 ? rest : { ...rest, parameters }) as T;
  });
}

/** Another method. The stack of a sliced recipe gives way to whole models; modules stay. */
export function setMethod(recipe: Recipe, methodId: string, loaded: readonly string[]): Recipe {
  const method = METHODS.get(methodId);
  if (recipe.modules === undefined || method === undefined)
    return assemble(recipe, methodId, wholeCast(recipe, loaded));
  const modules = Object.entries(recipe.modules).map(([name, module]) => [
    name,
    module.models === undefined
      ? module
      : { ...module, models: fittedEntries(module.models, method, { ...recipe.parameters, ...module.parameters }) },
  ]);
  return { ...fitted(recipe, method), modules: Object.fromEntries(modules) };
}

/** The recipe's models, then loaded ones it does not use yet (a method may have had no room for them). */
const wholeCast = (recipe: Recipe, loaded: readonly string[]) => [
  ...new Set([...(recipe.slices === undefined ? castOf(recipe) : []), ...loaded]),
];

export const addModel = (recipe: Recipe, model: string): Recipe =>
  isWhole(recipe) ? assemble(recipe, recipe.merge_method, [...castOf(recipe), model]) : recipe;

export function removeModel(recipe: Recipe, model: string): Recipe {
  const cast = castOf(recipe);
  if (!isWhole(recipe) || !cast.includes(model)) return recipe;
  return assemble(
    recipe,
    recipe.merge_method,
    cast.filter((name) => name !== model),
  );
}

export function setBase(recipe: Recipe, model: string): Recipe {
  if (!isWhole(recipe)) return recipe;
  const cast = [model, ...castOf(recipe).filter((name) => name !== model)];
  return assemble({ ...recipe, base_model: model }, recipe.merge_method, cast);
}

/** Makes an optional base a model like the others. */
export function unsetBase(recipe: Recipe): Recipe {
  if (!isWhole(recipe)) return recipe;
  const { base_model: _, ...rest } = recipe;
  return assemble(rest, recipe.merge_method, castOf(recipe));
}

/** Moves a model one place up (-1) or down (1) among the fine-tunes. */
export function moveModel(recipe: Recipe, model: string, by: -1 | 1): Recipe {
  const models = [...(recipe.models ?? [])];
  const from = models.findIndex((entry) => entry.model === model);
  const to = from + by;
  if (from < 0 || to < 0 || to >= models.length) return recipe;
  const [moved] = models.splice(from, 1);
  if (moved !== undefined) models.splice(to, 0, moved);
  return { ...recipe, models };
}

/** Puts a model before another among the fine-tunes, at the end for null. */
export function placeModel(recipe: Recipe, model: string, before: string | null): Recipe {
  const { models = [] } = recipe;
  const moved = models.find((entry) => entry.model === model);
  if (moved === undefined || !isWhole(recipe) || model === before) return recipe;
  const others = models.filter((entry) => entry !== moved);
  const found = others.findIndex((entry) => entry.model === before);
  // A base that is no entry itself stands before all of them.
  const at = found >= 0 ? found : before !== null && before === recipe.base_model ? 0 : others.length;
  const placed = others.toSpliced(at, 0, moved);
  return placed.every((entry, i) => entry === models[i]) ? recipe : { ...recipe, models: placed };
}

const withSetting = (settings: Settings | undefined, id: string, value: Setting | undefined): Settings => {
  const { [id]: _, ...rest } = settings ?? {};
  return value === undefined ? rest : { ...rest, [id]: value };
};

/** False for a control that was made for a method of a moment ago. */
const isKnown = (recipe: Recipe, id: string) => Object.hasOwn(methodOf(recipe)?.params ?? {}, id);

/** Sets a parameter of the whole merge; undefined takes it out, so that the default holds. */
export function setParam(recipe: Recipe, id: string, value: Setting | undefined): Recipe {
  if (!isKnown(recipe, id)) return recipe;
  const parameters = withSetting(recipe.parameters, id, value);
  const { parameters: _, ...rest } = recipe;
  return Object.keys(parameters).length === 0 ? rest : { ...rest, parameters };
}

/** Sets a parameter of one model. */
export function setModelParam(recipe: Recipe, model: string, id: string, value: Setting | undefined): Recipe {
  if (!isKnown(recipe, id)) return recipe;
  const models = (recipe.models ?? []).map((entry): ModelEntry => {
    if (entry.model !== model) return entry;
    const parameters = withSetting(entry.parameters, id, value);
    return Object.keys(parameters).length === 0 ? { model } : { model, parameters };
  });
  return { ...recipe, models };
}

export function setOutputType(recipe: Recipe, dtype: Recipe["out_dtype"] | null): Recipe {
  const { out_dtype: _, dtype: __, ...rest } = recipe;
  return dtype === null || dtype === undefined ? rest : { ...rest, out_dtype: dtype };
}
