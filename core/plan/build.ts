/**
 * Turns a recipe and opened models into a plan. Pure: the same headers, recipe and limits give the
 * same plan, and nothing but headers has been read.
 */
import { type OutputDtype, TORCH_NAMES } from "../bytes/dtype.ts";
import { WeightloomError } from "../errors.ts";
import { countOf } from "../formats/checkpoint.ts";
import { layoutShards } from "../formats/write.ts";
import type { Model } from "../model/model.ts";
import { printRecipe } from "../recipe/print.ts";
import type { Recipe, RecipeDtype } from "../recipe/recipe.ts";
import type { TokenizerPlan } from "../tokenizer/plan.ts";
import { extrasOf } from "./extras.ts";
import { peakOf, readBytesOf, tiling } from "./memory.ts";
import { type Draft, draft } from "./merge.ts";
import { type OutputTensor, outline, type Source } from "./outputs.ts";
import type { Note, Plan, PlanOptions, TensorPlan } from "./plan.ts";

/**
 * @param models opened models by the names the recipe uses
 * @throws PlanError or RecipeError when recipe and models do not fit together
 */
export function buildPlan(recipe: Recipe, models: ReadonlyMap<string, Model>, options: PlanOptions): Plan {
  const method = options.methods.get(recipe.merge_method);
  if (method === undefined) {
    throw new WeightloomError(
      "RecipeError",
      `merge_method is "${recipe.merge_method}"; there are ${[...options.methods.keys()].join(", ")}.`,
    );
  }
  const notes = new Map<string, Note>();
  const note = (one: Note) => {
    notes.set(`${one.text}${one.tensor ?? ""}`, one);
  };
  const lookup = (ref: string): Model => {
    const model = models.get(ref);
    if (model === undefined)
      throw new WeightloomError(
        "PlanError",
        `Model "${ref}" is named in the recipe but not open. Add it, or take it out of the recipe.`,
      );
    return model;
  };

  const shape = outline(recipe, lookup);
  for (const one of shape.notes) note(one);
  const dtype = outputDtype(recipe.out_dtype ?? recipe.dtype);
  const context = { recipe, method, seed: options.seed, dtype, note };
  const tokenizer = options.tokenizer ?? null;
  const drafts = shape.tensors.map((tensor) => draft(inNewVocabulary(tensor, tokenizer), context));

  const text = options.text ?? printRecipe(recipe);
  const layout = layoutShards(
    drafts.map((one) => ({ name: one.name, dtype: one.dtype, shape: one.shape, bytes: bytesOf(one) })),
    options.shardBytes,
    { format: "pt", "weightloom.recipe": text },
  );
  const tensors = drafts.map((one, i): TensorPlan => {
    const output = layout.placements[i]!;
    return one.action === "copy" ? { ...one, output } : { ...one, output, ...tiling(one, options) };
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
    readBytes: tensors.reduce((sum, tensor) => sum + readBytesOf(tensor), 0),
    writeBytes: [
      ...layout.files.map((file) => file.size),
      ...extras.map(({ content }) => (content instanceof Uint8Array ? content.length : content.size)),
    ].reduce((a, b) => a + b, 0),
    peakBytes: peakOf(tensors, options.memory),
    parameters: tensors.reduce((sum, tensor) => sum + countOf(tensor.shape), 0),
    layers: shape.stacks.reduce((sum, stack) => sum + stack.origins.length, 0),
    notes: grouped([...notes.values()]),
  };
}

/** The same tensor with every model's embedding in the order of the result's tokens. */
function inNewVocabulary(tensor: OutputTensor, tokenizer: TokenizerPlan | null): OutputTensor {
  if (tokenizer === null) return tensor;
  const turned = (source: Source): Source =>
    source.info === null ? source : { ...source, info: tokenizer.tensor(source.model, source.info, source.name) };
  return { ...tensor, sources: tensor.sources.map(turned), base: tensor.base === null ? null : turned(tensor.base) };
}

const bytesOf = (one: Draft) =>
  one.action === "copy" ? one.from.range.end - one.from.range.start : one.count * (one.dtype === "F32" ? 4 : 2);

function outputDtype(name: RecipeDtype | undefined): OutputDtype | null {
  const found = (Object.keys(TORCH_NAMES) as OutputDtype[]).find((dtype) => TORCH_NAMES[dtype] === name);
  return found ?? null;
}

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
