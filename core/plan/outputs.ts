/**
 * Which tensors the result has, and which tensors of which models each is made from. Names decide;
 * nothing is left out because its name is unknown.
 */
import { WeightloomError } from "../errors.ts";
import type { TensorInfo } from "../formats/checkpoint.ts";
import type { Model, Place, Stack } from "../model/model.ts";
import type { Recipe, Settings } from "../recipe/recipe.ts";
import { fromModules } from "./modules.ts";
import type { Lookup } from "./party.ts";
import type { Note } from "./plan.ts";
import { ofSlices } from "./sliced.ts";
import { ofModels } from "./whole.ts";

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
  /** Of the module it belongs to, for recipes with modules. */
  readonly module?: Settings | undefined;
  /** Why it is taken from the base, or the first source, as it is; absent for a tensor that is merged. */
  readonly carried?: string;
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

export function outline(recipe: Recipe, lookup: Lookup): Outline {
  const base = recipe.base_model;
  if (recipe.modules !== undefined) return fromModules(recipe.modules, base, lookup);
  const { tensors, stacks, models: all } = partOf(recipe, base, lookup, WHOLE);
  const donor = base === undefined ? all[0] : lookup(base);
  if (donor === undefined) throw new WeightloomError("PlanError", "The recipe names no model. Add one under models.");
  return { tensors, donor, stacks, notes: familyNotes(donor, all) };
}

/** What of a model is meant: all of it, or one of its modules. */
export interface Scope {
  /** Before the place in a sentence: "" or "modules.decoder.". */
  readonly where: string;
  stacks(model: Model): readonly Stack[];
  has(model: Model, tensor: string): boolean;
}

const WHOLE: Scope = { where: "", stacks: (model) => model.stacks, has: () => true };

/** The tensors that models or slices make. */
export interface Part {
  readonly tensors: readonly OutputTensor[];
  readonly stacks: Outline["stacks"];
  /** Every model that takes part, the one that gives the shape first. */
  readonly models: readonly Model[];
}

export function partOf(
  { models, slices }: Pick<Recipe, "models" | "slices">,
  base: string | undefined,
  lookup: Lookup,
  scope: Scope,
): Part {
  return slices === undefined ? ofModels(models ?? [], base, lookup, scope) : ofSlices(slices, base, lookup, scope);
}

export function familyNotes(donor: Model, models: readonly Model[]): Note[] {
  return [...new Set(models)]
    .filter((other) => other.family.id !== donor.family.id)
    .map((other) => ({
      severity: "warning",
      text: `${other.ref} is ${other.family.title}, ${donor.ref} is ${donor.family.title}. Tensors of the same name are merged; the result is configured as ${donor.family.title}.`,
    }));
}
