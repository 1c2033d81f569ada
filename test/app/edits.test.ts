/** What a person does to a recipe. */
import { describe, expect, test } from "vitest";
import { shaped } from "../../app/mixer/shapes.ts";
import {
  addModel,
  assemble,
  EMPTY,
  moveModel,
  removeModel,
  roleOf,
  setBase,
  setMethod,
  setModelParam,
  setParam,
} from "../../app/state/edits.ts";
import { renameModel } from "../../app/state/rename.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { printRecipe } from "../../core/recipe/print.ts";
import { METHODS } from "../../methods/index.ts";

const cast = ["base", "x", "y"];
const start = assemble(EMPTY, "ties", cast);

describe("recipes made by hand", () => {
  test.each([...METHODS.keys()])("%s: every method gets a recipe without faults", (id) => {
    const { diagnostics } = parseRecipe(printRecipe(setMethod(start, id, cast)), METHODS);
    expect(diagnostics).toEqual([]);
  });

  test("roles follow base and order", () => {
    expect(cast.map((name) => roleOf(start, name))).toEqual(["base", "A", "B"]);
    const turned = setBase(start, "y");
    expect(["y", "base", "x"].map((name) => roleOf(turned, name))).toEqual(["base", "A", "B"]);
    expect(roleOf(moveModel(start, "y", -1), "y")).toBe("A");
  });

  test("settings survive a change of method and back", () => {
    const set = setModelParam(start, "x", "weight", [0.1, 0.9]);
    const back = setMethod(setMethod(set, "dare_ties", cast), "ties", cast);
    expect(back.models?.find((entry) => entry.model === "x")?.parameters?.weight).toEqual([0.1, 0.9]);
  });

  test("models come, go and change their names", () => {
    expect(removeModel(addModel(start, "z"), "z")).toEqual(start);
    const renamed = renameModel(start, "base", "origin");
    expect(renamed.base_model).toBe("origin");
    expect(setParam(setParam(start, "lambda", 0.5), "lambda", undefined)).toEqual(start);
  });
});

test("shapes by name", () => {
  const flat = { values: [0.5, 0.5, 0.5, 0.5, 0.5], before: 0.5, after: null };
  expect(shaped(flat, "V", 0, 1)).toEqual({ values: [1, 0.5, 0, 0.5, 1], before: 1, after: null });
  expect(shaped(flat, "ramp up", 0, 1).values).toEqual([0, 0.25, 0.5, 0.75, 1]);
});
