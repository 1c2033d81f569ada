import fc from "fast-check";
import { expect, test } from "vitest";
import { defineMethod, number } from "../../core/method.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { printRecipe } from "../../core/recipe/print.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { distance, nearest } from "../../core/recipe/words.ts";
import { METHODS } from "../../methods/index.ts";

const ODD = [
  "yes",
  "null",
  "1e5",
  "- a",
  "a: b",
  "#x",
  "*x",
  "&x",
  " pad ",
  "tab\t",
  "line\nbreak",
  "a\u2028b",
  "a\ufeffb",
  "~",
  "<<",
  "0x1F",
  "2024-01-01",
  "\ud800",
  "日本/模型",
  "👩‍🔬",
  "C:\\x",
  '"',
  "'",
  "{",
  "[",
  "%TAG",
  "@x",
  "`",
  "!!str",
  "---",
];
const name = fc.oneof(
  fc.constantFrom(...ODD),
  fc.string({ unit: "binary", minLength: 1 }).filter((text) => text.trim() !== ""),
  fc.stringMatching(/^[a-z]{1,8}\/[A-Za-z0-9.-]{1,12}$/),
);
const value = fc
  .oneof(
    fc.constantFrom(0, 1, 0.5, 1e-7, -1.5e-12, 1e21, 5e-324, Number.MAX_VALUE),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  .map((one) => one + 0);
function settingOf(numbers: fc.Arbitrary<number>) {
  const curve = fc.oneof(numbers, fc.array(numbers, { minLength: 1, maxLength: 40 }));
  const filter = fc.oneof(
    fc.record({ value: curve }),
    fc.record({ filter: fc.oneof(name, fc.constant("")), value: curve }),
  );
  return fc.oneof(curve, fc.array(filter, { minLength: 1, maxLength: 4 }));
}
const setting = settingOf(value);
const share = settingOf(fc.double({ min: 0, max: 1, noNaN: true }).map((one) => one + 0));
const forModels = fc.record({ weight: setting, density: share }, { requiredKeys: [] });
const forAll = fc.record({ weight: setting, lambda: setting, normalize: fc.boolean() }, { requiredKeys: ["weight"] });
const dtype = fc.constantFrom("float32" as const, "float16" as const, "bfloat16" as const);
const tail = { dtype, out_dtype: dtype };
const entry = fc.record({ model: name, parameters: forModels }, { requiredKeys: ["model"] });

const withModels = fc.record(
  {
    merge_method: fc.constant("ties"),
    base_model: name,
    parameters: forAll,
    models: fc.array(entry, { minLength: 1, maxLength: 4 }),
    ...tail,
  },
  { requiredKeys: ["merge_method", "base_model", "parameters", "models"] },
);
const slice = fc
  .tuple(fc.nat(90), fc.integer({ min: 1, max: 9 }), fc.array(entry, { minLength: 1, maxLength: 3 }), forAll)
  .map(([from, count, entries, parameters]) => {
    const layer_range = [from, from + count] as const;
    const sources = ["base", ...entries].map((one) =>
      typeof one === "string" ? { model: one, layer_range } : { ...one, layer_range },
    );
    return { sources, base_model: "base", parameters };
  });
const withSlices = fc.record(
  { merge_method: fc.constant("ties"), slices: fc.array(slice, { minLength: 1, maxLength: 3 }), ...tail },
  { requiredKeys: ["merge_method", "slices"] },
);

test("what is printed reads back equal", () => {
  const recipes = fc.oneof(withModels, withSlices) as fc.Arbitrary<Recipe>;
  fc.assert(
    fc.property(recipes, (recipe) => {
      const besides = recipe.models?.some(({ model }) => model !== recipe.base_model) ?? true;
      fc.pre(besides && (recipe.slices?.every(({ sources }) => sources.some(({ model }) => model !== "base")) ?? true));
      expect(parseRecipe(printRecipe(recipe), METHODS)).toEqual({ recipe, diagnostics: [] });
    }),
    { numRuns: 300 },
  );
});

test("order of keys, flow gradients, block filters", () => {
  const recipe: Recipe = {
    out_dtype: "bfloat16",
    dtype: "float32",
    parameters: { t: [{ filter: "self_attn", value: [0, 0.5, 1] }, { value: 1e-7 }] },
    base_model: "org/a",
    merge_method: "slerp",
    models: [{ model: "b: c" }],
  };
  expect(printRecipe(recipe)).toBe(`models:
  - model: "b: c"
merge_method: slerp
base_model: org/a
parameters:
  t:
    - filter: self_attn
      value: [0, 0.5, 1]
    - value: 1.0e-7
dtype: float32
out_dtype: bfloat16
`);
});

test("long gradients wrap", () => {
  const weight = Array.from({ length: 80 }, (_, i) => i / 7);
  const text = printRecipe({ merge_method: "linear", models: [{ model: "a", parameters: { weight } }] });
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(120);
  expect(parseRecipe(text, METHODS).recipe?.models?.[0]?.parameters).toEqual({ weight });
});

test("hard ranges are errors, soft ones say nothing", () => {
  const strict = defineMethod({
    id: "strict",
    title: "",
    summary: "",
    use: "",
    reference: "",
    base: "none",
    models: { min: 1 },
    rows: "common",
    params: {
      hard: number("model", { default: 1, min: 0, max: 1, hard: true, help: "" }),
      soft: number("model", { default: 1, min: 0, max: 1, help: "" }),
    },
    merge: ({ models }) => models[0]!.tensor,
  });
  const text = "merge_method: strict\nmodels: [{model: a}]\nparameters: {soft: 7, hard: [0.5, {value: 1.5}, 2]}\n";
  const list = "merge_method: strict\nmodels: [{model: a}]\nparameters: {soft: 7, hard: [0.5, 1.5]}\n";
  const said = (words: string) => parseRecipe(words, new Map([["strict", strict]])).diagnostics;
  expect(said(list).map(({ line, column, message }) => [line, column, message])).toEqual([
    [3, 35, `"hard" must be between 0 and 1; found the number 1.5. Choose a value in that range.`],
  ]);
  expect(said(text)).toHaveLength(3);
});

test("edits", () => {
  expect([distance("densty", "density"), distance("wieght", "weight"), distance("", "abc")]).toEqual([1, 1, 3]);
  expect(nearest("lamda", ["weight", "lambda"])).toBe("lambda");
  expect(nearest("zzz", ["weight", "lambda"])).toBeUndefined();
});
