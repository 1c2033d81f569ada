/**
 * Any number of models merged two at a time, by methods that take only two or behave best so. Each step's share is
 * chosen so that all models count alike in the end: t = 1/2 at every step would leave the first ones an eighth.
 */
import { WeightloomError } from "../core/errors.ts";
import type { ModelEntry, Recipe } from "../core/recipe/recipe.ts";

export const ORDERS = ["chain", "tree"] as const;
/** "chain": ((A B) C) D. "tree": (A B) (C D). */
export type Order = (typeof ORDERS)[number];
export const PAIRWISE = ["slerp", "nuslerp", "linear"] as const;
export type Pairwise = (typeof PAIRWISE)[number];

/** A model, or the result of a recipe, and how many models are in it. */
interface Part {
  readonly ref: string;
  readonly models: number;
}

/**
 * The recipes of a file, dependencies first; the last one has no name and is the result.
 * @throws RecipeError for fewer than two models, or models called as the steps are
 */
export function byPairs(refs: readonly string[], order: Order, method: Pairwise): Recipe[] {
  if (refs.length < 2)
    throw new WeightloomError(
      "RecipeError",
      `Pairs need at least two models; ${refs.length} ${refs.length === 1 ? "was" : "were"} given.`,
    );
  const clash = refs.find((ref) => /^pair-\d+$/.test(ref));
  if (clash !== undefined)
    throw new WeightloomError(
      "RecipeError",
      `A model is called "${clash}", which is what the steps are called. Name it by its path, as "./${clash}".`,
    );
  const recipes: Recipe[] = [];
  const merge = (a: Part, b: Part): Part => {
    const name = `pair-${recipes.length + 1}`;
    recipes.push({ name, ...pair(a, b, method) });
    return { ref: name, models: a.models + b.models };
  };
  let parts: readonly Part[] = refs.map((ref) => ({ ref, models: 1 }));
  if (order === "chain") parts.reduce(merge);
  while (order === "tree" && parts.length > 1) {
    const next: Part[] = [];
    for (let i = 0; i < parts.length; i += 2) {
      const [a, b] = [parts[i]!, parts[i + 1]];
      next.push(b === undefined ? a : merge(a, b));
    }
    parts = next;
  }
  return recipes.map((recipe, i) => {
    const { name: _, ...rest } = recipe;
    return i === recipes.length - 1 ? rest : recipe;
  });
}

function pair(a: Part, b: Part, method: Pairwise): Recipe {
  const share = (part: Part) => Number((part.models / (a.models + b.models)).toFixed(6));
  if (method === "slerp") {
    const models = [{ model: a.ref }, { model: b.ref }];
    return { merge_method: method, base_model: a.ref, models, parameters: { t: share(b) } };
  }
  const entry = (part: Part): ModelEntry => ({ model: part.ref, parameters: { weight: share(part) } });
  return { merge_method: method, models: [entry(a), entry(b)] };
}
