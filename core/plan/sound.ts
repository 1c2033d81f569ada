/**
 * What a stack of slices must be before its tensors are looked at: the base among the sources of every slice, and layers of
 * one width. The studio's board says the same in the same words.
 */
import { WeightloomError } from "../errors.ts";
import type { AnyMethod } from "../method.ts";
import { modelFacts } from "../model/facts.ts";
import type { Recipe, Slice } from "../recipe/recipe.ts";
import { baseMissing, widthsDiffer } from "../recipe/stacked.ts";
import type { Lookup } from "./party.ts";

/** @throws PlanError for a stack that cannot be made */
export function refuseUnsound({ slices, modules, base_model: base }: Recipe, method: AnyMethod, lookup: Lookup): void {
  if (slices !== undefined) refuseStack(slices, "", base, method, lookup);
  for (const [name, module] of Object.entries(modules ?? {}))
    if (module.slices !== undefined) refuseStack(module.slices, `modules.${name}.`, base, method, lookup);
}

function refuseStack(
  slices: readonly Slice[],
  where: string,
  around: string | undefined,
  method: AnyMethod,
  lookup: Lookup,
): void {
  for (const [s, slice] of slices.entries()) {
    const base = method.base === "none" ? undefined : (slice.base_model ?? around);
    if (base !== undefined && !slice.sources.some(({ model }) => model === base))
      throw new WeightloomError(
        "PlanError",
        `${where}slices[${s}]: ${baseMissing(base)} Add its layers to the sources.`,
      );
  }
  const names = [...new Set(slices.flatMap(({ sources }) => sources.map(({ model }) => model)))];
  const wide = names.flatMap((name) => {
    const { hidden } = modelFacts(lookup(name));
    return hidden === null ? [] : [{ name, hidden }];
  });
  const differ = widthsDiffer(wide);
  if (differ !== null) throw new WeightloomError("PlanError", `${where}slices: ${differ}`);
}
