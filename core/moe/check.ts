/** What can be said of the document alone, before any model is looked at. */
import { WeightloomError } from "../errors.ts";
import type { Note } from "../plan/plan.ts";
import type { MoeExpert, MoeRecipe } from "../recipe/moe.ts";

const refuse = (text: string) => new WeightloomError("RecipeError", text);

/**
 * @returns experts per token
 * @throws RecipeError for a document no models could satisfy
 */
export function checkRecipe(moe: MoeRecipe, notes: Note[]): number {
  const { experts } = moe;
  const perToken = moe.experts_per_token ?? 2;
  if (!Number.isInteger(perToken) || perToken < 1)
    throw refuse(`experts_per_token is ${perToken}; it must be a whole number from 1.`);
  if (experts.length < perToken)
    throw refuse(
      `There are ${experts.length} experts, but experts_per_token is ${perToken}${moe.experts_per_token === undefined ? " when not given" : ""}. Add experts, or lower experts_per_token.`,
    );
  for (const [i, expert] of [...experts, ...(moe.shared_experts ?? [])].entries()) checkNumbers(expert, i);
  if (moe.gate_mode === "cheap_embed") checkPrompts(moe);
  else
    notes.push({
      severity: "warning",
      text: `gate_mode ${moe.gate_mode}: the router is random, so the result needs training before it is of use.`,
    });
  if (experts.length > 1 && experts.every(({ source_model }) => source_model === experts[0]?.source_model)) {
    notes.push({
      severity: "warning",
      text: `All experts are ${experts[0]?.source_model}: the result is larger than that model and computes ${experts.some((one) => one.noise_scale) ? "nearly " : ""}the same. It is of use only as the start of a training.`,
    });
  }
  if ((experts.length & (experts.length - 1)) !== 0) {
    notes.push({
      severity: "info",
      text: `${experts.length} experts are not a power of two, which llama.cpp asks for; transformers takes any number.`,
    });
  }
  return perToken;
}

function checkNumbers(expert: MoeExpert, i: number): void {
  for (const key of ["noise_scale", "residual_scale"] as const) {
    const value = expert[key];
    if (value !== undefined && (!Number.isFinite(value) || (key === "noise_scale" && value < 0)))
      throw refuse(
        `${key} of expert ${i + 1} (${expert.source_model}) is ${value}; it must be a number${key === "noise_scale" ? " from 0" : ""}.`,
      );
  }
}

function checkPrompts({ experts, shared_experts }: MoeRecipe): void {
  const silent = [...experts, ...(shared_experts ?? [])].findIndex(({ positive_prompts }) => !positive_prompts?.length);
  if (silent >= 0) {
    const which = silent < experts.length ? `Expert ${silent + 1}` : "The shared expert";
    const name = (experts[silent] ?? shared_experts?.[silent - experts.length])?.source_model;
    throw refuse(
      `${which} (${name}) has no positive_prompts, from which gate_mode cheap_embed makes its row of the router. Give each expert prompts it should answer, or choose gate_mode random.`,
    );
  }
  const said = experts.map(({ positive_prompts, negative_prompts }) =>
    JSON.stringify([positive_prompts, negative_prompts ?? []]),
  );
  if (said.length > 1 && said.every((one) => one === said[0]))
    throw refuse(
      "All experts have the same prompts, so the router could not tell them apart. Give each expert prompts of its own.",
    );
}
