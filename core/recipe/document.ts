/**
 * What a file may hold: one recipe; several that use each other's results by `name`, as for mergekit-multi; or
 * a mixture of experts, as for mergekit-moe. Stages stand in an order in which they can be run. It is read in file.ts, apart
 * from this, so that who only writes one needs no YAML parser.
 */
import { type MoeRecipe, modelsOfMoe, printMoe } from "./moe.ts";
import { printRecipe } from "./print.ts";
import { modelsOf, type Recipe } from "./recipe.ts";
import { parseRef } from "./ref.ts";

export type Document =
  /** Every stage after those it uses, the result last; all but the last have a name. */
  { readonly kind: "merge"; readonly stages: readonly Recipe[] } | { readonly kind: "moe"; readonly moe: MoeRecipe };

/** The document as YAML, read back by parseDocument to an equal one. */
export function printDocument(document: Document): string {
  return document.kind === "moe" ? printMoe(document.moe) : document.stages.map(printRecipe).join("---\n");
}

/** Every model that has to be there beforehand: all that are named, without the results of stages. */
export function modelsOfDocument(document: Document): string[] {
  if (document.kind === "moe") return modelsOfMoe(document.moe);
  const names = new Set(document.stages.map(({ name }) => name));
  return [...new Set(document.stages.flatMap(modelsOf))].filter((ref) => !names.has(ref));
}

/** The names of the stages a recipe uses, adapted or not. */
export function stagesUsed(recipe: Recipe, names: ReadonlySet<string>): string[] {
  return [...new Set(modelsOf(recipe).map((ref) => parseRef(ref).path))].filter((path) => names.has(path));
}
