/** Around the views: steps in words, recipes compared, links, names, keys, places in a recipe's text, the glossary. */
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type Action, isPressed } from "../../app/actions/action.ts";
import { actionsLike } from "../../app/actions/found.ts";
import { entryOf, GLOSSARY, spansOf } from "../../app/help/glossary.ts";
import { countsOf, diffLines } from "../../app/history/lines.ts";
import { placeAt } from "../../app/recipe/place.ts";
import { meaningOf, wordsAt } from "../../app/recipe/schema.ts";
import { tidied } from "../../app/recipe/tidy.ts";
import { fragmentOf, isShared, readFragment } from "../../app/share/link.ts";
import { bareName, shareableText, withoutPaths } from "../../app/share/names.ts";
import { saidOf } from "../../app/share/said.ts";
import { changeOf } from "../../app/state/changes.ts";
import {
  addModel,
  assemble,
  EMPTY,
  removeModel,
  setBase,
  setMethod,
  setModelParam,
  setOutputType,
  setParam,
} from "../../app/state/edits.ts";
import { stepsOf } from "../../app/state/steps.ts";
import type { Kept } from "../../app/state/studio.ts";
import { setTokenizerSource } from "../../app/state/vocabulary.ts";
import { modelsOfDocument } from "../../core/recipe/document.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { formatRef } from "../../core/recipe/ref.ts";
import { METHODS } from "../../methods/index.ts";

const kept = (recipe: Recipe, more: Partial<Kept> = {}): Kept => ({
  title: "Mix",
  recipe,
  earlier: [],
  moe: null,
  text: null,
  ...more,
});
const start = assemble(EMPTY, "task_arithmetic", ["base", "adder", "sorter"]);
const step = (recipe: Recipe, more: Partial<Kept> = {}) => changeOf(kept(start), kept(recipe, more));

describe("steps in words", () => {
  test.each([
    [setModelParam(start, "adder", "weight", [0, 0.5, 1]), "Curve of adder"],
    [setModelParam(start, "adder", "weight", 0.7), "Weight of adder: 0.7"],
    [setMethod(start, "ties", ["base", "adder", "sorter"]), "Method: TIES"],
    [addModel(start, "reverser"), "Added reverser"],
    [removeModel(start, "sorter"), "Removed sorter"],
    [setBase(start, "adder"), "Base: adder"],
    [setParam(start, "lambda", 0.8), "Lambda: 0.8"],
    [setOutputType(start, "bfloat16"), "Weights BF16"],
    [setTokenizerSource(start, "union"), "Tokenizer: union"],
    [{ ...start, models: [...(start.models ?? [])].reverse() }, "Order of the models"],
    [
      { merge_method: "passthrough", slices: [{ sources: [{ model: "adder", layer_range: [0, 4] as const }] }] },
      /^Method: Passthrough; removed/,
    ],
  ])("%#", (recipe, words) => {
    expect(step(recipe as Recipe)).toEqual(typeof words === "string" ? words : expect.stringMatching(words));
  });

  test("several changes are joined, and what is beyond two is counted", () => {
    const curves = setModelParam(setModelParam(start, "adder", "weight", [0, 1]), "sorter", "weight", [1, 0]);
    expect(step(curves)).toBe("Curves of adder, sorter");
    expect(step(setOutputType(setParam(curves, "lambda", 0.5), "float16"), { title: "New" })).toBe(
      "Name: New; curves of adder, sorter; 2 more",
    );
    expect(step(start, { text: "# mine\n" })).toBe("Wording of the recipe");
  });

  test("the present stands between what is undone and what is done", () => {
    const a = kept(start);
    const b = kept(setParam(start, "lambda", 0.5));
    const c = kept(setParam(start, "lambda", 0.6));
    const d = kept(setParam(start, "lambda", 0.7));
    expect(stepsOf([a], b, [d, c]).map(({ words, away }) => [words, away])).toEqual([
      ["Opened", -1],
      ["Lambda: 0.5", 0],
      ["Lambda: 0.6", 1],
      ["Lambda: 0.7", 2],
    ]);
  });
});

