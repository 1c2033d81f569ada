/** Stacks made by hand: every edit is a recipe that reads back equal, and what is refused says why. */
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { assemble, EMPTY } from "../../app/state/edits.ts";
import { depthsOf, problemsOf, sizeOf } from "../../app/state/soundness.ts";
import {
  addSource,
  depthOf,
  duplicateSlice,
  insertSlice,
  inWords,
  lengthOf,
  mendSlice,
  moveSlice,
  removeSlice,
  removeSource,
  resizeSlice,
  setFirst,
  setLast,
  setSliceSetting,
  setSourceModel,
  setSourceSetting,
  setStackMethod,
} from "../../app/state/stack.ts";
import type { Model } from "../../core/model/model.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { printRecipe } from "../../core/recipe/print.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";
import type { ModelSummary } from "../../workers/api.ts";
import { summarise } from "../../workers/summaries.ts";
import { planOf } from "../support/made.ts";
import { modelAt } from "../support/model.ts";

const samples = join(import.meta.dirname, "../../public/samples");
const DEPTHS: Readonly<Record<string, number>> = { base: 8, x: 8, y: 12 };
const depths = (name: string) => DEPTHS[name] ?? null;
const whole = assemble(EMPTY, "ties", ["base", "x", "y"]);
const start = insertSlice(whole, 0, "x", [0, 8], depths);

const readBack = (recipe: Recipe) => parseRecipe(printRecipe(recipe), METHODS);

const place = fc.nat(5);
const model = fc.constantFrom("base", "x", "y");
const range = fc
  .tuple(fc.nat(7), fc.integer({ min: 1, max: 8 }))
  .map(([a, b]) => [Math.min(a, b), Math.max(a + 1, b)] as const);
const value = fc.constantFrom(0, 0.5, 1);
const setting = fc.oneof(
  value,
  fc.array(value, { minLength: 2, maxLength: 3 }),
  fc.constant([{ filter: "o_proj", value: 0 }, { value: 1 }]),
  fc.constant(undefined),
);

/** What a person may do to the layers of a stack. */
const shaping: fc.Arbitrary<(recipe: Recipe) => Recipe> = fc.oneof(
  fc.tuple(place, model, range).map(
    ([at, name, layers]) =>
      (r: Recipe) =>
        insertSlice(r, at, name, layers, depths),
  ),
  place.map((at) => (r: Recipe) => removeSlice(r, at)),
  place.map((at) => (r: Recipe) => duplicateSlice(r, at)),
  fc.tuple(place, place).map(
    ([from, to]) =>
      (r: Recipe) =>
        moveSlice(r, from, to),
  ),
  fc.tuple(place, fc.constantFrom("first" as const, "end" as const), fc.integer({ min: -9, max: 9 })).map(
    ([at, edge, by]) =>
      (r: Recipe) =>
        resizeSlice(r, at, edge, by, depths),
  ),
  fc.tuple(place, fc.nat(1), fc.nat(14)).map(
    ([at, i, n]) =>
      (r: Recipe) =>
        setFirst(r, at, i, n, depths),
  ),
  fc.tuple(place, fc.nat(1), fc.nat(14)).map(
    ([at, i, n]) =>
      (r: Recipe) =>
        setLast(r, at, i, n, depths),
  ),
);

/** One thing a person may do to a stack of passthrough. */
const edit: fc.Arbitrary<(recipe: Recipe) => Recipe> = fc.oneof(
  shaping,
  fc.tuple(place, fc.nat(1), model).map(
    ([at, i, name]) =>
      (r: Recipe) =>
        setSourceModel(r, at, i, name, depths),
  ),
  fc.tuple(place, setting).map(
    ([at, to]) =>
      (r: Recipe) =>
        setSourceSetting(r, at, 0, "scale", to),
  ),
);

