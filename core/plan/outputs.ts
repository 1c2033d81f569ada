/**
 * Which tensors the result has, and which tensors of which models each is made from. Names decide;
 * nothing is left out because its name is unknown.
 */
import { WeightloomError } from "../errors.ts";
import type { TensorInfo } from "../formats/checkpoint.ts";
import type { Model, Place, Stack } from "../model/model.ts";
import { standIn } from "../model/tied.ts";
import { gradientPosition } from "../recipe/evaluate.ts";
import type { ModelEntry, Recipe, Settings, Slice, SliceSource } from "../recipe/recipe.ts";
import type { Note } from "./plan.ts";

/** A model's part in one output tensor. */
export interface Source {
  /** How the recipe calls it; a second entry of the same model gets " (2)". */
  readonly label: string;
  readonly model: Model;
  /** Name of the tensor in that model. */
  readonly name: string;
  readonly info: TensorInfo | null;
  readonly parameters: Settings | undefined;
}

export interface OutputTensor {
  readonly name: string;
  readonly place: Place;
  /** Position on gradients, 0 to 1. */
  readonly t: number;
  /** Where in the result's layers it is, 0 (first) to 1 (last); null outside the layers. */
  readonly depth: number | null;
  readonly sources: readonly Source[];
  readonly base: Source | null;
  readonly slice: Settings | undefined;
}

/** One layer of the result: the model its config lists are taken from, and the layer there. */
export interface LayerOrigin {
  readonly model: Model;
  readonly layer: number;
}

export interface Outline {
  readonly tensors: readonly OutputTensor[];
  /** Gives config.json, tokenizer and the order of tensors. */
  readonly donor: Model;
  /** Per stack of the donor: where each layer of the result comes from. */
  readonly stacks: readonly { readonly prefix: string; readonly origins: readonly LayerOrigin[] }[];
  readonly notes: readonly Note[];
}

type Lookup = (ref: string) => Model;

export function outline(recipe: Recipe, lookup: Lookup): Outline {
  return recipe.slices === undefined ? fromModels(recipe, lookup) : fromSlices(recipe, recipe.slices, lookup);
}

/** Entries in order; the base is left out of them, it has its own place. */
interface Party {
  readonly entries: readonly {
    readonly label: string;
    readonly model: Model;
    readonly parameters: Settings | undefined;
  }[];
  readonly base: Model | null;
}

function partyOf(entries: readonly ModelEntry[], baseRef: string | undefined, lookup: Lookup): Party {
  const times = new Map<string, number>();
  const labelled = entries.map(({ model, parameters }) => {
    const time = (times.get(model) ?? 0) + 1;
    times.set(model, time);
    return { label: time === 1 ? model : `${model} (${time})`, model: lookup(model), parameters };
  });
  const base = baseRef === undefined ? null : lookup(baseRef);
  return { entries: labelled, base };
}

function fromModels(recipe: Recipe, lookup: Lookup): Outline {
  const { entries, base } = partyOf(recipe.models ?? [], recipe.base_model, lookup);
  const donor = base ?? entries[0]?.model;
  if (donor === undefined) throw new WeightloomError("PlanError", "The recipe names no model. Add one under models.");
  const others = [...new Set(entries.map((entry) => entry.model))].filter((model) => model !== donor);
  for (const other of others) sameDepth(donor, other);

  const names = new Set(donor.checkpoint.tensors.keys());
  for (const other of others) for (const name of other.checkpoint.tensors.keys()) names.add(name);
  const layersIn = new Map(donor.stacks.map((stack) => [stack.prefix, stack.layers]));

  const tensors = [...names].map((name): OutputTensor => {
    const place = donor.family.place(name);
    const layers = place.stack === null ? undefined : layersIn.get(place.stack);
    return {
      name,
      place,
      t: layers === undefined || place.layer === null ? 0 : gradientPosition(place.layer, layers),
      depth: layers === undefined || place.layer === null ? null : depthOf(place.layer, layers),
      sources: entries.map((entry) => ({ ...entry, name, info: find(entry.model, name) })),
      base: base === null ? null : sourceOf(base, name, recipe.base_model ?? base.ref),
      slice: undefined,
    };
  });
  const stacks = donor.stacks.map(({ prefix, layers }) => ({
    prefix,
    origins: Array.from({ length: layers }, (_, layer) => ({ model: donor, layer })),
  }));
  return { tensors, donor, stacks, notes: familyNotes(donor, others) };
}

