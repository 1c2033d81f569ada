/** Well-known recipes for the models at hand: which models a preset would take, or why it cannot. Pure. */
import { messageOf } from "../../core/errors.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";
import { type Preset, type PresetModel, presetRecipe, presetsFor } from "../../methods/presets.ts";
import { castOf } from "./edits.ts";

export type Offer =
  | { readonly preset: Preset; readonly recipe: Recipe; readonly said: string }
  | { readonly preset: Preset; readonly recipe: null; readonly why: string };

/** Every preset in order, made for the recipe's models and then the other open ones. */
export function offersFor(recipe: Recipe, open: readonly PresetModel[]): Offer[] {
  const cast = castOf(recipe).flatMap((name) => open.filter(({ ref }) => ref === name));
  const models = [...cast, ...open.filter((model) => !cast.includes(model))];
  const base = models.find(({ ref }) => ref === recipe.base_model) ?? null;
  return presetsFor(METHODS).map((preset) => offer(preset, models, base));
}

function offer(preset: Preset, models: readonly PresetModel[], base: PresetModel | null): Offer {
  const { min, max = models.length } = preset.models;
  const start = base ?? models[0];
  const others = models.filter((model) => model !== start);
  // Where every model counts alike the base is left out, as long as there are enough others.
  const from = preset.base || (base !== null && others.length >= min) ? others : models;
  const missing = min - from.length;
  if (missing > 0 || start === undefined) {
    const count = missing === 1 ? "one more model" : `${missing} more models`;
    return { preset, recipe: null, why: `Needs ${count}${preset.base && start === undefined ? " and a base" : ""}.` };
  }
  const taken = [...(preset.base ? [start] : []), ...from.slice(0, max)];
  try {
    return { preset, recipe: presetRecipe(preset, taken), said: told(preset, taken) };
  } catch (error) {
    return { preset, recipe: null, why: messageOf(error) };
  }
}

function told({ title, base }: Preset, taken: readonly PresetModel[]): string {
  const names = taken.map(({ ref }) => ref);
  const [first = "", ...others] = names;
  const who = base ? `${listed(others)} on the base ${first}` : listed(names);
  return `The recipe is now ${title}: ${who}.`;
}

const listed = (names: readonly string[]) =>
  names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
