/**
 * What a person does to a recipe, as pure functions: recipe in, recipe out. The recipe stays the only document; roles
 * (base, A, B ...) are read from it.
 */
import type { AnyMethod, Param } from "../../core/method.ts";
import {
  type ModelEntry,
  type Recipe,
  renamed,
  type Scalar,
  type Setting,
  type Settings,
} from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";

export const methodOf = (recipe: Recipe): AnyMethod | undefined => METHODS.get(recipe.merge_method);

export const paramsOf = (method: AnyMethod): [string, Param][] => Object.entries(method.params) as [string, Param][];

/** The recipe a studio without models shows. */
export const EMPTY: Recipe = { merge_method: "task_arithmetic", models: [] };

/** Models that stand beside the base, in order: A, B, C ... */
export function fineTunes(recipe: Recipe): readonly ModelEntry[] {
  return (recipe.models ?? []).filter((entry) => entry.model !== recipe.base_model);
}

/** Every model of a `models:` recipe once: the base, then the others. */
export function castOf(recipe: Recipe): string[] {
  const names = (recipe.models ?? []).map((entry) => entry.model);
  return [...new Set([...(recipe.base_model === undefined ? [] : [recipe.base_model]), ...names])];
}

/** "base", "A", "B" ... as cards and curves show it; null when the recipe does not use the model. */
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
  if (method.base === "none") return Number((1 / models).toFixed(4));
  return method.id === "task_arithmetic" ? 0.4 : 1;
}

/** Fits a recipe to a method and a cast: every needed parameter is there, none that the method does not know. */
export function assemble(recipe: Recipe, methodId: string, cast: readonly string[]): Recipe {
  const method = METHODS.get(methodId);
  if (method === undefined) return recipe;
  const base = recipe.base_model !== undefined && cast.includes(recipe.base_model) ? recipe.base_model : cast[0];
  const isBased =
    method.base === "required" || (method.base === "optional" && base !== undefined && cast.length > method.models.min);
  const playing = cast.filter((name) => !isBased || name !== base).slice(0, method.models.max ?? cast.length);
  const known = new Map((recipe.models ?? []).map((entry) => [entry.model, entry.parameters ?? {}]));
  const models = playing.map((model): ModelEntry => {
    const parameters: Record<string, Setting> = {};
    for (const [id, param] of paramsOf(method)) {
      if (param.per !== "model") continue;
      const before = known.get(model)?.[id];
      if (before !== undefined) parameters[id] = before;
      else if (param.default === null) parameters[id] = startingValue(method, id, param, playing.length);
    }
    return Object.keys(parameters).length === 0 ? { model } : { model, parameters };
  });
  const parameters: Record<string, Setting> = {};
  for (const [id, param] of paramsOf(method)) {
    const before = recipe.parameters?.[id];
    if (before !== undefined) parameters[id] = before;
    else if (param.per === "merge" && param.default === null) parameters[id] = startingValue(method, id, param, 1);
  }
  const named = isBased || (method.models.max === undefined && base !== undefined && playing.includes(base));
  return {
    merge_method: methodId,
    ...(named && base !== undefined ? { base_model: base } : {}),
    models,
    ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
    ...(recipe.dtype === undefined ? {} : { dtype: recipe.dtype }),
    ...(recipe.out_dtype === undefined ? {} : { out_dtype: recipe.out_dtype }),
  };
}

export const setMethod = (recipe: Recipe, methodId: string, loaded: readonly string[]): Recipe =>
  assemble(recipe, methodId, wholeCast(recipe, loaded));

/** The recipe's models, then loaded ones it does not use yet (a method may have had no room for them). */
const wholeCast = (recipe: Recipe, loaded: readonly string[]) => [...new Set([...castOf(recipe), ...loaded])];

export const addModel = (recipe: Recipe, model: string): Recipe =>
  assemble(recipe, recipe.merge_method, [...castOf(recipe), model]);

export const removeModel = (recipe: Recipe, model: string): Recipe =>
  assemble(
    recipe,
    recipe.merge_method,
    castOf(recipe).filter((name) => name !== model),
  );

export function setBase(recipe: Recipe, model: string): Recipe {
  const cast = [model, ...castOf(recipe).filter((name) => name !== model)];
  return assemble({ ...recipe, base_model: model }, recipe.merge_method, cast);
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

export const renameModel = (recipe: Recipe, before: string, after: string): Recipe =>
  renamed(recipe, (model) => (model === before ? after : model));

const withSetting = (settings: Settings | undefined, id: string, value: Setting | undefined): Settings => {
  const { [id]: _, ...rest } = settings ?? {};
  return value === undefined ? rest : { ...rest, [id]: value };
};

/** Sets a parameter of the whole merge; undefined takes it out, so that the default holds. */
export function setParam(recipe: Recipe, id: string, value: Setting | undefined): Recipe {
  const parameters = withSetting(recipe.parameters, id, value);
  const { parameters: _, ...rest } = recipe;
  return Object.keys(parameters).length === 0 ? rest : { ...rest, parameters };
}

/** Sets a parameter of one model. */
export function setModelParam(recipe: Recipe, model: string, id: string, value: Setting | undefined): Recipe {
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
