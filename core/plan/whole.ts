/** Models merged whole: every layer of one with the same layer of the others. */
import { WeightloomError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { gradientPosition } from "../recipe/evaluate.ts";
import type { ModelEntry } from "../recipe/recipe.ts";
import type { OutputTensor, Part, Scope } from "./outputs.ts";
import { depthOf, find, type Lookup, partyOf, sourceOf } from "./party.ts";

export function ofModels(
  models: readonly ModelEntry[],
  baseRef: string | undefined,
  lookup: Lookup,
  scope: Scope,
): Part {
  const { entries, base } = partyOf(models, baseRef, lookup);
  const donor = base ?? entries[0]?.model;
  if (donor === undefined) {
    throw new WeightloomError("PlanError", `${scope.where}models is empty. Name at least one model there.`);
  }
  const others = [...new Set(entries.map((entry) => entry.model))].filter((model) => model !== donor);
  for (const other of others) sameDepth(donor, other, scope);

  const names = new Set([donor, ...others].flatMap((model) => namesIn(model, scope)));
  const stacksThere = scope.stacks(donor);
  const layersIn = new Map(stacksThere.map((stack) => [stack.prefix, stack.layers]));

  const tensors = [...names].map((name): OutputTensor => {
    const place = donor.family.place(name);
    const layers = place.stack === null ? undefined : layersIn.get(place.stack);
    return {
      name,
      place,
      t: layers === undefined || place.layer === null ? 0 : gradientPosition(place.layer, layers),
      depth: layers === undefined || place.layer === null ? null : depthOf(place.layer, layers),
      sources: entries.map((entry) => ({ ...entry, name, info: find(entry.model, name) })),
      base: base === null ? null : sourceOf(base, name, baseRef ?? base.ref),
      slice: undefined,
    };
  });
  const stacks = stacksThere.map(({ prefix, layers }) => ({
    prefix,
    origins: Array.from({ length: layers }, (_, layer) => ({ model: donor, layer })),
  }));
  return { tensors, stacks, models: [donor, ...others] };
}

const namesIn = (model: Model, scope: Scope): string[] =>
  [...model.checkpoint.tensors.keys()].filter((name) => scope.has(model, name));

function sameDepth(donor: Model, other: Model, scope: Scope): void {
  for (const { prefix, layers } of scope.stacks(donor)) {
    const theirs = scope.stacks(other).find((stack) => stack.prefix === prefix)?.layers;
    if (theirs !== undefined && theirs !== layers) {
      throw new WeightloomError(
        "PlanError",
        `${other.ref} has ${theirs} layers in ${prefix} and ${donor.ref} has ${layers}; layers are merged one to one. ` +
          "Use slices to say which layers belong together, or leave one of the models out.",
      );
    }
  }
  const shared = namesIn(donor, scope).some((name) => other.checkpoint.tensors.has(name));
  if (!shared) {
    throw new WeightloomError(
      "PlanError",
      `${other.ref} (${other.family.title}) and ${donor.ref} (${donor.family.title}) have no tensor name in common, so there is nothing to merge. Choose models of one family.`,
    );
  }
}
