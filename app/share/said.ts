/** What a document would do, in a few sentences for somebody who did not write it. Pure. */
import { type Document, modelsOfDocument } from "../../core/recipe/document.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";
import { castOf } from "../state/edits.ts";
import { tokenizerSource } from "../state/vocabulary.ts";

export interface Said {
  readonly sentences: readonly string[];
  readonly models: readonly string[];
}

const TYPES: Readonly<Record<string, string>> = { bfloat16: "BF16", float16: "F16", float32: "F32" };

export function saidOf(document: Document): Said {
  const models = modelsOfDocument(document);
  if (document.kind === "moe") {
    const { experts, base_model: base } = document.moe;
    return { sentences: [`Makes a mixture of ${experts.length} experts on the base "${base}".`], models };
  }
  const { stages } = document;
  const last = stages.at(-1);
  if (last === undefined) return { sentences: [], models };
  const chain =
    stages.length > 1 ? [`Runs ${stages.length} recipes as one chain; the last of them makes the result.`] : [];
  return { sentences: [...chain, ...mergeSaid(last)], models };
}

function mergeSaid(recipe: Recipe): string[] {
  const method = METHODS.get(recipe.merge_method);
  const others = castOf(recipe).filter((name) => name !== recipe.base_model).length;
  const whom = `${others} ${others === 1 ? "model" : "models"}`;
  const base = recipe.base_model === undefined ? "" : ` on the base "${recipe.base_model}"`;
  const how =
    recipe.slices !== undefined
      ? ` as a stack of ${recipe.slices.length} slices`
      : recipe.modules !== undefined
        ? ` in ${Object.keys(recipe.modules).length} modules`
        : "";
  const type = recipe.out_dtype ?? recipe.dtype;
  const source = tokenizerSource(recipe);
  const out = [
    type === undefined ? null : `Weights are written in ${TYPES[type] ?? type}`,
    source === null ? null : `tokens: ${source}`,
  ].filter((part) => part !== null);
  return [
    `Merges ${whom}${base}${how} with ${method?.title ?? recipe.merge_method}. ${method?.summary ?? ""}`.trim(),
    ...(out.length === 0 ? [] : [`${out.join("; ")}.`]),
  ];
}
