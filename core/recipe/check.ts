/**
 * What can only be said about a recipe as a whole: is there a base where one is needed, are there enough
 * models, does every required parameter have a value somewhere, are the sources of a slice equally long.
 */
import type { AnyMethod, Param } from "../method.ts";
import type { Range, Reader } from "./reader.ts";
import type { ModelEntry, Recipe, Settings, Slice } from "./recipe.ts";

/** Where things are in the text. */
export interface Places {
  readonly whole: Range;
  /** Top-level keys. */
  readonly keys: Map<string, Range>;
  /** Model entries, sources and slices. */
  readonly of: Map<object, Range>;
  /** Lists some of whose items could not be read, so that nobody can say what is missing. */
  readonly partial: Set<readonly unknown[]>;
}

/** Models that are merged with each other: the whole recipe, or one slice. */
interface Group {
  readonly entries: readonly ModelEntry[];
  readonly base: string | undefined;
  /** Parameters around the entries, nearest first. */
  readonly outer: readonly (Settings | undefined)[];
  readonly at: Range;
  /** "the recipe" or "slice 2". */
  readonly title: string;
  readonly slice: Slice | null;
}

export function checkTogether(reader: Reader, recipe: Recipe, method: AnyMethod, places: Places): void {
  const groups = groupsOf(recipe, places);
  for (const group of groups) {
    if (!places.partial.has(group.entries)) {
      checkBase(reader, group, method);
      checkCount(reader, group, method);
    }
    checkRequired(reader, group, method, places);
    if (group.slice !== null) checkLengths(reader, group.slice, group.title, places);
  }
  if (method.base === "none") checkIdleBase(reader, recipe, method, groups, places);
}

function groupsOf(recipe: Recipe, places: Places): Group[] {
  const at = (thing: object) => places.of.get(thing) ?? places.whole;
  const base = recipe.base_model;
  const top = recipe.parameters;
  const method = places.keys.get("merge_method") ?? places.whole;
  const whole: Group[] =
    recipe.models === undefined
      ? []
      : [{ entries: recipe.models, base, outer: [top], at: method, title: "the recipe", slice: null }];
  const slices = (recipe.slices ?? []).map((slice, i) => ({
    entries: slice.sources,
    base: slice.base_model ?? base,
    outer: [slice.parameters, top],
    at: at(slice),
    title: `slice ${i + 1}`,
    slice,
  }));
  return [...whole, ...slices];
}

function checkBase(reader: Reader, { base, at, title, slice, entries }: Group, method: AnyMethod): void {
  if (method.base === "none") return;
  if (base === undefined) {
    if (method.base === "optional") return;
    reader.error(at, `${method.id} needs a base model, and ${title} has none. Add "base_model: name".`);
  } else if (slice !== null && !entries.some(({ model }) => model === base)) {
    reader.error(at, `The base "${base}" is not a source of ${title}. Add it there with the layers to compare with.`);
  }
}

function checkCount(reader: Reader, { base, entries, at, title }: Group, method: AnyMethod): void {
  if (method.base === "required" && base === undefined) return; // nobody knows which of them is the base
  const hasBase = method.base !== "none" && base !== undefined;
  const count = hasBase ? entries.filter(({ model }) => model !== base).length : entries.length;
  const { min, max } = method.models;
  if (count >= min && count <= (max ?? Number.POSITIVE_INFINITY)) return;
  const wanted = max === undefined ? `at least ${min}` : min === max ? `exactly ${min}` : `${min} to ${max}`;
  const besides = hasBase ? ` besides the base "${base}"` : "";
  const models = wanted.endsWith(" 1") ? "model" : "models";
  const advice = count < min ? "Add one" : "Remove the others, or choose another merge_method";
  reader.error(at, `${method.id} merges ${wanted} ${models}${besides}; ${title} lists ${count}. ${advice}.`);
}

function checkRequired(
  reader: Reader,
  { entries, base, outer, at, title }: Group,
  method: AnyMethod,
  places: Places,
): void {
  const set = (settings: Settings | undefined, name: string) => settings !== undefined && Object.hasOwn(settings, name);
  for (const [name, param] of Object.entries(method.params as Record<string, Param>)) {
    if (param.kind !== "number" || param.default !== null || outer.some((settings) => set(settings, name))) continue;
    if (param.per === "merge") {
      const advice = `Add "${name}: ..." under its "parameters:" (usual values are ${param.min} to ${param.max})`;
      reader.error(at, `${method.id} needs "${name}", and ${title} has none. ${advice}.`);
      continue;
    }
    for (const entry of entries) {
      if (set(entry.parameters, name) || (method.base !== "none" && entry.model === base)) continue;
      const advice = `Add "${name}: ..." under its "parameters:", or under the recipe's for all models`;
      reader.error(places.of.get(entry) ?? at, `Model "${entry.model}" has no ${name}. ${advice}.`);
    }
  }
}

function checkLengths(reader: Reader, { sources }: Slice, title: string, places: Places): void {
  const [first, ...others] = sources;
  if (first === undefined) return;
  const layers = ({ layer_range: [from, to] }: (typeof sources)[number]) => to - from;
  for (const other of others) {
    if (layers(other) === layers(first)) continue;
    reader.error(
      places.of.get(other) ?? places.whole,
      `"${other.model}" gives ${title} ${layers(other)} layers, but "${first.model}" gives it ${layers(first)}. ` +
        "All sources of a slice need the same number.",
    );
  }
}

/**
 * A base for a method that has none. mergekit appends an unlisted base to `models` as one more input:
 * impossible where the number of models is limited, surprising elsewhere. Under `slices` it only donates
 * config and tokenizer.
 */
function checkIdleBase(
  reader: Reader,
  recipe: Recipe,
  method: AnyMethod,
  groups: readonly Group[],
  places: Places,
): void {
  const base = recipe.base_model;
  const at = places.keys.get("base_model");
  if (base === undefined || at === undefined) return;
  if (groups.some(({ entries }) => entries.some(({ model }) => model === base))) return;
  if (recipe.models !== undefined && method.models.max !== undefined) {
    reader.error(at, `${method.id} takes no base model; found "${base}". Remove the line.`);
  } else {
    const use = "only its config and tokenizer are used";
    reader.warn(at, `${method.id} does not use a base model: "${base}" is not merged, ${use}. List it to merge it.`);
  }
}
