/** A model under another name, everywhere a document names it. Pure. */
import type { Document } from "../../core/recipe/document.ts";
import type { MoeExpert } from "../../core/recipe/moe.ts";
import type { ModelEntry, ModuleEntry, Recipe, TokenizerSettings, TokenRule } from "../../core/recipe/recipe.ts";

type Rename = (name: string) => string;

export function renameInDocument(document: Document, before: string, after: string): Document {
  const rename: Rename = (name) => (name === before ? after : name);
  if (document.kind === "merge") return { kind: "merge", stages: document.stages.map((one) => ofRecipe(one, rename)) };
  const { moe } = document;
  const expert = (one: MoeExpert): MoeExpert => ({ ...one, source_model: rename(one.source_model) });
  return {
    kind: "moe",
    moe: {
      ...moe,
      base_model: rename(moe.base_model),
      experts: moe.experts.map(expert),
      ...(moe.shared_experts === undefined ? {} : { shared_experts: moe.shared_experts.map(expert) }),
    },
  };
}

export const renameModel = (recipe: Recipe, before: string, after: string): Recipe =>
  ofRecipe(recipe, (name) => (name === before ? after : name));

function ofRecipe(recipe: Recipe, rename: Rename): Recipe {
  const { base_model: base, modules, tokenizer, tokenizer_source: source } = recipe;
  return {
    ...recipe,
    ...(base === undefined ? {} : { base_model: rename(base) }),
    ...ofPart(recipe, rename),
    ...(modules === undefined
      ? {}
      : { modules: Object.fromEntries(Object.entries(modules).map(([name, one]) => [name, ofPart(one, rename)])) }),
    ...(source === undefined ? {} : { tokenizer_source: rename(source) }),
    ...(tokenizer === undefined ? {} : { tokenizer: ofTokenizer(tokenizer, rename) }),
  };
}

function ofPart<T extends ModuleEntry>(part: T, rename: Rename): T {
  const entry = <E extends ModelEntry>(one: E): E => ({ ...one, model: rename(one.model) });
  return {
    ...part,
    ...(part.models === undefined ? {} : { models: part.models.map(entry) }),
    ...(part.slices === undefined
      ? {}
      : {
          slices: part.slices.map((slice) => ({
            ...slice,
            ...(slice.base_model === undefined ? {} : { base_model: rename(slice.base_model) }),
            sources: slice.sources.map(entry),
          })),
        }),
  };
}

function ofTokenizer(settings: TokenizerSettings, rename: Rename): TokenizerSettings {
  const { source, tokens } = settings;
  const rule = ({ source: from, ...rest }: TokenRule): TokenRule => {
    if (from === undefined) return rest;
    if (typeof from === "string") return { ...rest, source: rename(from) };
    return { ...rest, source: from.kind === "zero" ? from : { ...from, model: rename(from.model) } };
  };
  return {
    ...settings,
    ...(source === undefined ? {} : { source: rename(source) }),
    ...(tokens === undefined
      ? {}
      : { tokens: Object.fromEntries(Object.entries(tokens).map(([token, one]) => [token, rule(one)])) }),
  };
}
