/**
 * What can only be said about a recipe as a whole: is there a base where one is needed, are there enough
 * models, does every required parameter have a value somewhere, are the sources of a slice equally long.
 */
import type { AnyMethod, Param } from "../method.ts";
import type { Range, Reader } from "./reader.ts";
import type { ModelEntry, ModuleEntry, Recipe, Settings, Slice } from "./recipe.ts";

/** Where things are in the text. */
export interface Places {
  readonly whole: Range;
  /** Top-level keys, and "tokenizer source" for the one of the two that is given. */
  readonly keys: Map<string, Range>;
  /** Model entries, sources and slices. */
  readonly of: Map<object, Range>;
  /** Lists some of whose items could not be read, so that nobody can say what is missing. */
  readonly partial: Set<readonly unknown[]>;
}

/** Models that are merged with each other: the whole recipe, a module, or a slice of either. */
interface Group {
  readonly entries: readonly ModelEntry[];
  readonly base: string | undefined;
  /** Parameters around the entries, nearest first. */
  readonly outer: readonly (Settings | undefined)[];
  readonly at: Range;
  /** "the recipe", "module "decoder"" or "slice 2". */
  readonly title: string;
  readonly slice: Slice | null;
}

/** What may have models or slices of its own: the recipe, or one of its modules. */
interface Part extends ModuleEntry {
  /** Parameters around the part itself. */
  readonly outer: readonly (Settings | undefined)[];
  readonly at: Range;
  /** "the recipe" or "module "decoder"". */
  readonly title: string;
  /** As above, after the name of a slice. */
  readonly suffix: string;
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
  const method = places.keys.get("merge_method") ?? places.whole;
  const { parameters } = recipe;
  const whole: Part = { ...recipe, outer: [], at: method, title: "the recipe", suffix: "" };
  const modules = Object.entries(recipe.modules ?? {}).map(([name, module]): Part => {
    const title = `module "${name}"`;
    return { ...module, outer: [parameters], at: at(module), title, suffix: ` of ${title}` };
  });
  return [whole, ...modules].flatMap((part) => groupsIn(part, recipe.base_model, at));
}

function groupsIn(part: Part, base: string | undefined, at: (thing: object) => Range): Group[] {
  const outer = [part.parameters, ...part.outer];
  const all = { entries: part.models ?? [], base, outer, at: part.at, title: part.title, slice: null };
  const slices = (part.slices ?? []).map((slice, i) => ({
    entries: slice.sources,
    base: slice.base_model ?? base,
    outer: [slice.parameters, ...outer],
    at: at(slice),
    title: `slice ${i + 1}${part.suffix}`,
    slice,
  }));
  return part.models === undefined ? slices : [all, ...slices];
}

function checkBase(reader: Reader, { base, at, title, slice, entries }: Group, method: AnyMethod): void {
  if (method.base === "none") return;
  if (base === undefined) {
    if (method.base === "required")
      reader.error(at, `${method.id} needs a base model, and ${title} has none. Add "base_model: name".`);
  } else if (slice !== null && !entries.some(({ model }) => model === base)) {
    reader.error(at, `The base "${base}" is not a source of ${title}. Add it there with the layers to compare with.`);
  }
}

function checkCount(reader: Reader, { base, entries, at, title }: Group, method: AnyMethod): void {
  if (method.base === "required" && base === undefined) return; // nobody knows which of them is the base
  const apart = method.base !== "none" && base !== undefined;
  const count = apart ? entries.filter(({ model }) => model !== base).length : entries.length;
  const { min, max } = method.models;
  if (count >= min && count <= (max ?? Number.POSITIVE_INFINITY)) return;
  const wanted = max === undefined ? `at least ${min}` : min === max ? `exactly ${min}` : `${min} to ${max}`;
  const besides = apart ? ` besides the base "${base}"` : "";
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
 * A base for a method that has none. An unlisted base is appended to `models` as one more input: impossible where
 * the number of models is limited, left out where nothing gives its parameters. Elsewhere it only donates config
 * and tokenizer.
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
  const appended = groups.some(({ slice }) => slice === null);
  if (appended && method.models.max !== undefined) {
    reader.error(at, `${method.id} takes no base model; found "${base}". Remove the line.`);
  } else {
    const needed = Object.entries<Param>(method.params).filter(
      ([, one]) => one.per === "model" && one.default === null,
    );
    const known = needed.every(([name]) => Object.hasOwn(recipe.parameters ?? {}, name));
    const part =
      recipe.models !== undefined && known
        ? "is not listed, and takes part with the parameters given for all models, as in mergekit. List it to choose its own"
        : "is not merged, only its config and tokenizer are used. List it to merge it";
    reader.warn(at, `${method.id} does not use a base model: "${base}" ${part}.`);
  }
}
