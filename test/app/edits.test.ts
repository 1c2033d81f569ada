/** What a person does to a recipe. */
import { describe, expect, test } from "vitest";
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
  unsetBase,
} from "../../app/state/edits.ts";
import {
  paddingOf,
  setChatTemplate,
  setPadding,
  setTokenizerSource,
  tokenizerSource,
} from "../../app/state/vocabulary.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { printRecipe } from "../../core/recipe/print.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
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
    expect(setParam(setParam(start, "lambda", 0.5), "lambda", undefined)).toEqual(start);
  });
});

describe("an optional base", () => {
  const based = setMethod(start, "nuslerp", cast);

  test("is one where enough models are left beside it", () => {
    expect(based).toMatchObject({ base_model: "base", models: [{ model: "x" }, { model: "y" }] });
    const two = setMethod(assemble(EMPTY, "ties", ["base", "x"]), "nuslerp", ["base", "x"]);
    expect(two.base_model).toBeUndefined();
    expect(two.models?.map(({ model }) => model)).toEqual(["base", "x"]);
    expect(setMethod(two, "ties", [])).toMatchObject({ base_model: "base", models: [{ model: "x" }] });
  });

  test("can be one of the models instead, and another can be it", () => {
    const plain = unsetBase(assemble(based, "multislerp", cast));
    expect(plain.base_model).toBeUndefined();
    expect(plain.models?.map(({ model }) => model)).toEqual(cast);
    expect(setBase(plain, "y")).toMatchObject({ base_model: "y", models: [{ model: "base" }, { model: "x" }] });
  });

  test("every step is a recipe without faults", () => {
    for (const recipe of [based, unsetBase(based), setBase(unsetBase(based), "y")])
      expect(parseRecipe(printRecipe(recipe), METHODS).diagnostics).toEqual([]);
  });
});

describe("keys an edit is not about", () => {
  const kept = {
    name: "step",
    tokenizer: { source: "x", tokens: { "<a>": { source: "y", force: true } }, pad_to_multiple_of: 8 },
    chat_template: "chatml",
    compat: "mergekit",
    dtype: "float32",
    out_dtype: "bfloat16",
  } as const;
  const full: Recipe = { ...start, ...kept };

  test.each<[string, (recipe: Recipe) => Recipe]>([
    ["method", (r) => setMethod(r, "slerp", cast)],
    ["add", (r) => addModel(r, "z")],
    ["remove", (r) => removeModel(r, "y")],
    ["base", (r) => setBase(r, "y")],
    ["no base", unsetBase],
    ["move", (r) => moveModel(r, "y", -1)],
    ["parameter", (r) => setParam(r, "lambda", 0.5)],
    ["model's parameter", (r) => setModelParam(r, "x", "weight", 0.5)],
  ])("%s leaves them", (_, change) => {
    expect(change(full)).toMatchObject(kept);
  });

  test("modules stay, with parameters the new method knows", () => {
    const modules = { text: { models: [{ model: "x", parameters: { weight: 1, density: 0.5 } }, { model: "y" }] } };
    const recipe: Recipe = { merge_method: "ties", base_model: "base", modules };
    const changed = setMethod(recipe, "linear", cast);
    expect(changed.modules?.text?.models).toEqual([
      { model: "x", parameters: { weight: 1 } },
      { model: "y", parameters: { weight: 0.5 } },
    ]);
    for (const change of [addModel, removeModel, setBase]) expect(change(recipe, "x")).toBe(recipe);
  });

  test("slices stay when a model comes or goes", () => {
    const slices = [{ sources: [{ model: "x", layer_range: [0, 4] }] }] as const;
    const recipe: Recipe = { merge_method: "passthrough", slices };
    for (const change of [addModel, removeModel, setBase]) expect(change(recipe, "x")).toBe(recipe);
    expect(setMethod(recipe, "linear", cast)).toMatchObject({ merge_method: "linear", models: [{}, {}, {}] });
  });
});

describe("vocabulary", () => {
  const tokens = { "<a>": { source: "x" } };

  test("a source is written, rules of tokens stay, and nothing is left when it goes", () => {
    const union = setTokenizerSource({ ...start, tokenizer: { tokens } }, "union");
    expect(union.tokenizer).toEqual({ source: "union", tokens });
    expect(tokenizerSource(union)).toBe("union");
    expect(setTokenizerSource(union, null)).toEqual(start);
  });

  test("mergekit's older key becomes the newer one", () => {
    const older: Recipe = { ...start, tokenizer_source: "y" };
    expect(tokenizerSource(older)).toBe("y");
    expect(setPadding(older, 64)).toEqual({ ...start, tokenizer: { source: "y", pad_to_multiple_of: 64 } });
  });

  test("padding without a tokenizer takes the base's, or the first model's", () => {
    expect(setPadding(start, 64).tokenizer).toEqual({ source: "base", pad_to_multiple_of: 64 });
    const baseless: Recipe = { merge_method: "linear", models: [{ model: "x" }] };
    expect(setPadding(baseless, 8).tokenizer).toEqual({ source: "x", pad_to_multiple_of: 8 });
    expect(paddingOf(setPadding(setPadding(start, 64), null))).toBeNull();
    expect(setPadding(start, null)).toBe(start);
  });

  test("a template comes and goes", () => {
    const chatml = setChatTemplate(start, "chatml");
    expect(chatml.chat_template).toBe("chatml");
    expect(setChatTemplate(chatml, null)).toEqual(start);
  });
});