function fromSlices(recipe: Recipe, slices: readonly Slice[], lookup: Lookup): Outline {
  const parties = slices.map((slice, s) => {
    const party = partyOf(slice.sources, slice.base_model ?? recipe.base_model, lookup);
    const stacks = party.entries.map((entry, i) => stackFor(entry.model, slice.sources[i]!, s));
    const length = lengthOf(slice, s);
    return { slice, party, stacks, length };
  });
  const first = parties[0];
  const last = parties.at(-1);
  if (first === undefined || last === undefined) {
    throw new WeightloomError("PlanError", "slices is empty. Give at least one slice with a source and a layer_range.");
  }
  const donor = recipe.base_model === undefined ? first.party.entries[0]!.model : lookup(recipe.base_model);
  const target = first.stacks[0]!;

  const tensors: OutputTensor[] = [];
  const outside = (party: (typeof parties)[number], wanted: (place: Place) => boolean) => {
    const template = party.party.entries[0]!.model;
    for (const name of template.checkpoint.tensors.keys()) {
      const place = template.family.place(name);
      if (place.stack === target.prefix || !wanted(place)) continue;
      tensors.push({ name, place, t: 0, depth: null, slice: party.slice.parameters, ...sourcesAt(party, () => name) });
    }
  };
  outside(first, (place) => place.end !== "after");

  const deep = parties.reduce((sum, { length }) => sum + length, 0);
  const origins: LayerOrigin[] = [];
  for (const party of parties) {
    const template = party.party.entries[0]!.model;
    const source = party.slice.sources[0]!;
    const stack = party.stacks[0]!;
    for (let j = 0; j < party.length; j++) {
      const layer = source.layer_range[0] + j;
      const number = origins.length;
      origins.push({ model: template, layer });
      for (const name of template.checkpoint.tensors.keys()) {
        const place = template.family.place(name);
        if (place.stack !== stack.prefix || place.layer !== layer) continue;
        const at = (i: number) =>
          `${party.stacks[i]!.prefix}.${party.slice.sources[i]!.layer_range[0] + j}.${place.part}`;
        tensors.push({
          name: `${target.prefix}.${number}.${place.part}`,
          place: { ...place, stack: target.prefix, layer: number },
          t: gradientPosition(j, party.length),
          depth: depthOf(number, deep),
          slice: party.slice.parameters,
          ...sourcesAt(party, at),
        });
      }
    }
  }
  outside(last, (place) => place.end === "after");
  const others = parties.flatMap((party) => party.party.entries.map((entry) => entry.model)).filter((m) => m !== donor);
  return {
    tensors,
    donor,
    stacks: [{ prefix: target.prefix, origins }],
    notes: familyNotes(donor, [...new Set(others)]),
  };
}

const depthOf = (layer: number, layers: number) => (layers <= 1 ? 0 : layer / (layers - 1));

interface PlacedParty {
  readonly slice: Slice;
  readonly party: Party;
}

/** The sources of one tensor of a slice; the base must be one of them, as layers of it are meant. */
function sourcesAt({ party }: PlacedParty, nameOf: (entry: number) => string): Pick<OutputTensor, "sources" | "base"> {
  const all = party.entries.map((entry, i) => ({ ...entry, name: nameOf(i), info: find(entry.model, nameOf(i)) }));
  return { sources: all, base: all.find((source) => source.model === party.base) ?? null };
}

function lengthOf(slice: Slice, s: number): number {
  const lengths = slice.sources.map(({ layer_range: [from, to] }) => to - from);
  if (lengths.some((length) => length !== lengths[0])) {
    const said = slice.sources.map(({ model, layer_range: [a, b] }) => `${model} [${a}, ${b}) has ${b - a}`).join(", ");
    throw new WeightloomError(
      "PlanError",
      `slices[${s}]: all sources must have equally many layers, but ${said}. Change the ranges so that they match.`,
    );
  }
  return lengths[0] ?? 0;
}

function stackFor(model: Model, source: SliceSource, s: number): Stack {
  const [stack, ...more] = model.stacks;
  if (stack === undefined || more.length > 0) {
    const found =
      stack === undefined ? "none" : model.stacks.map(({ prefix, layers }) => `${prefix} (${layers})`).join(", ");
    throw new WeightloomError(
      "PlanError",
      `slices[${s}]: ${model.ref} must have one stack of numbered layers to be sliced, but it has ${found}. Merge it with models instead.`,
    );
  }
  if (stack.fixed === true) {
    throw new WeightloomError(
      "PlanError",
      `slices[${s}]: the blocks of ${model.ref} (${model.family.title}) have different shapes and cannot change places. Merge it with models instead.`,
    );
  }
  const [from, to] = source.layer_range;
  if (from < 0 || to > stack.layers || from >= to) {
    throw new WeightloomError(
      "PlanError",
      `slices[${s}]: layer_range [${from}, ${to}] of ${model.ref} is outside its layers; it has ${stack.layers}, so ranges go from 0 to ${stack.layers} with the end excluded.`,
    );
  }
  return stack;
}

function sameDepth(donor: Model, other: Model): void {
  for (const { prefix, layers } of donor.stacks) {
    const theirs = other.stacks.find((stack) => stack.prefix === prefix)?.layers;
    if (theirs !== undefined && theirs !== layers) {
      throw new WeightloomError(
        "PlanError",
        `${other.ref} has ${theirs} layers in ${prefix} and ${donor.ref} has ${layers}; layers are merged one to one. ` +
          "Use slices to say which layers belong together, or leave one of the models out.",
      );
    }
  }
  const shared = [...donor.checkpoint.tensors.keys()].some((name) => other.checkpoint.tensors.has(name));
  if (!shared) {
    throw new WeightloomError(
      "PlanError",
      `${other.ref} (${other.family.title}) and ${donor.ref} (${donor.family.title}) have no tensor name in common, so there is nothing to merge. Choose models of one family.`,
    );
  }
}

function familyNotes(donor: Model, others: readonly Model[]): Note[] {
  return others
    .filter((other) => other.family.id !== donor.family.id)
    .map((other) => ({
      severity: "warning",
      text: `${other.ref} is ${other.family.title}, ${donor.ref} is ${donor.family.title}. Tensors of the same name are merged; the result is configured as ${donor.family.title}.`,
    }));
}

const sourceOf = (model: Model, name: string, label: string): Source => ({
  label,
  model,
  name,
  info: find(model, name),
  parameters: undefined,
});

/** The tensor of that name, or, in a model that ties its head to its embeddings, the embeddings. */
function find(model: Model, name: string): TensorInfo | null {
  const stored = model.checkpoint.tensors.get(name);
  const instead = stored === undefined ? standIn(model, name) : null;
  return stored ?? (instead === null ? null : (model.checkpoint.tensors.get(instead) ?? null));
}
