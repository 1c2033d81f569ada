/** What a document wants of its models, as the doctor asks: the last recipe counts, and slices in any of them. */
import type { Wish } from "../core/doctor/patient.ts";
import type { Document } from "../core/recipe/document.ts";
import { METHODS } from "../methods/index.ts";

export function wishOf(document: Document): Wish {
  if (document.kind === "moe")
    return { base: document.moe.base_model, sliced: false, tokenizer: "base", rows: "common", typed: true };
  const { stages } = document;
  const recipe = stages.at(-1);
  const tokenizer =
    recipe?.tokenizer === undefined ? (recipe?.tokenizer_source ?? null) : (recipe.tokenizer.source ?? "union");
  return {
    base: recipe?.base_model ?? null,
    sliced: stages.some(({ slices, modules }) => slices !== undefined || modules !== undefined),
    tokenizer,
    rows: METHODS.get(recipe?.merge_method ?? "")?.rows ?? "refuse",
    typed: recipe?.out_dtype !== undefined || recipe?.dtype !== undefined,
  };
}
