/** What the mixer keeps between two readings of a recipe. */
import { expect, test } from "vitest";
import { boardOf } from "../../app/mixer/board.ts";
import { createReader } from "../../app/mixer/kept.ts";
import { lockedTensors, withCurve } from "../../app/mixer/lanes.ts";
import { NO_LOCKS } from "../../app/state/mixer.ts";
import { recognise } from "../../core/model/families.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import type { ModelSummary } from "../../workers/api.ts";
import { expand } from "../model/names.ts";

const names = expand(["model.layers.{0..3}.self_attn.{k,q}_proj.weight", "model.layers.{0..3}.mlp.up_proj.weight"]);
const { family, stacks } = recognise(names, null);
const tensors = names.map((name) => ({ name, ...family.place(name) }));
const board = boardOf(
  { name: "base", family, stacks, filters: family.filters, tensors } as unknown as ModelSummary,
  null,
)!;
const recipe: Recipe = {
  merge_method: "task_arithmetic",
  base_model: "base",
  models: ["a", "b"].map((model) => ({ model, parameters: { weight: 0.5 } })),
};

test("after a stroke only the drawn curve is new, in the lanes it shows in", () => {
  const reader = createReader();
  const [dial] = reader.dials(recipe);
  const lanes = board.lanes.parts;
  const before = reader.lines(recipe, board, dial!, lanes);
  const q = lanes.find(({ title }) => title === "q_proj")!;
  const how = { board, dial: dial!, locked: lockedTensors(board, NO_LOCKS), exact: false };
  const drawn = withCurve(recipe, how, before.voices[0]!, q, [0.5, 0.5, 1, 0.5]);
  expect(drawn).not.toBe(recipe);
  expect(reader.dials(drawn)[0]).toBe(dial);
  const after = reader.lines(drawn, board, dial!, lanes);
  for (const lane of lanes) {
    const [was, is] = [before.byLane.get(lane.key)!, after.byLane.get(lane.key)!];
    if (lane !== q) expect(is, lane.title).toBe(was);
    expect(is[1]).toBe(was[1]);
  }
  expect(after.byLane.get(q.key)?.[0]?.reading.curve).toEqual([0.5, 0.5, 1, 0.5]);
  // Another order of the models is another letter.
  const turned: Recipe = { ...drawn, models: drawn.models!.toReversed() };
  expect(reader.lines(turned, board, dial!, lanes).voices.map(({ role }) => role)).toEqual(["A", "B"]);
});

test("another parameter, or one more model, is read anew", () => {
  const reader = createReader();
  const ties: Recipe = { ...recipe, merge_method: "ties" };
  const [weight, density] = reader.dials(ties);
  const lanes = board.lanes.all;
  const a = reader.lines(ties, board, weight!, lanes).byLane.get("all");
  const b = reader.lines(ties, board, density!, lanes).byLane.get("all");
  expect(b?.[0]?.reading.curve).not.toEqual(a?.[0]?.reading.curve);
  const more: Recipe = { ...ties, models: [...ties.models!, { model: "c", parameters: { weight: 1 } }] };
  expect(reader.lines(more, board, weight!, lanes).voices).toHaveLength(3);
});