describe("two recipes compared", () => {
  test("changed lines are paired, and the words that changed are marked", () => {
    const lines = diffLines("a: 1\nb: [0, 0.5, 1]\nc: 3\n", "a: 1\nb: [0, 0.7, 1]\nc: 3\nd: 4\n");
    expect(
      lines.map(({ kind, pieces }) => [
        kind,
        pieces.map(({ text, changed }) => (changed ? `<${text}>` : text)).join(""),
      ]),
    ).toEqual([
      ["same", "a: 1"],
      ["gone", expect.stringMatching(/^b: \[0, .*<.*5.*>.*1\]$/)],
      ["new", expect.stringMatching(/^b: \[0, .*<.*7.*>.*1\]$/)],
      ["same", "c: 3"],
      ["new", "d: 4"],
    ]);
    expect(countsOf(lines)).toBe("1 line gone, 2 lines new.");
  });

  test("every line of both is there, in order", () => {
    const a = "x: 1\ny: 2\nz: 3\nw: 4";
    const b = "q: 0\ny: 2\nw: 5\nz: 3";
    const lines = diffLines(a, b);
    const of = (not: string) =>
      lines
        .filter(({ kind }) => kind !== not)
        .map(({ pieces }) => pieces.map(({ text }) => text).join(""))
        .join("\n");
    expect(of("new")).toBe(a);
    expect(of("gone")).toBe(b);
    expect(countsOf(diffLines(a, a))).toBe("They say the same.");
  });
});

