/** A step of the history in words: what one state of the document has that the one before had not. Pure. */
import type { ModelEntry, Recipe, Setting } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";
import { castOf } from "./edits.ts";
import type { Kept } from "./studio.ts";
import { tokenizerSource } from "./vocabulary.ts";

/** "Curve of adder", "Method: TIES". At most two things are named; the rest is counted. */
export function changeOf(before: Kept, after: Kept): string {
  const parts = changesOf(before, after);
  const [first, second, ...more] = parts;
  if (first === undefined) return after.text === before.text ? "Nothing changed" : "Wording of the recipe";
  if (second === undefined) return first;
  return more.length === 0 ? `${first}; ${lower(second)}` : `${first}; ${lower(second)}; ${more.length} more`;
}

const lower = (words: string) => words.charAt(0).toLowerCase() + words.slice(1);

function changesOf(before: Kept, after: Kept): string[] {
  const parts: string[] = [];
  if (before.title !== after.title) parts.push(`Name: ${after.title}`);
  if (!same(before.moe, after.moe)) return [...parts, mixtureOf(before, after)];
  if (!same(before.earlier, after.earlier))
    parts.push(after.earlier.length === 0 ? "One recipe" : `A chain of ${after.earlier.length + 1} recipes`);
  if (before.recipe !== after.recipe) parts.push(...recipeChanges(before.recipe, after.recipe));
  return parts;
}

function mixtureOf(before: Kept, after: Kept): string {
  if (after.moe === null) return "Back from a mixture of experts";
  return before.moe === null ? "A mixture of experts" : "Recipe of the mixture";
}

function recipeChanges(before: Recipe, after: Recipe): string[] {
  const parts: string[] = [];
  if (before.merge_method !== after.merge_method)
    parts.push(`Method: ${METHODS.get(after.merge_method)?.title ?? after.merge_method}`);
  parts.push(...castChanges(before, after));
  if (parts.length === 0 || before.merge_method === after.merge_method)
    parts.push(...modelSettings(before, after), ...mergeSettings(before, after));
  if (!same(before.slices, after.slices) || !same(before.modules, after.modules)) parts.push(structureOf(after));
  parts.push(...outputChanges(before, after));
  return parts;
}

function castChanges(before: Recipe, after: Recipe): string[] {
  const [was, is] = [castOf(before), castOf(after)];
  const added = is.filter((name) => !was.includes(name));
  const gone = was.filter((name) => !is.includes(name));
  // The same place in the list under another name.
  if (added.length === 1 && gone.length === 1 && was.indexOf(gone[0] ?? "") === is.indexOf(added[0] ?? ""))
    return [`${gone[0]} is now ${added[0]}`];
  const parts = [
    ...(added.length > 0 ? [`Added ${listed(added)}`] : []),
    ...(gone.length > 0 ? [`Removed ${listed(gone)}`] : []),
  ];
  if (before.base_model !== after.base_model && parts.length === 0)
    parts.push(after.base_model === undefined ? "No base" : `Base: ${after.base_model}`);
  if (parts.length === 0 && was.join("\n") !== is.join("\n")) parts.push("Order of the models");
  return parts;
}

const listed = (names: readonly string[]) =>
  names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;

/** Settings of models that are in both recipes. */
function modelSettings(before: Recipe, after: Recipe): string[] {
  const known = new Map((before.models ?? []).map((entry) => [entry.model, entry]));
  const curves: string[] = [];
  const values: string[] = [];
  for (const entry of after.models ?? []) {
    const was = known.get(entry.model);
    if (was === undefined) continue;
    for (const [id, setting] of changedSettings(was, entry)) {
      if (isValue(setting)) values.push(`${capital(id)} of ${entry.model}: ${setting}`);
      else if (setting === undefined) values.push(`${capital(id)} of ${entry.model}: as usual`);
      else if (!curves.includes(entry.model)) curves.push(entry.model);
    }
  }
  const drawn = curves.length === 0 ? [] : [`${curves.length === 1 ? "Curve" : "Curves"} of ${listed(curves)}`];
  return [...drawn, ...values];
}

function mergeSettings(before: Recipe, after: Recipe): string[] {
  return changedSettings(before, after).map(([id, setting]) =>
    setting === undefined
      ? `${capital(id)}: as usual`
      : isValue(setting)
        ? `${capital(id)}: ${setting}`
        : `Curve of ${id}`,
  );
}

type Settled = Pick<ModelEntry, "parameters">;

function changedSettings(before: Settled, after: Settled): [string, Setting | undefined][] {
  const ids = new Set([...Object.keys(before.parameters ?? {}), ...Object.keys(after.parameters ?? {})]);
  return [...ids]
    .filter((id) => !same(before.parameters?.[id], after.parameters?.[id]))
    .map((id) => [id, after.parameters?.[id]]);
}

const isValue = (setting: Setting | undefined) => setting !== undefined && typeof setting !== "object";
const same = (a: unknown, b: unknown) => a === b || JSON.stringify(a) === JSON.stringify(b);
const capital = (id: string) => id.charAt(0).toUpperCase() + id.slice(1);

function structureOf({ slices, modules }: Recipe): string {
  if (modules !== undefined) return `Modules: ${Object.keys(modules).join(", ")}`;
  if (slices === undefined) return "Whole models";
  return `Stack of ${slices.length} ${slices.length === 1 ? "slice" : "slices"}`;
}

const TYPES: Readonly<Record<string, string>> = { bfloat16: "BF16", float16: "F16", float32: "F32" };

function outputChanges(before: Recipe, after: Recipe): string[] {
  const parts: string[] = [];
  const type = (recipe: Recipe) => recipe.out_dtype ?? recipe.dtype;
  if (type(before) !== type(after)) parts.push(`Weights ${TYPES[type(after) ?? ""] ?? "as stored"}`);
  if (tokenizerSource(before) !== tokenizerSource(after))
    parts.push(`Tokenizer: ${tokenizerSource(after) ?? "carried over"}`);
  else if (!same(before.tokenizer, after.tokenizer)) parts.push("Tokens");
  if (before.chat_template !== after.chat_template) {
    const template = after.chat_template;
    parts.push(`Chat template: ${template === undefined ? "carried over" : template.length > 20 ? "own" : template}`);
  }
  if (before.compat !== after.compat) parts.push(after.compat === undefined ? "Our own rules" : "As mergekit does");
  if (before.name !== after.name) parts.push("Name of the recipe");
  return parts;
}
