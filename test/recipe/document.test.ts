import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { defineMethod, number } from "../../core/method.ts";
import { modelsOfDocument, stagesUsed } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { modelsOf, renamed } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";

const good = (file: string) => {
  const text = readFileSync(new URL(`./good/${file}.yml`, import.meta.url), "utf8");
  const { document } = parseDocument(text, METHODS);
  if (document === null) throw new Error(`${file} has no document`);
  return document;
};

test("stages come in an order that can be run, the result last", () => {
  const document = good("stream");
  if (document.kind !== "merge") throw new Error(document.kind);
  expect(document.stages.map(({ name }) => name)).toEqual(["math-and-code", "prose", undefined]);
  const names = new Set(["math-and-code", "prose"]);
  expect(document.stages.map((stage) => stagesUsed(stage, names))).toEqual([
    [],
    ["math-and-code"],
    ["math-and-code", "prose"],
  ]);
});

test("models of a stream are those no stage makes", () => {
  expect(modelsOfDocument(good("stream"))).toEqual(["org/base", "org/math", "org/code", "org/a"]);
  expect(modelsOfDocument(good("stream-named"))).toEqual(["a", "b"]);
  expect(modelsOfDocument(good("moe-random"))).toEqual(["a%2Bb", "b", "c", "d"]);
});

test("models of a recipe: base, models, modules, vocabulary", () => {
  const models = (file: string) => {
    const document = good(file);
    return document.kind === "merge" ? modelsOf(document.stages[0]!) : [];
  };
  expect(models("modules")).toEqual(["org/base", "org/math", "org/code", "org/eyes"]);
  expect(models("tokenizer")).toEqual(["org/base", "org/chat", "c%40t", "org/llama", "x%2By@r"]);
  expect(models("tokenizer-model")).toEqual(["org/a", "org/b", "org/tokens@v2"]);
});

test.each(["modules", "tokenizer", "tokenizer-model", "refs", "slices-with-parameters"])("%s, renamed", (file) => {
  const document = good(file);
  const recipe = document.kind === "merge" ? document.stages[0]! : null!;
  const other = renamed(recipe, (model) => `new/${model}`);
  expect(modelsOf(other)).toEqual(modelsOf(recipe).map((model) => `new/${model}`));
  expect(renamed(other, (model) => model.slice(4))).toEqual(recipe);
});

test("a method may or may not be given a base, which is not one of its models", () => {
  const orbit = defineMethod({
    id: "orbit",
    title: "",
    summary: "",
    use: "",
    reference: "",
    base: "optional",
    models: { min: 2, max: 2 },
    rows: "common",
    params: { weight: number("model", { default: null, help: "" }) },
    merge: ({ models }) => models[0]!.tensor,
  });
  const said = (text: string) =>
    parseRecipe(`merge_method: orbit\n${text}`, new Map([["orbit", orbit]])).diagnostics.map((one) => one.message);
  const models = "models: [{model: a, parameters: {weight: 1}}, {model: b, parameters: {weight: 1}}";
  expect(said(`${models}]`)).toEqual([]);
  expect(said(`${models}]\nbase_model: c`)).toEqual([]);
  expect(said(`${models}, {model: c}]\nbase_model: c`)).toEqual([]);
  expect(said(`${models}]\nbase_model: b`)).toEqual([
    'orbit merges exactly 2 models besides the base "b"; the recipe lists 1. Add one.',
  ]);
  const slice = "slices: [{sources: [{model: a, layer_range: [0, 1]}, {model: b, layer_range: [0, 1]}]}]";
  expect(said(`${slice}\nparameters: {weight: 1}\nbase_model: c`)).toEqual([
    'The base "c" is not a source of slice 1. Add it there with the layers to compare with.',
  ]);
  expect(said(`${slice}\nparameters: {weight: 1}`)).toEqual([]);
});

test("a hundred recipes in a file, and not one more", () => {
  const one = (i: number) =>
    `name: m${i}\nmerge_method: linear\nmodels: [{model: m${i + 1}}]\nparameters: {weight: 1}\n`;
  const many = (count: number) => Array.from({ length: count }, (_, i) => one(i)).join("---\n");
  const { document } = parseDocument(many(100), METHODS);
  expect(document?.kind === "merge" && document.stages.map(({ name }) => name).slice(-2)).toEqual(["m1", "m0"]);
  expect(parseDocument(many(101), METHODS).diagnostics[0]?.message).toMatch(/may hold 100 recipes; found 101/);
});
