/**
 * Turns a recipe and opened models into a plan. Pure: the same headers, recipe and limits give the
 * same plan, and nothing but headers has been read.
 */
import { WeightloomError } from "../errors.ts";
import { layoutShards } from "../formats/write.ts";
import type { Model } from "../model/model.ts";
import { printRecipe } from "../recipe/print.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { adviceOf } from "./advice.ts";
import { extrasOf } from "./extras.ts";
import { figuresOf, sweepsOf } from "./memory.ts";
import type { Draft } from "./merge.ts";
import type { Note, Plan, PlanOptions, TensorPlan } from "./plan.ts";
import { draftAll, earlierResults } from "./stages.ts";

/**
 * @param recipes one, or the stages of a chain: each may name the results of those before it; the last is the result
 * @param models opened models by the names the recipes use
 * @throws PlanError or RecipeError when recipe and models do not fit together
 */
export function buildPlan(
  recipes: Recipe | readonly Recipe[],
  models: ReadonlyMap<string, Model>,
  options: PlanOptions,
): Plan {
  const stages: readonly Recipe[] = isList(recipes) ? recipes : [recipes];
  const recipe = stages.at(-1);
  if (recipe === undefined) throw new WeightloomError("RecipeError", "There is no recipe. Write one first.");
  const notes = new Map<string, Note>();
  const note = (one: Note) => {
    notes.set(`${one.text}${one.tensor ?? ""}`, one);
  };
  const earlier = earlierResults(stages.slice(0, -1), models, { ...options, note });
  const drafted = draftAll(recipe, earlier, { ...options, note });
  const { method, outline: shape, dtype, drafts } = drafted;
  for (const one of adviceOf([...earlier.drafted, drafted], models, options.methods)) note(one);

  const tokenizer = options.tokenizer ?? null;
  const text = options.text ?? stages.map(printRecipe).join("---\n");
  const layout = layoutShards(
    drafts.map((one) => ({ name: one.name, dtype: one.dtype, shape: one.shape, bytes: bytesOf(one) })),
    options.shardBytes,
    { format: "pt", "weightloom.recipe": text },
  );
  const tensors = drafts.map((one, i): TensorPlan => {
    const output = layout.placements[i]!;
    if (one.action === "copy") return { ...one, output };
    const { expression, ...rest } = one;
    return { ...rest, output, ...sweepsOf(rest, expression, options) };
  });
  const extras = extrasOf({
    recipe,
    method,
    outline: shape,
    tensors,
    layout,
    dtype,
    text,
    models,
    title: options.title ?? "merge",
    tokenizer,
    note,
  });
  for (const one of tokenizer?.notes ?? []) note(one);
  const merged = tensors.filter((tensor) => tensor.action === "merge").length;
  if (merged === 0 && method.id !== "passthrough") {
    note({
      severity: "warning",
      text: "Nothing is blended: with these settings every tensor is a copy of one model's.",
    });
  }
  return {
    recipe,
    method,
    tensors,
    files: layout.files,
    extras,
    ...figuresOf(tensors, layout.files, extras, options.memory),
    layers: shape.stacks.reduce((sum, stack) => sum + stack.origins.length, 0),
    notes: grouped([...notes.values()]),
  };
}

/** Array.isArray that keeps readonly lists. */
function isList(recipes: Recipe | readonly Recipe[]): recipes is readonly Recipe[] {
  return Array.isArray(recipes);
}

const bytesOf = (one: Draft) =>
  one.action === "copy" ? one.from.range.end - one.from.range.start : one.count * (one.dtype === "F32" ? 4 : 2);

/** The same remark about many tensors becomes one remark with a count. */
function grouped(notes: readonly Note[]): Note[] {
  const byText = new Map<string, Note[]>();
  for (const note of notes) byText.set(note.text, [...(byText.get(note.text) ?? []), note]);
  return [...byText.entries()].map(([text, same]) => {
    const [first] = same;
    if (first?.tensor === undefined) return { severity: first?.severity ?? "info", text };
    const named = same
      .slice(0, 3)
      .map((note) => note.tensor)
      .join(", ");
    const rest = same.length > 3 ? ` and ${same.length - 3} more` : "";
    return {
      severity: first.severity,
      text: `${named}${rest}: ${text.charAt(0).toLowerCase()}${text.slice(1)}`,
      tensor: first.tensor,
    };
  });
}
