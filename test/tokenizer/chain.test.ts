/** Recipes that use each other's results: the first gives tokens and template, the second inherits them. */
import { expect, test } from "vitest";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { bpe, EMBED, makeModel, mergeOf, ownRows } from "./models.ts";

const one = await makeModel("one", { tokenizer: bpe(64), rows: 64, number: 1 });
const two = await makeModel("two", { tokenizer: bpe(64, [{ content: "<tool>" }]), rows: 65, number: 2 });
const three = await makeModel("three", { tokenizer: bpe(64, [{ content: "<tool>" }]), rows: 65, number: 3 });
const entries = (...models: string[]) => models.map((model) => ({ model, parameters: { weight: 1 } }));
const first: Recipe = {
  name: "both",
  merge_method: "linear",
  base_model: "one",
  models: entries("one", "two"),
  dtype: "float32",
  tokenizer: { source: "union" },
  chat_template: "chatml",
};
const last: Recipe = { merge_method: "linear", base_model: "both", models: entries("both", "three"), dtype: "float32" };

test("the result of the first has the new rows, and the last its files", async () => {
  const merged = await mergeOf([first, last], [one, two, three]);
  const [a, b, c] = [await ownRows(one, EMBED), await ownRows(two, EMBED), await ownRows(three, EMBED)];
  const rows = await merged.rows(EMBED);
  expect(rows.length).toBe(65);
  expect(rows[64]![0]).toBeCloseTo((b[64]![0]! + c[64]![0]!) / 2, 3);
  expect(rows[5]![0]).toBeCloseTo(((a[5]![0]! + b[5]![0]!) / 2 + c[5]![0]!) / 2, 3);
  expect(merged.ids.get("<tool>")).toBe(64);
  expect(await merged.file("config.json")).toMatchObject({ vocab_size: 65 });
  expect(await merged.file("chat_template.jinja")).toContain("<|im_start|>");
  expect(merged.plan.notes.map(({ text }) => text)).toContain("both: The chat template is that of the format chatml.");
});

test("tokenizer settings where a result is used are refused", async () => {
  const recipe: Recipe = { ...last, tokenizer: { source: "union" } };
  await expect(mergeOf([first, recipe], [one, two, three])).rejects.toThrow(
    'The recipe that uses "both" has tokenizer settings, but "both" is made by another recipe of this file and its rows cannot be exchanged before it is made. Give "both" the tokenizer settings instead, or write it to a folder first and use that.',
  );
});
