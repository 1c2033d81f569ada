/** Stacks that cannot be made are refused by the plan, in the words of the board. */
import { expect, test } from "vitest";
import { problemsOf } from "../../app/state/soundness.ts";
import { modelFacts } from "../../core/model/facts.ts";
import type { Recipe, SliceSource } from "../../core/recipe/recipe.ts";
import type { ModelSummary } from "../../workers/api.ts";
import { madeModel, planOf } from "../support/made.ts";

const config = (hidden: number) => ({ model_type: "llama", hidden_size: hidden, num_hidden_layers: 4 });
const layers = (value: number) => ({ "model.layers.{0..3}.mlp.up_proj.weight": value });
const source = (model: string, from: number, to: number): SliceSource => ({ model, layer_range: [from, to] });

/** What the board says of the whole stack and of its slices. */
function boardSays(recipe: Recipe, models: Awaited<ReturnType<typeof madeModel>>[]): string[] {
  const find = (name: string) => {
    const model = models.find(({ ref }) => ref === name);
    if (model === undefined) return undefined;
    const { family, stacks } = model;
    return { name, family, stacks, hidden: modelFacts(model).hidden } as unknown as ModelSummary;
  };
  return problemsOf(recipe, find).map(({ text }) => text);
}

test("a slice without the base's layers is refused where the method has a base", async () => {
  const models = await Promise.all(["base", "a", "b"].map((ref, i) => madeModel(ref, layers(i), config(2))));
  const recipe: Recipe = {
    merge_method: "slerp",
    base_model: "base",
    parameters: { t: 0.5 },
    slices: [
      { sources: [source("base", 0, 2), source("a", 0, 2)] },
      { sources: [source("a", 2, 4), source("b", 2, 4)] },
    ],
  };
  expect(() => planOf(recipe, models)).toThrow(
    "slices[1]: The base base is not among the sources of this slice. Add its layers to the sources.",
  );
  expect(boardSays(recipe, models)).toEqual(["The base base is not among the sources of this slice."]);
  const own: Recipe = {
    ...recipe,
    slices: recipe.slices!.map((one, i) => (i === 1 ? { ...one, base_model: "a" } : one)),
  };
  expect(planOf(own, models).layers).toBe(4);
});

test("a base that is only named, by a method without one, lends its config as before", async () => {
  const models = await Promise.all(["base", "a"].map((ref, i) => madeModel(ref, layers(i), config(2))));
  const recipe: Recipe = {
    merge_method: "passthrough",
    base_model: "base",
    slices: [{ sources: [source("a", 0, 3)] }],
  };
  expect(planOf(recipe, models).layers).toBe(3);
});

test("layers of different width are not stacked", async () => {
  const models = [await madeModel("a", layers(1), config(2)), await madeModel("wide", layers(2), config(4096))];
  const recipe: Recipe = {
    merge_method: "passthrough",
    slices: [{ sources: [source("a", 0, 2)] }, { sources: [source("wide", 2, 4)] }],
  };
  const [said] = boardSays(recipe, models);
  expect(said).toBe(
    "Layers of different width cannot be stacked: a is 2 wide, wide is 4,096 wide. Keep the models of one width and remove the rest.",
  );
  expect(() => planOf(recipe, models)).toThrow(`slices: ${said}`);
});