describe("links", () => {
  const shared = { title: "Math & code – ü", text: "merge_method: linear\nmodels:\n- model: a\n- model: b\n" };

  test("come back as they were, in characters every address allows", async () => {
    const fragment = await fragmentOf(shared);
    expect(fragment).toMatch(/^#recipe=[\w-]+$/);
    expect(isShared(fragment)).toBe(true);
    expect(await readFragment(fragment)).toEqual(shared);
  });

  const packed = (json: unknown) => `#recipe=${deflateRawSync(JSON.stringify(json)).toString("base64url")}`;

  test.each([
    ["#recipe=", "holds no recipe"],
    ["#recipe=%%%", "characters that no link of ours has"],
    ["#recipe=AAAA", "cannot be read"],
    ["#recipe=abcd1234", "cannot be read"],
    [`#recipe=${"A".repeat(70_000)}`, "has 70,000 characters"],
    [packed({ v: 2, title: "x", recipe: "y" }), "newer kind"],
    [packed({ v: 1, title: "x" }), "holds no recipe"],
    [packed([1]), "holds no recipe"],
    [packed(null), "holds no recipe"],
    [packed({ v: 1, title: "x", recipe: "a".repeat(3_000_000) }), "more than 1,000,000 bytes"],
  ])("a broken one is a sentence: %#", async (fragment, words) => {
    await expect(readFragment(fragment)).rejects.toThrow(words);
    await expect(readFragment(fragment)).rejects.toThrow("Nothing was changed.");
  });

  test("one cut short anywhere is refused", async () => {
    const fragment = await fragmentOf(shared);
    for (let end = "#recipe=".length; end < fragment.length; end += 7)
      await expect(readFragment(fragment.slice(0, end))).rejects.toThrow(/The link/);
  });

  test("a recipe too long for a link is refused with the way out", async () => {
    let text = "";
    for (let i = 0, seed = 1; i < 60_000; i++, seed = (seed * 48_271) % 2_147_483_647)
      text += String.fromCharCode(33 + (seed % 90));
    await expect(fragmentOf({ title: "long", text })).rejects.toThrow("send the file");
  });
});

describe("what leaves with a link", () => {
  test.each([
    ["base", "base"],
    ["org/name@main", "org/name@main"],
    ["/home/me/models/qwen", "qwen"],
    ["~/models/qwen", "qwen"],
    ["../qwen", "qwen"],
    ["./qwen", "qwen"],
    ["a/b/c", "c"],
    ["C:\\Users\\me\\qwen", "qwen"],
    ["/data/base+/data/adapters/mine@v1", "base+mine@v1"],
    [formatRef({ path: "https://me:hf_secret@host/models/qwen?token=x" }), "qwen"],
    [formatRef({ path: "https://me:hf_secret@host" }), "host"],
  ])("%s", (ref, name) => {
    expect(bareName(ref)).toBe(name);
  });

  test("paths that end alike get numbers, and no path is left", () => {
    const recipe = assemble(EMPTY, "linear", ["/a/tune", "/b/tune", "tune"]);
    const short = withoutPaths({ kind: "merge", stages: [recipe] });
    expect(modelsOfDocument(short)).toEqual(["tune-2", "tune-3", "tune"]);
    expect(shareableText({ kind: "merge", stages: [recipe] })).not.toMatch(/\/[ab]\//);
  });

  test("what looks like a token stops it", () => {
    const recipe = { ...start, chat_template: `{{ "hf_${"a".repeat(30)}" }}` };
    expect(() => shareableText({ kind: "merge", stages: [recipe] })).toThrow(/access token \(in "chat_template"\)/);
  });

  test("it is said what a recipe would do", () => {
    expect(saidOf({ kind: "merge", stages: [setOutputType(start, "bfloat16")] })).toEqual({
      sentences: [
        expect.stringMatching(/^Merges 2 models on the base "base" with Task arithmetic\./),
        "Weights are written in BF16.",
      ],
      models: ["base", "adder", "sorter"],
    });
  });
});

describe("keys and the palette", () => {
  const press = (key: string, more: Partial<Record<"ctrlKey" | "metaKey" | "shiftKey" | "altKey", boolean>> = {}) => ({
    key,
    ctrlKey: false,
    metaKey: false,
    shiftKey: false,
    altKey: false,
    ...more,
  });

  test("a press is its keys and no others", () => {
    expect(isPressed("Mod+K", press("k", { ctrlKey: true }))).toBe(true);
    expect(isPressed("Mod+K", press("K", { metaKey: true }))).toBe(true);
    expect(isPressed("Mod+K", press("k"))).toBe(false);
    expect(isPressed("Mod+Z", press("Z", { ctrlKey: true, shiftKey: true }))).toBe(false);
    expect(isPressed("Mod+Shift+Z", press("Z", { ctrlKey: true, shiftKey: true }))).toBe(true);
    expect(isPressed("?", press("?", { shiftKey: true }))).toBe(true);
    expect(isPressed("R", press("r", { ctrlKey: true }))).toBe(false);
    expect(isPressed("1", press("1"))).toBe(true);
  });

  test("letters in order find an action; a name comes before accidents, what cannot be done comes later", () => {
    const actions: Action[] = [
      { id: "history", title: "Open the history", section: "Mix", words: ["versions", "steps"] },
      { id: "ties", title: "Method: TIES", section: "Method", words: ["ties"] },
      { id: "dare", title: "Method: DARE-TIES", section: "Method", words: ["dare_ties"], why: "It is the method now." },
      { id: "merge", title: "Merge to a folder", section: "Merge" },
    ];
    expect(actionsLike("ties", actions).map(({ id }) => id)).toEqual(["ties", "dare"]);
    expect(actionsLike("mrg fldr", actions)[0]?.id).toBe("merge");
    expect(actionsLike("xyzzy", actions)).toEqual([]);
  });
});

describe("places in a recipe", () => {
  const text = `merge_method: ties
base_model: base
models:
  - model: a
    parameters:
      weight: 1
      density:
        - filter: mlp
          value: 0.5
  - model: b
    parameters:
      
tokenizer:
  source: union
`;
  const at = (needle: string, more = 0) => placeAt(text, text.indexOf(needle) + more);

  test("know the keys above them, and whether a value is due", () => {
    expect(at("base_model")).toEqual({ path: [], key: null, method: "ties" });
    expect(at("ties")).toEqual({ path: [], key: "merge_method", method: "ties" });
    expect(at("weight")).toEqual({ path: ["models", "parameters"], key: null, method: "ties" });
    expect(at("weight: 1", 8)).toEqual({ path: ["models", "parameters"], key: "weight", method: "ties" });
    expect(at("filter")).toMatchObject({ path: ["models", "parameters", "density"], key: null });
    expect(at("value")).toMatchObject({ path: ["models", "parameters", "density"], key: null });
    expect(at("- model: b", 2)).toMatchObject({ path: ["models"], key: null });
    expect(at("      \ntok", 6)).toMatchObject({ path: ["models", "parameters"], key: null });
    expect(at("source")).toMatchObject({ path: ["tokenizer"], key: null });
  });

  test("lists flush with their key, and several recipes in a file", () => {
    const two = "merge_method: linear\nname: one\n---\nmerge_method: slerp\nmodels:\n- model: x\n- ";
    expect(placeAt(two, two.length)).toEqual({ path: ["models"], key: null, method: "slerp" });
    expect(placeAt(two, two.indexOf("name")).method).toBe("linear");
  });

  test("offer what may stand there, with the method's own help", () => {
    const words = (needle: string, more = 0) => wordsAt(at(needle, more), ["a", "b"], false).map(({ word }) => word);
    expect(words("base_model")).toContain("merge_method");
    expect(words("weight")).toEqual(expect.arrayContaining(["weight", "density"]));
    expect(words("weight")).not.toContain("normalize");
    expect(words("ties")).toContain("dare_ties");
    expect(words("- model: b", 9)).toEqual(["a", "b"]);
    expect(words("union")).toEqual(["union", "base", "a", "b"]);
    expect(words("filter")).toEqual(["filter", "value"]);
    const density = METHODS.get("ties")?.params as Record<string, { help: string }>;
    expect(meaningOf("density", at("density"))).toContain(density.density?.help);
    expect(meaningOf("ties", at("ties"))).toContain("TIES");
    expect(meaningOf("a", at("a\n"))).toBeNull();
  });
});

test("formatting keeps comments, order and recipes, and refuses what is not YAML", () => {
  const before = `# mine\nmerge_method:   ties # why\nmodels:\n- model:    a\n  parameters: {weight: [0,1]}\n\n- model: b\n---\nname: x\nmerge_method: linear\n`;
  const after = tidied(before);
  expect(after).toBe(
    "# mine\nmerge_method: ties # why\nmodels:\n  - model: a\n    parameters: {weight: [0, 1]}\n\n  - model: b\n---\nname: x\nmerge_method: linear\n",
  );
  expect(tidied(after)).toBe(after);
  expect(() => tidied("a: [1\nb: 2\n")).toThrow(/^Line \d+ is not YAML/);
});

describe("the glossary", () => {
  test("explains the terms that methods use, each once in a sentence", () => {
    const spans = spansOf("Adds task vectors; a task vector has a density.");
    expect(spans.map(({ text }) => text).join("")).toBe("Adds task vectors; a task vector has a density.");
    expect(spans.flatMap(({ entry }) => (entry === null ? [] : [entry.term]))).toEqual(["task vector", "density"]);
  });

  test("has no term twice and a sentence for each", () => {
    const words = GLOSSARY.flatMap(({ term, forms = [] }) => [term, ...forms]).map((word) => word.toLowerCase());
    expect(words).toHaveLength(new Set(words).size);
    for (const { term, means } of GLOSSARY) expect(means, term).toMatch(/^[A-Z].{15,}\.$/);
    expect(entryOf("Task Vectors")?.term).toBe("task vector");
  });
});