describe("a stack", () => {
  test("any run of edits prints to YAML that reads back equal, without faults and within the models", () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
        const made = edits.reduce((recipe, one) => one(recipe), start);
        const { recipe, diagnostics } = readBack(made);
        expect(diagnostics).toEqual([]);
        expect(recipe).toEqual(made);
        for (const { sources } of made.slices ?? []) {
          expect(new Set(sources.map(({ layer_range: layers }) => lengthOf(layers))).size).toBe(1);
          for (const {
            model: name,
            layer_range: [first, end],
          } of sources) {
            expect(first).toBeGreaterThanOrEqual(0);
            expect(end).toBeGreaterThan(first);
            expect(end).toBeLessThanOrEqual(DEPTHS[name] ?? 0);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test("slices of several sources keep one length through every edit and read back equal", () => {
    const merged = addSource(setStackMethod(start, "slerp"), 0, "y", depths);
    const pair = setSliceSetting(merged, 0, "t", [0, 1]);
    expect(readBack(pair)).toEqual({ recipe: pair, diagnostics: [] });
    fc.assert(
      fc.property(fc.array(shaping, { maxLength: 10 }), (edits) => {
        const made = edits.reduce((recipe, one) => one(recipe), pair);
        for (const { sources } of made.slices ?? [])
          expect(new Set(sources.map(({ layer_range: layers }) => lengthOf(layers))).size).toBe(1);
        expect(readBack(made)).toEqual({ recipe: made, diagnostics: [] });
      }),
      { numRuns: 80 },
    );
  });

  test("begins from a mix of whole models, and an edit that changes nothing is the same recipe", () => {
    expect(start).toEqual({
      merge_method: "passthrough",
      slices: [{ sources: [{ model: "x", layer_range: [0, 8] }] }],
    });
    expect(removeSlice(start, 0)).toBe(start);
    expect(moveSlice(start, 0, 1)).toBe(start);
    expect(resizeSlice(start, 0, "end", 5, depths)).toBe(start);
  });

  test("a typed number moves an edge of a lone source, and the place of one among several", () => {
    expect(setFirst(start, 0, 0, 3, depths).slices?.[0]?.sources[0]?.layer_range).toEqual([3, 8]);
    expect(setLast(start, 0, 0, 4, depths).slices?.[0]?.sources[0]?.layer_range).toEqual([0, 5]);
    const two = addSource(setStackMethod(start, "linear"), 0, "y", depths);
    const moved = setFirst(two, 0, 1, 9, depths);
    expect(moved.slices?.[0]?.sources.map((one) => one.layer_range)).toEqual([
      [0, 8],
      [4, 12],
    ]);
    const cut = setLast(moved, 0, 1, 9, depths);
    expect(cut.slices?.[0]?.sources.map((one) => one.layer_range)).toEqual([
      [0, 6],
      [4, 10],
    ]);
    expect(removeSource(cut, 0, 1).slices?.[0]?.sources).toHaveLength(1);
  });

  test.each([...METHODS.keys()])("%s: its slices have what it needs once they have enough models", (id) => {
    const made = setStackMethod(start, id);
    const names = ["x", "base", "y"].slice(
      1,
      METHODS.get(id)?.models.max === 1 && made.base_model === undefined ? 1 : undefined,
    );
    const max = (METHODS.get(id)?.models.max ?? 2) - (made.base_model === undefined ? 1 : 0);
    const filled = names.slice(0, Math.max(0, max)).reduce((r, name) => addSource(r, 0, name, depths), made);
    expect(readBack(filled).diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("ranges in words", () => {
    expect(inWords([8, 24])).toBe("layers 8 to 23, 16 layers");
    expect(inWords([3, 4])).toBe("layer 3");
  });
});

describe("with real models", () => {
  let models: Model[];
  const summaries = new Map<string, ModelSummary>();
  const find = (name: string) => summaries.get(name);
  beforeAll(async () => {
    models = await Promise.all(["base", "adder"].map((name) => modelAt(name, join(samples, name))));
    for (const one of models) summaries.set(one.ref, summarise(one.ref, one.ref, one, [], one.ref));
    const base = summaries.get("base");
    if (base !== undefined) {
      summaries.set("wide", { ...base, name: "wide", hidden: 999 });
      summaries.set("two", { ...base, name: "two", stacks: [...base.stacks, { prefix: "vision", layers: 3 }] });
      summaries.set("unet", { ...base, name: "unet", stacks: [{ prefix: "blocks", layers: 26, fixed: true }] });
    }
  });

  const slices = (...all: readonly [string, number, number][]): Recipe => ({
    merge_method: "passthrough",
    slices: all.map(([name, first, end]) => ({ sources: [{ model: name, layer_range: [first, end] }] })),
  });

  test("depth, parameters and bytes are the plan's", () => {
    const recipe = slices(["adder", 0, 6], ["base", 2, 8]);
    const plan = planOf(recipe, models);
    const size = sizeOf(recipe, find);
    expect(depthOf(recipe.slices ?? [])).toBe(plan.layers);
    expect(size.parameters).toBe(plan.parameters);
    const bytes = plan.tensors.reduce((sum, { output: { range: at } }) => sum + at.end - at.start, 0);
    expect(size.bytes).toBe(bytes);
    expect(sizeOf({ ...recipe, out_dtype: "float32" }, find).bytes).toBe(4 * size.parameters);
  });

  test("a sound stack has no problems", () => {
    expect(problemsOf(slices(["base", 0, 8], ["adder", 4, 8]), find)).toEqual([]);
  });

  test("a range beyond the model is refused and cut on request", () => {
    const recipe = slices(["base", 4, 12]);
    const [problem] = problemsOf(recipe, find);
    expect(problem?.text).toBe("base has 8 layers, 0 to 7; layers 4 to 11, 8 layers go beyond the last.");
    const mended = problem?.fix?.apply(recipe) ?? recipe;
    expect(problemsOf(mended, find)).toEqual([]);
    expect(mended.slices?.[0]?.sources[0]?.layer_range).toEqual([4, 8]);
    expect(mendSlice(slices(["base", 20, 30]), 0, depthsOf(find)).slices?.[0]?.sources[0]?.layer_range).toEqual([7, 8]);
  });

  test("sources of unequal length are refused and shortened on request", () => {
    const recipe: Recipe = {
      merge_method: "linear",
      slices: [
        {
          sources: [
            { model: "base", layer_range: [0, 8] },
            { model: "adder", layer_range: [0, 5] },
          ],
        },
      ],
    };
    const [problem] = problemsOf(recipe, find);
    expect(problem?.text).toContain("base gives 8, adder gives 5");
    expect(problem?.fix?.label).toBe("Make it 5");
    expect(problemsOf(problem?.fix?.apply(recipe) ?? recipe, find)).toEqual([]);
  });

  test.each([
    ["wide", /different width cannot be stacked: .*wide is 999 wide/],
    ["two", /several stacks of layers/],
    ["unet", /different shapes and cannot change places/],
    ["absent", /absent is not open/],
  ])("%s is explained", (name, text) => {
    expect(problemsOf(slices(["base", 0, 4], [name, 0, 4]), find).map((one) => one.text)).toContainEqual(
      expect.stringMatching(text),
    );
  });

  test("too many and too few sources are explained in the method's words", () => {
    const crowded = addSource(slices(["base", 0, 4]), 0, "adder", depthsOf(find));
    expect(problemsOf(crowded, find)[0]?.text).toContain("Passthrough takes 1 model; this slice has 2");
    const alone = setStackMethod(slices(["base", 0, 4]), "slerp");
    expect(problemsOf(alone, find)[0]?.text).toMatch(
      /merges at least 1 model besides the base base; this slice has 0|not among/,
    );
  });
});
