import fc from "fast-check";
import { expect, test } from "vitest";
import { defineMethod, number } from "../../core/method.ts";
import { type Document, printDocument } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { printRecipe } from "../../core/recipe/print.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { formatRef } from "../../core/recipe/ref.ts";
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
/** Odd paths as references, now and then with a revision and an adapter. */
const part = fc.record({ path: name, revision: name }, { requiredKeys: ["path"] });
const ref = fc.oneof(
  name.map((path) => formatRef({ path })),
  fc.tuple(part, part).map(([model, lora]) => formatRef({ ...model, lora })),
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
const row = fc.oneof(
  ref,
  fc.constant({ kind: "zero" as const }),
  fc.record({ kind: fc.constant("model_token" as const), model: ref, token: name }),
  fc.record({ kind: fc.constant("model_token" as const), model: ref, token_id: fc.nat() }),
);
const token = name.filter((text) => text.length < 500);
const tokenizer = fc.record(
  {
    source: fc.oneof(fc.constantFrom("union", "base"), ref),
    tokens: fc.dictionary(token, fc.record({ source: row, force: fc.boolean() }, { requiredKeys: [] }), { maxKeys: 4 }),
    pad_to_multiple_of: fc.integer({ min: 1, max: 65_536 }),
  },
  { requiredKeys: [] },
);
const template = fc.oneof(
  fc.constantFrom("auto", "chatml"),
  name.map((text) => `{{ ${text} }}\n`),
);
const folder = name.filter((text) => !/[/\\\0+@]|^\.\.?$|%(2B|40|25)/i.test(text));
const tail = {
  dtype,
  out_dtype: dtype,
  tokenizer,
  chat_template: template,
  name: folder,
  compat: fc.constant("mergekit" as const),
};
const entry = fc.record({ model: ref, parameters: forModels }, { requiredKeys: ["model"] });

const withModels = fc.record(
  {
    merge_method: fc.constant("ties"),
    base_model: ref,
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
const withModules = fc
  .record(
    {
      merge_method: fc.constant("linear"),
      modules: fc.dictionary(
        token,
        fc.record({
          models: fc.array(entry, { minLength: 1, maxLength: 2 }),
          parameters: fc.record({ weight: setting }),
        }),
        { minKeys: 1, maxKeys: 3 },
      ),
      parameters: fc.record({ weight: setting }),
      tokenizer_source: fc.oneof(fc.constantFrom("union", "base"), ref),
      chat_template: template,
    },
    { requiredKeys: ["merge_method", "modules"] },
  )
  .map(({ modules, ...rest }) => ({
    ...rest,
    // `linear` has no density.
    modules: Object.fromEntries(
      Object.entries(modules).map(([key, { models, parameters }]) => [
        key,
        { parameters, models: models.map(({ model }) => ({ model })) },
      ]),
    ),
  }));
const withSlices = fc.record(
  { merge_method: fc.constant("ties"), slices: fc.array(slice, { minLength: 1, maxLength: 3 }), ...tail },
  { requiredKeys: ["merge_method", "slices"] },
);

test("what is printed reads back equal", () => {
  const recipes = fc.oneof(withModels, withSlices, withModules) as fc.Arbitrary<Recipe>;
  fc.assert(
    fc.property(recipes, (recipe) => {
      const besides = recipe.models?.some(({ model }) => model !== recipe.base_model) ?? true;
      const source = recipe.tokenizer?.source ?? recipe.tokenizer_source ?? "";
      fc.pre(source === "union" || source === "base" || nearest(source, ["union", "base"]) === undefined);
      fc.pre(besides && (recipe.slices?.every(({ sources }) => sources.some(({ model }) => model !== "base")) ?? true));
      expect(parseRecipe(printRecipe(recipe), METHODS)).toEqual({ recipe, diagnostics: [] });
    }),
    { numRuns: 300 },
  );
});

const prompts = fc.array(name, { minLength: 1, maxLength: 3 });
const expert = fc.record(
  {
    source_model: ref,
    positive_prompts: prompts,
    negative_prompts: prompts,
    noise_scale: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((one) => one + 0),
    residual_scale: value,
  },
  { requiredKeys: ["source_model"] },
);
const mixture = fc.record(
  {
    base_model: ref,
    gate_mode: fc.constantFrom("random" as const, "uniform_random" as const),
    experts: fc.array(expert, { minLength: 2, maxLength: 4 }),
    experts_per_token: fc.constantFrom(1, 2),
    shared_experts: fc.array(expert, { minLength: 1, maxLength: 2 }),
    architecture: fc.constantFrom("mixtral" as const, "deepseek" as const, "qwen" as const, "qwen3" as const),
    dtype,
  },
  { requiredKeys: ["base_model", "gate_mode", "experts"] },
);

test("mixtures of experts read back equal", () => {
  fc.assert(
    fc.property(mixture, (moe) => {
      const { document, diagnostics } = parseDocument(printDocument({ kind: "moe", moe } as Document), METHODS);
      expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
      expect(document).toEqual({ kind: "moe", moe });
    }),
    { numRuns: 100 },
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
