/** What a value comes to: the share each model has in the result there, and the rule of the recipe that gave it. Pure. */
import type { AnyMethod, Param, Resolved } from "../../core/method.ts";
import { resolve } from "../../core/recipe/evaluate.ts";
import { type Rule, ruleFor, type Spot } from "../../core/recipe/field.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { fineTunes, paramsOf } from "../state/edits.ts";
import type { Dial, Voice } from "./lanes.ts";
import { settingsOf } from "./lanes.ts";

/** The share of every model in one tensor, in the recipe's order; null where the method has no such number. */
export function sharesAt(recipe: Recipe, method: AnyMethod, spot: Spot): readonly number[] | null {
  if (method.shares === undefined) return null;
  const playing = method.base === "none" ? (recipe.models ?? []) : fineTunes(recipe);
  const values = (scope: Param["per"], levels: readonly (Recipe["parameters"] | undefined)[]) =>
    Object.fromEntries(
      paramsOf(method)
        .filter(([, param]) => param.per === scope)
        .map(([id, param]) => {
          const asked = levels.map((settings) => ({ settings, name: spot.name }));
          return [id, resolve(id, asked, spot.t) ?? param.default];
        }),
    );
  const resolved = {
    merge: values("merge", [recipe.parameters]),
    models: playing.map(({ parameters }) => values("model", [parameters, recipe.parameters])),
  };
  return method.shares(resolved as unknown as Resolved);
}

/** "filter q_proj of adder, from a gradient of 5". */
export function ruleInWords(recipe: Recipe, method: AnyMethod, dial: Dial, voice: Voice, spot: Spot): string {
  const rule = ruleFor(settingsOf(recipe, voice, dial.id), spot);
  if (rule.level === null) return dial.param.default === null ? "not given" : `default of ${method.title}`;
  const whose = rule.level === 0 && voice.model !== null ? `of ${voice.model}` : "of the recipe";
  return [`${placeInWords(rule)} ${whose}`, ...(rule.anchors > 1 ? [`a gradient of ${rule.anchors}`] : [])].join(", ");
}

function placeInWords({ filter, anchors }: Rule): string {
  if (filter !== undefined && filter !== "*") return `filter ${filter}`;
  return anchors > 1 ? "all layers" : "one value";
}
