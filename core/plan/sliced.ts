/** Layers put together from slices of models, one slice after the other. */
import { WeightloomError } from "../errors.ts";
import type { Model, Place, Stack } from "../model/model.ts";
import { gradientPosition } from "../recipe/evaluate.ts";
import type { Slice, SliceSource } from "../recipe/recipe.ts";
import type { LayerOrigin, OutputTensor, Part, Scope } from "./outputs.ts";
import { depthOf, find, type Lookup, type Party, partyOf } from "./party.ts";

export function ofSlices(slices: readonly Slice[], baseRef: string | undefined, lookup: Lookup, scope: Scope): Part {
  const indexes = new Map<Model, Index>();
  const placed = slices.map((slice, s): Placed => {
    const where = `${scope.where}slices[${s}]`;
    const party = partyOf(slice.sources, slice.base_model ?? baseRef, lookup);
    const stacks = party.entries.map((entry, i) => stackFor(entry.model, slice.sources[i]!, where, scope));
    const parts = party.entries.map(({ model }) => {
      const index = indexes.get(model) ?? indexOf(model);
      indexes.set(model, index);
      return index;
    });
    return { slice, party, stacks, parts, length: lengthOf(slice, where) };
  });
  const [first] = placed;
  const last = placed.at(-1);
  const target = first?.stacks[0];
  if (first === undefined || last === undefined || target === undefined) {
    const advice = "Give at least one slice with a source and a layer_range";
    throw new WeightloomError("PlanError", `${scope.where}slices is empty. ${advice}.`);
  }
  const deep = placed.reduce((sum, { length }) => sum + length, 0);
  const origins: LayerOrigin[] = [];
  const layers: OutputTensor[] = [];
  for (const one of placed) {
    for (let j = 0; j < one.length; j++) {
      const number = origins.length;
      origins.push({ model: one.party.entries[0]!.model, layer: layerOf(one, 0, j) });
      layers.push(...layerAt(one, j, { prefix: target.prefix, number, depth: depthOf(number, deep) }));
    }
  }
  return {
    tensors: [
      ...outside(first, scope, (place) => place.end !== "after"),
      ...layers,
      ...outside(last, scope, (place) => place.end === "after"),
    ],
    stacks: [{ prefix: target.prefix, origins }],
    models: [...new Set(placed.flatMap(({ party }) => party.entries.map(({ model }) => model)))],
  };
}

/** A slice whose models and stacks are known. */
interface Placed {
  readonly slice: Slice;
  readonly party: Party;
  /** Of each source. */
  readonly stacks: readonly Stack[];
  /** Of each source: its parts by layer. */
  readonly parts: readonly Index[];
  readonly length: number;
}

/** The places of a model's tensors by "stack.layer". */
type Index = ReadonlyMap<string, readonly Place[]>;

function indexOf({ checkpoint, family }: Model): Index {
  const index = new Map<string, Place[]>();
  for (const name of checkpoint.tensors.keys()) {
    const place = family.place(name);
    const key = `${place.stack}.${place.layer}`;
    const there = index.get(key);
    if (there === undefined) index.set(key, [place]);
    else there.push(place);
  }
  return index;
}

/** The layer of a source that is the slice's `j`-th. */
const layerOf = ({ slice }: Placed, source: number, j: number): number => slice.sources[source]!.layer_range[0] + j;

/** Tensors that any source has outside its layers. */
function outside(placed: Placed, scope: Scope, wanted: (place: Place) => boolean): OutputTensor[] {
  const places = new Map<string, Place>();
  for (const [i, { model }] of placed.party.entries.entries()) {
    for (const name of model.checkpoint.tensors.keys()) {
      const place = model.family.place(name);
      if (places.has(name) || place.stack === placed.stacks[i]!.prefix) continue;
      if (wanted(place) && scope.has(model, name)) places.set(name, place);
    }
  }
  return [...places].map(([name, place]) => ({
    name,
    place,
    t: 0,
    depth: null,
    slice: placed.slice.parameters,
    ...sourcesAt(placed, () => name),
  }));
}

/** Tensors that any source has in the slice's `j`-th layer, as the result's layer `number`. */
function layerAt(
  placed: Placed,
  j: number,
  { prefix, number, depth }: { readonly prefix: string; readonly number: number; readonly depth: number },
): OutputTensor[] {
  const places = new Map<string, Place>();
  for (const [i, index] of placed.parts.entries()) {
    for (const place of index.get(`${placed.stacks[i]!.prefix}.${layerOf(placed, i, j)}`) ?? []) {
      if (!places.has(place.part)) places.set(place.part, place);
    }
  }
  return [...places].map(([part, place]) => ({
    name: `${prefix}.${number}.${part}`,
    place: { ...place, stack: prefix, layer: number },
    t: gradientPosition(j, placed.length),
    depth,
    slice: placed.slice.parameters,
    ...sourcesAt(placed, (i) => `${placed.stacks[i]!.prefix}.${layerOf(placed, i, j)}.${part}`),
  }));
}

/** The sources of one tensor of a slice; the base must be one of them, as layers of it are meant. */
function sourcesAt({ party }: Placed, nameOf: (entry: number) => string): Pick<OutputTensor, "sources" | "base"> {
  const all = party.entries.map((entry, i) => ({ ...entry, name: nameOf(i), info: find(entry.model, nameOf(i)) }));
  return { sources: all, base: all.find((source) => source.model === party.base) ?? null };
}

function lengthOf(slice: Slice, where: string): number {
  const lengths = slice.sources.map(({ layer_range: [from, to] }) => to - from);
  if (lengths.some((length) => length !== lengths[0])) {
    const said = slice.sources.map(({ model, layer_range: [a, b] }) => `${model} [${a}, ${b}) has ${b - a}`).join(", ");
    throw new WeightloomError(
      "PlanError",
      `${where}: all sources must have equally many layers, but ${said}. Change the ranges so that they match.`,
    );
  }
  return lengths[0] ?? 0;
}

function stackFor(model: Model, source: SliceSource, where: string, scope: Scope): Stack {
  const there = scope.stacks(model);
  const [stack, ...more] = there;
  if (stack === undefined || more.length > 0) {
    const found = stack === undefined ? "none" : there.map(({ prefix, layers }) => `${prefix} (${layers})`).join(", ");
    const advice =
      more.length > 0 && scope.where === ""
        ? "Put the slices under modules, or merge it with models instead"
        : "Merge it with models instead";
    throw new WeightloomError(
      "PlanError",
      `${where}: ${model.ref} must have one stack of numbered layers to be sliced, but it has ${found}. ${advice}.`,
    );
  }
  if (stack.fixed === true) {
    throw new WeightloomError(
      "PlanError",
      `${where}: the blocks of ${model.ref} (${model.family.title}) have different shapes and cannot change places. Merge it with models instead.`,
    );
  }
  const [from, to] = source.layer_range;
  if (from < 0 || to > stack.layers || from >= to) {
    throw new WeightloomError(
      "PlanError",
      `${where}: layer_range [${from}, ${to}] of ${model.ref} is outside its layers; it has ${stack.layers}, so ranges go from 0 to ${stack.layers} with the end excluded.`,
    );
  }
  return stack;
}
