/** What a person chooses of the result's vocabulary: whose tokens, rows to pad to, the chat template. Pure. */
import type { Recipe, TokenizerSettings } from "../../core/recipe/recipe.ts";

/** "union", "base" or a model; null where the recipe says nothing and the files are carried over. */
export function tokenizerSource(recipe: Recipe): string | null {
  if (recipe.tokenizer !== undefined) return recipe.tokenizer.source ?? "union";
  return recipe.tokenizer_source ?? null;
}

/** Null takes everything about tokens out of the recipe; otherwise rules of single tokens and the padding stay. */
export function setTokenizerSource(recipe: Recipe, source: string | null): Recipe {
  const { tokenizer, tokenizer_source: _, ...rest } = recipe;
  return source === null ? rest : { ...rest, tokenizer: { ...tokenizer, source } };
}

export const paddingOf = (recipe: Recipe): number | null => recipe.tokenizer?.pad_to_multiple_of ?? null;

/** Padding is a matter of the new tokenizer; where there is none yet it is the base's, or the first model's. */
export function setPadding(recipe: Recipe, multiple: number | null): Recipe {
  const source = tokenizerSource(recipe);
  if (multiple === null && source === null) return recipe;
  const { tokenizer, tokenizer_source: _, ...rest } = recipe;
  const { pad_to_multiple_of: __, ...kept }: TokenizerSettings = { ...tokenizer, source: source ?? lender(recipe) };
  return { ...rest, tokenizer: multiple === null ? kept : { ...kept, pad_to_multiple_of: multiple } };
}

const lender = (recipe: Recipe) => (recipe.base_model === undefined ? (recipe.models?.[0]?.model ?? "union") : "base");

/** "auto", a template's name or a template; null keeps the one that comes with the tokenizer. */
export function setChatTemplate(recipe: Recipe, template: string | null): Recipe {
  const { chat_template: _, ...rest } = recipe;
  return template === null ? rest : { ...rest, chat_template: template };
}
