/**
 * Every preset is a recipe without a complaint, and `docs/presets` has each as it is printed for models named base, a,
 * b ... of 32 layers. `UPDATE_PRESETS=1` writes the folder.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { METHODS } from "../../methods/index.ts";
import { averageRecipe, PRESETS, type Preset, presetRecipe, presetsFor, printPreset } from "../../methods/presets.ts";

const folder = new URL("../../docs/presets/", import.meta.url);
const named = ({ base, models: { min } }: Preset, more = 0) => {
  const count = Math.max(min, min === 1 ? 1 : 2) + more;
  const letters = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));
  return [...(base ? ["base"] : []), ...letters].map((ref) => ({ ref, layers: 32 }));
};
const printed = (preset: Preset) => printPreset(preset, named(preset));

test("docs/presets is up to date", () => {
  if (process.env.UPDATE_PRESETS === "1") {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const preset of PRESETS) writeFileSync(new URL(`${preset.id}.yml`, folder), printed(preset));
  }
  const there = readdirSync(folder).sort();
  expect(there).toEqual(PRESETS.map(({ id }) => `${id}.yml`).sort());
  for (const preset of PRESETS) {
    expect(readFileSync(new URL(`${preset.id}.yml`, folder), "utf8")).toBe(printed(preset));
  }
});

describe("each reads back as it was made", () => {
  test.each(presetsFor(METHODS).map((preset) => [preset.id, preset] as const))("%s", (_, preset) => {
    const models = named(preset);
    expect(parseRecipe(printed(preset), METHODS)).toEqual({ recipe: presetRecipe(preset, models), diagnostics: [] });
    const { max = models.length + 1 } = preset.models;
    if (max === 1) return;
    const more = named(preset, Math.min(3, max - preset.models.min));
    expect(parseRecipe(printPreset(preset, more), METHODS).diagnostics).toEqual([]);
  });
});

test("every one has its method", () => {
  expect(presetsFor(METHODS)).toEqual(PRESETS);
});

const preset = (id: string) => PRESETS.find((one) => one.id === id)!;

test("the self-merge of 80 layers is the known one", () => {
  const { slices } = presetRecipe(preset("self-merge"), [{ ref: "m", layers: 80 }]);
  expect(slices?.map(({ sources }) => sources[0]?.layer_range)).toEqual([
    [0, 20],
    [10, 30],
    [20, 40],
    [30, 50],
    [40, 60],
    [50, 70],
    [60, 80],
  ]);
});

test.each([8, 12, 13, 26, 28, 31, 61])("the self-merge of %i layers uses every one, in the model's range", (layers) => {
  const { slices = [] } = presetRecipe(preset("self-merge"), [{ ref: "m", layers }]);
  const ranges = slices.map(({ sources }) => sources[0]!.layer_range);
  const used = new Set(ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i)));
  expect([...used].sort((a, b) => a - b)).toEqual(Array.from({ length: layers }, (_, i) => i));
});

test("two models of 32 layers make the known 40", () => {
  const models = ["a", "b"].map((ref) => ({ ref, layers: 32 }));
  const { slices } = presetRecipe(preset("passthrough-9b"), models);
  expect(slices?.map(({ sources }) => sources[0])).toEqual([
    { model: "a", layer_range: [0, 32] },
    { model: "b", layer_range: [24, 32] },
  ]);
});

test("too few, too many, too shallow", () => {
  const models = (...refs: string[]) => refs.map((ref) => ({ ref, layers: 4 }));
  expect(() => presetRecipe(preset("ties"), models("base", "a"))).toThrow(
    "ties takes a base model and then 2 models; 2 were given. Name them in that order.",
  );
  expect(() => presetRecipe(preset("slerp-v"), models("base", "a", "b"))).toThrow(/then 1 model; 3 were given/);
  expect(() => presetRecipe(preset("soup"), [])).toThrow(/soup takes at least 2 models; none was given/);
  expect(() => presetRecipe(preset("self-merge"), models("a"))).toThrow(/"a" has 4 layers, .* at least 8/);
  expect(() => presetRecipe(preset("self-merge"), [{ ref: "a", layers: null }])).toThrow(/an unknown number of layers/);
});

test("checkpoints that count nothing are not read", () => {
  const { models } = averageRecipe(["c1", "c2", "c3"], { how: "last", count: 2 });
  expect(models).toEqual([
    { model: "c2", parameters: { weight: 0.5 } },
    { model: "c3", parameters: { weight: 0.5 } },
  ]);
});
