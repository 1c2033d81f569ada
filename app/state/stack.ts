/**
 * What a person does to a stack of slices, as pure functions: recipe in, recipe out. A slice is a run of layers, taken
 * from one model or merged from several; all sources of a slice have equally many layers, and the edits here keep
 * it so. Ranges are half open as in the recipe, `[first, end)`.
 */
import type { AnyMethod } from "../../core/method.ts";
import type { Recipe, Setting, Settings, Slice, SliceSource } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";
import { fitted, fittedEntries, methodOf } from "./edits.ts";

export type Range = readonly [first: number, end: number];

/** Layers of a model by name; null when it is not open or has no single stack of layers. */
export type Depths = (model: string) => number | null;

export const lengthOf = ([first, end]: Range): number => end - first;

/** Layers a slice adds to the result, as its first source says. */
export const layersIn = ({ sources: [first] }: Slice): number =>
  first === undefined ? 0 : lengthOf(first.layer_range);

export const depthOf = (slices: readonly Slice[]): number => slices.reduce((sum, slice) => sum + layersIn(slice), 0);

/** "layers 8 to 23, 16 layers"; both ends are included in words. */
export function inWords([first, end]: Range): string {
  return end - first === 1 ? `layer ${first}` : `layers ${first} to ${end - 1}, ${end - first} layers`;
}

/** Puts a run of layers at a place in the stack. A recipe of whole models becomes a stack of just this. */
export function insertSlice(recipe: Recipe, at: number, model: string, range: Range, depths: Depths): Recipe {
  if (recipe.slices === undefined) {
    const { models: _, modules: __, base_model: ___, parameters: ____, ...rest } = recipe;
    // The vocabulary of a stack is that of its first slice; rules about a base or other models would name nobody.
    const { tokenizer: _____, tokenizer_source: ______, ...plain } = rest;
    return { ...plain, merge_method: "passthrough", slices: [{ sources: [{ model, layer_range: range }] }] };
  }
  const slice = freshSlice(recipe, model, range, depths);
  return { ...recipe, slices: [...recipe.slices.slice(0, at), slice, ...recipe.slices.slice(at)] };
}

/** A slice with as many sources as the recipe's method needs: the base, the model, then others of the stack. */
function freshSlice(recipe: Recipe, model: string, range: Range, depths: Depths): Slice {
  const method = methodOf(recipe);
  const base = method?.base === "none" ? undefined : recipe.base_model;
  const wanted = (method?.models.min ?? 1) + (base === undefined ? 0 : 1);
  const known = (recipe.slices ?? []).flatMap(({ sources }) => sources.map((source) => source.model));
  const names = [...new Set([...(base === undefined ? [] : [base]), model, ...known])].slice(0, wanted);
  const sources = names.map((name) => ({
    model: name,
    layer_range: name === model ? range : placed(range, depths(name)),
  }));
  return { sources: method === undefined ? sources : fittedEntries(sources, method, recipe.parameters) };
}

/** The range as it is, or moved up just so far that it lies inside the model. */
function placed([first, end]: Range, depth: number | null): Range {
  if (depth === null || end <= depth || end - first > depth) return [first, end];
  return [depth - (end - first), depth];
}

export function removeSlice(recipe: Recipe, at: number): Recipe {
  const { slices = [] } = recipe;
  // A stack of nothing is no recipe.
  if (slices.length < 2 || slices[at] === undefined) return recipe;
  return { ...recipe, slices: slices.filter((_, i) => i !== at) };
}

export function duplicateSlice(recipe: Recipe, at: number): Recipe {
  const slice = recipe.slices?.[at];
  if (slice === undefined) return recipe;
  return { ...recipe, slices: (recipe.slices ?? []).toSpliced(at + 1, 0, slice) };
}

/** @param to the slice's place afterwards */
export function moveSlice(recipe: Recipe, from: number, to: number): Recipe {
  const { slices = [] } = recipe;
  const slice = slices[from];
  if (slice === undefined || to < 0 || to >= slices.length || to === from) return recipe;
  return { ...recipe, slices: slices.toSpliced(from, 1).toSpliced(to, 0, slice) };
}

function changeSlice(recipe: Recipe, at: number, change: (slice: Slice) => Slice): Recipe {
  const slice = recipe.slices?.[at];
  const changed = slice === undefined ? undefined : change(slice);
  if (changed === undefined || changed === slice) return recipe;
  return { ...recipe, slices: (recipe.slices ?? []).with(at, changed) };
}

const changeSources = (recipe: Recipe, at: number, change: (source: SliceSource, i: number) => SliceSource): Recipe =>
  changeSlice(recipe, at, (slice) => ({ ...slice, sources: slice.sources.map(change) }));

/** Moves the first or the end of all sources alike, as far as every model goes and one layer stays. */
export function resizeSlice(recipe: Recipe, at: number, edge: "first" | "end", by: number, depths: Depths): Recipe {
  const sources = recipe.slices?.[at]?.sources ?? [];
  const lows = sources.map(({ layer_range: [first, end] }) => (edge === "first" ? -first : first + 1 - end));
  const highs = sources.map(({ model, layer_range: [first, end] }) =>
    edge === "first" ? end - 1 - first : Math.max(0, (depths(model) ?? Number.MAX_SAFE_INTEGER) - end),
  );
  const step = Math.max(Math.max(...lows), Math.min(by, ...highs));
  if (sources.length === 0 || step === 0) return recipe;
  return changeSources(recipe, at, (source) => {
    const [first, end] = source.layer_range;
    return { ...source, layer_range: edge === "first" ? [first + step, end] : [first, end + step] };
  });
}

