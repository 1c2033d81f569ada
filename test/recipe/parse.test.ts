/**
 * The folders are the list: `good/*.yml` has no diagnostics and survives printing; `bad/*.yml` has exactly
 * the diagnostics of the `.txt` beside it, one `line:column severity message` per line, in which METHODS
 * and PARAMETERS stand for the lists of the methods and of a method's parameters.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { printDocument } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { printRecipe } from "../../core/recipe/print.ts";
import type { Diagnostic } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";

const folder = (name: string) => new URL(`./${name}/`, import.meta.url);
const files = (name: string) => readdirSync(folder(name)).filter((file) => file.endsWith(".yml"));
const read = (name: string, file: string) => readFileSync(new URL(file, folder(name)), "utf8");
/** Lists that grow with the methods, and the words that stand for them. */
const lists = [
  [[...METHODS.keys()].join(", "), "METHODS"],
  ...[...METHODS.values()].map(({ params }) => [`takes ${Object.keys(params).join(", ")}.`, "takes PARAMETERS."]),
] as const;
const lines = (diagnostics: readonly Diagnostic[]) =>
  diagnostics.map(({ line, column, severity, message }) => {
    const said = lists.reduce((text, [list = "", word = ""]) => text.replace(list, word), message);
    return `${line}:${column} ${severity} ${said}`;
  });
const said = (text: string) => lines(parseRecipe(text, METHODS).diagnostics);
/** One recipe, as opposed to a stream of several or a mixture of experts. */
const single = (file: string) => !/^(stream|two|moe)\b/.test(file);

describe("good recipes", () => {
  test.each(files("good"))("%s", (file) => {
    const text = read("good", file);
    const { document, diagnostics } = parseDocument(text, METHODS);
    expect(lines(diagnostics)).toEqual([]);
    if (document === null) throw new Error("no document and no reason");
    const printed = printDocument(document);
    expect(parseDocument(printed, METHODS)).toEqual({ document, diagnostics: [] });
    if (!single(file)) return;
    const { recipe } = parseRecipe(text, METHODS);
    expect(document).toEqual({ kind: "merge", stages: [recipe] });
    expect(recipe === null ? "" : printRecipe(recipe)).toBe(printed);
  });
});

describe("bad recipes", () => {
  test.each(files("bad"))("%s", (file) => {
    const text = read("bad", file);
    const expected = read("bad", file.replace(/yml$/, "txt")).trimEnd().split("\n");
    const { document, diagnostics } = parseDocument(text, METHODS);
    expect(lines(diagnostics)).toEqual(expected);
    expect(document === null).toBe(diagnostics.some(({ severity }) => severity === "error"));
    if (single(file)) expect(said(text)).toEqual(expected);
  });

  test("where one recipe is expected, a stream or a mixture is refused", () => {
    const one = "merge_method: linear\nmodels: [{model: a}]\nparameters: {weight: 1}\n";
    expect(said(`${one}---\n${one}`)).toEqual([
      "5:1 error A second recipe starts here, and one is expected. Keep one, or merge the whole file.",
    ]);
    expect(said("base_model: a\nexperts: []\n")).toEqual([
      '2:1 error "experts" make a mixture of experts, and a recipe with a merge_method is expected here.',
    ]);
  });

  test("offsets mark the words themselves", () => {
    const text = "merge_method: linear\r\nmodels: [{model: é}]\r\nparameters: {wieght: 1}\r\n";
    const { diagnostics } = parseRecipe(text, METHODS);
    expect(diagnostics.map(({ from, to }) => text.slice(from, to))).toEqual(["wieght", "{model: é}"].reverse());
  });
});

describe("hostile text", () => {
  const head = "merge_method: linear\nparameters: {weight: 1}\n";
  test.each([
    ["too long", `#${"x".repeat(1_000_000)}`, /1,000,001 characters/],
    ["deep brackets", "[".repeat(300_000), /nested more than 200/],
    ["deep dashes", "- ".repeat(3000), /nested more than 200/],
    ["an alias of itself", `${head}models: &m [*m]`, /mapping/],
    ["many aliases", `${head}models: [&m {model: a}${", *m".repeat(150)}]`, /Only 100 aliases/],
  ])("%s", (_, text, message) => {
    expect(said(text).join("\n")).toMatch(message);
  });

  test("sixty thousand keys take a moment, not a minute", () => {
    const text = Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join("\n");
    expect(said(text)).toHaveLength(200);
  }, 15_000);
});
