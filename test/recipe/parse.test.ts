/**
 * The folders are the list: `good/*.yml` has no diagnostics and survives printing; `bad/*.yml` has exactly
 * the diagnostics of the `.txt` beside it, one `line:column severity message` per line.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { printRecipe } from "../../core/recipe/print.ts";
import { METHODS } from "../../methods/index.ts";

const folder = (name: string) => new URL(`./${name}/`, import.meta.url);
const files = (name: string) => readdirSync(folder(name)).filter((file) => file.endsWith(".yml"));
const read = (name: string, file: string) => readFileSync(new URL(file, folder(name)), "utf8");
const said = (text: string) =>
  parseRecipe(text, METHODS).diagnostics.map(
    ({ line, column, severity, message }) => `${line}:${column} ${severity} ${message}`,
  );

describe("good recipes", () => {
  test.each(files("good"))("%s", (file) => {
    const { recipe, diagnostics } = parseRecipe(read("good", file), METHODS);
    expect(diagnostics).toEqual([]);
    if (recipe === null) throw new Error("no recipe and no reason");
    const printed = printRecipe(recipe);
    expect(parseRecipe(printed, METHODS)).toEqual({ recipe, diagnostics: [] });
    expect(printRecipe(recipe)).toBe(printed);
  });
});

describe("bad recipes", () => {
  test.each(files("bad"))("%s", (file) => {
    expect(said(read("bad", file))).toEqual(read("bad", file.replace(/yml$/, "txt")).trimEnd().split("\n"));
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
