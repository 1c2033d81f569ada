/**
 * Tied weights: one matrix under two names, of which a checkpoint may store only one. Most often the
 * head is the embedding, so a model without `lm_head.weight` has it all the same.
 */
import { at } from "./config.ts";
import type { Family, JsonObject, Model } from "./model.ts";

/** What the config says; null when it says nothing. */
export function tiesEmbeddings(config: JsonObject | null): boolean | null {
  if (config === null) return null;
  const said = at(config, "tie_word_embeddings") ?? at(config, "text_config.tie_word_embeddings");
  return typeof said === "boolean" ? said : null;
}

/**
 * The name of the tensor that holds what `name` would hold, in a model that does not store `name`; null when it
 * is stored after all or nothing stands in. Wrappers may prefix either name, so of several candidates the one
 * that shares most of its beginning with `name` is taken.
 */
export function standIn(
  {
    family,
    checkpoint,
  }: { readonly family: Pick<Family, "tied">; readonly checkpoint: Pick<Model["checkpoint"], "tensors"> },
  name: string,
): string | null {
  if (checkpoint.tensors.has(name)) return null;
  for (const [missing, present] of family.tied ?? []) {
    if (!endsIn(name, missing)) continue;
    const candidates = [...checkpoint.tensors.keys()].filter((other) => endsIn(other, present));
    candidates.sort((a, b) => sharedStart(b, name) - sharedStart(a, name) || a.length - b.length);
    if (candidates[0] !== undefined) return candidates[0];
  }
  return null;
}

const endsIn = (name: string, suffix: string): boolean => name === suffix || name.endsWith(`.${suffix}`);

function sharedStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
