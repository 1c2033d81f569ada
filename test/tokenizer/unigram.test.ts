/** A pair of Unigram models: pieces with scores stay where they are, the other's are searched for as whole words. */
import { Tokenizer } from "@huggingface/tokenizers";
import { expect, test } from "vitest";
import { readTokenizer } from "../../core/tokenizer/read.ts";
import { EMBED, makeModel, mergeOf, ownRows, unigram } from "./models.ts";

const common = [
  ["a", -2],
  ["b", -2.5],
  ["c", -3],
  ["ab", -3.25],
] as const;
const base = await makeModel("base", { tokenizer: unigram(common), rows: 7, number: 1 });
const other = await makeModel("other", {
  tokenizer: unigram(
    [...common.slice(0, 2), ["bc", -4], ...common.slice(2), ["cab", -5]],
    [{ content: "<end>", special: true }],
  ),
  rows: 10,
  number: 2,
});
const recipe = {
  merge_method: "linear",
  base_model: "base",
  models: ["base", "other"].map((model) => ({ model, parameters: { weight: 1 } })),
  tokenizer: { tokens: { "<t>": {} } },
} as const;

test("the union", async () => {
  const merged = await mergeOf(recipe, [base, other]);
  expect([...merged.ids].slice(7)).toEqual([
    ["bc", 7],
    ["cab", 8],
    ["<end>", 9],
    ["<t>", 10],
  ]);
  const [a, b] = [await ownRows(base, EMBED), await ownRows(other, EMBED)];
  const rows = await merged.rows(EMBED);
  const first = rows.map((row) => row[0]!);
  const mean = (i: number, j: number) => (a[i]![0]! + b[j]![0]!) / 2;
  expect(first).toEqual([
    mean(0, 0),
    mean(1, 1),
    mean(2, 2),
    mean(3, 3),
    mean(4, 4),
    mean(5, 6),
    mean(6, 7),
    2005,
    2008,
    2009,
    0,
  ]);
  const encoder = new Tokenizer((await merged.file("tokenizer.json")) as object, {});
  expect(encoder.encode("aab").ids).toEqual([3, 6]);
  expect(encoder.encode("abc<end>").ids).toEqual([3, 7, 9]);
});

test("cut to the rows there are", async () => {
  const short = await makeModel("base", { tokenizer: unigram(common, [{ content: "<late>" }]), rows: 6, number: 1 });
  const merged = await mergeOf(
    { ...recipe, models: [{ model: "base", parameters: { weight: 1 } }], tokenizer: { source: "base" } },
    [short],
  );
  expect([...merged.ids.keys()]).toEqual(["<unk>", "<s>", "</s>", "a", "b", "c"]);
});

test("an unknown token without a row is refused", async () => {
  const tokenizer = unigram(common) as { model: object };
  const late = { ...tokenizer, model: { ...tokenizer.model, unk_id: 6 } };
  const short = await makeModel("base", { tokenizer: JSON.parse(JSON.stringify(late)), rows: 6, number: 1 });
  await expect(mergeOf({ ...recipe, models: [{ model: "base" }] }, [short])).rejects.toThrow(
    "base: its unknown token has the id 6, but the model's vocabulary ends at 6. Choose another model for the tokenizer.",
  );
});

test("tokens that only tokenizer_config.json adds are read as the library would", async () => {
  const model = await makeModel("base", {
    tokenizer: unigram(common),
    rows: 9,
    number: 1,
    files: {
      "tokenizer_config.json": {
        added_tokens_decoder: { 0: { content: "<unk>" }, 7: { content: "<late>", special: true } },
      },
    },
  });
  expect((await readTokenizer(model)).ids.get("<late>")).toBe(7);
});