/** Another first layer: of a source alone in its slice its length changes, of one among several its place. */
export function setFirst(recipe: Recipe, at: number, source: number, first: number, depths: Depths): Recipe {
  const sources = recipe.slices?.[at]?.sources ?? [];
  const now = sources[source];
  if (now === undefined) return recipe;
  if (sources.length === 1) return resizeSlice(recipe, at, "first", first - now.layer_range[0], depths);
  const length = lengthOf(now.layer_range);
  const start = Math.max(0, Math.min(first, (depths(now.model) ?? Number.MAX_SAFE_INTEGER) - length));
  if (start === now.layer_range[0]) return recipe;
  return changeSources(recipe, at, (one, i) => (i === source ? { ...one, layer_range: [start, start + length] } : one));
}

/** Another last layer (included) of one source; every source of the slice grows or shrinks with it. */
export function setLast(recipe: Recipe, at: number, source: number, last: number, depths: Depths): Recipe {
  const now = recipe.slices?.[at]?.sources[source];
  return now === undefined ? recipe : resizeSlice(recipe, at, "end", last + 1 - now.layer_range[1], depths);
}

/** Brings a slice inside its models and all its sources to the length of the shortest. */
export function mendSlice(recipe: Recipe, at: number, depths: Depths): Recipe {
  const sources = (recipe.slices?.[at]?.sources ?? []).map((source): SliceSource => {
    const depth = depths(source.model) ?? Number.MAX_SAFE_INTEGER;
    const first = Math.min(source.layer_range[0], depth - 1);
    return { ...source, layer_range: [first, Math.max(first + 1, Math.min(source.layer_range[1], depth))] };
  });
  const shortest = Math.min(...sources.map(({ layer_range: range }) => lengthOf(range)));
  return changeSources(recipe, at, (_, i) => {
    const source = sources[i]!;
    return { ...source, layer_range: [source.layer_range[0], source.layer_range[0] + shortest] };
  });
}

/** Merges one more model into a slice, a base first: the same layers as the first source's, where it has them. */
export function addSource(recipe: Recipe, at: number, model: string, depths: Depths): Recipe {
  const method = methodOf(recipe);
  return changeSlice(recipe, at, (slice) => {
    const [first] = slice.sources;
    if (first === undefined) return slice;
    const added = { model, layer_range: placed(first.layer_range, depths(model)) };
    const sources = model === recipe.base_model ? [added, ...slice.sources] : [...slice.sources, added];
    const around = { ...recipe.parameters, ...slice.parameters };
    return { ...slice, sources: method === undefined ? sources : fittedEntries(sources, method, around) };
  });
}

export const removeSource = (recipe: Recipe, at: number, source: number): Recipe =>
  changeSlice(recipe, at, (slice) =>
    slice.sources.length < 2 ? slice : { ...slice, sources: slice.sources.filter((_, i) => i !== source) },
  );

/** Other layers of another model in a source's place; its parameters stay. A model that is not as deep makes the slice shorter. */
export function setSourceModel(recipe: Recipe, at: number, source: number, model: string, depths: Depths): Recipe {
  const changed = changeSources(recipe, at, (one, i) =>
    i === source ? { ...one, model, layer_range: placed(one.layer_range, depths(model)) } : one,
  );
  const now = changed.slices?.[at]?.sources[source];
  return now !== undefined && now.layer_range[1] > (depths(model) ?? Number.MAX_SAFE_INTEGER)
    ? mendSlice(changed, at, depths)
    : changed;
}

/** Sets a parameter of one source; undefined takes it out. */
export const setSourceSetting = (recipe: Recipe, at: number, source: number, id: string, value: Setting | undefined) =>
  changeSources(recipe, at, (one, i) => (i === source ? withSetting(one, id, value) : one));

/** Sets a parameter of a whole slice; undefined takes it out. */
export const setSliceSetting = (recipe: Recipe, at: number, id: string, value: Setting | undefined): Recipe =>
  changeSlice(recipe, at, (slice) => withSetting(slice, id, value));

function withSetting<T extends { readonly parameters?: Settings }>(of: T, id: string, value: Setting | undefined): T {
  const { parameters: before, ...rest } = of;
  const { [id]: _, ...others } = before ?? {};
  const parameters = value === undefined ? others : { ...others, [id]: value };
  return (Object.keys(parameters).length === 0 ? rest : { ...rest, parameters }) as T;
}

/** Another method for the slices of a stack; the layers stay. A base that is needed is the first slice's first source. */
export function setStackMethod(recipe: Recipe, id: string): Recipe {
  const method = METHODS.get(id);
  if (method === undefined || recipe.slices === undefined) return recipe;
  const { base_model: before, ...rest } = fitted(recipe, method);
  const base = method.base === "required" ? (before ?? recipe.slices[0]?.sources[0]?.model) : undefined;
  const around = rest.parameters;
  const slices = recipe.slices.map((slice): Slice => {
    const sources = fittedEntries(slice.sources, method, { ...around, ...slice.parameters });
    const { parameters: own, base_model: _, ...plain } = slice;
    const kept = Object.fromEntries(Object.entries(own ?? {}).filter(([name]) => isKnown(method, name)));
    return { ...plain, sources, ...(Object.keys(kept).length === 0 ? {} : { parameters: kept }) };
  });
  return { ...rest, slices, ...(base === undefined ? {} : { base_model: base }) };
}

const isKnown = (method: AnyMethod, name: string) => Object.hasOwn(method.params, name);
