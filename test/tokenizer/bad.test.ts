/** Tokenizers and settings that cannot be used, and the sentence each must produce. */
import { expect, test } from "vitest";
import type { Json } from "../../core/model/model.ts";
import type { Recipe, TokenizerSettings } from "../../core/recipe/recipe.ts";
import { bpe, makeModel, mergeOf, unigram } from "./models.ts";

const good = bpe(64) as { readonly [key: string]: Json; readonly model: { readonly [key: string]: Json } };
const withModel = (edit: { readonly [key: string]: Json }): Json => ({ ...good, model: { ...good.model, ...edit } });
const recipe = (tokenizer: TokenizerSettings): Recipe => ({
  merge_method: "linear",
  base_model: "base",
  models: [{ model: "base", parameters: { weight: 1 } }],
  tokenizer,
});

const BROKEN: readonly [Json | string, string][] = [
  ["[1]", "base: tokenizer.json: it must hold a JSON object. Download it again."],
  [
    '{"model": {"type": "BPE", "vocab": {"a": 0, "a": 1}',
    'base: tokenizer.json: the key "a" stands a second time at character 45. The file is damaged. Download it again.',
  ],
  [{}, 'base: tokenizer.json: it has no "model". Download it again.'],
  [
    withModel({ type: "CharBPE" }),
    'base: tokenizer.json: its model has the type "CharBPE"; BPE, Unigram, WordPiece, WordLevel are known. Use a model with one of those, or leave the tokenizer settings out of the recipe.',
  ],
  [
    withModel({ vocab: [] }),
    'base: tokenizer.json: "model.vocab" must be an object of tokens and their ids. Download it again.',
  ],
  [
    withModel({ vocab: { a: -1 } }),
    'base: tokenizer.json: the token "a" has the id -1, which is no row. Download it again.',
  ],
  [
    withModel({ vocab: { a: 4, b: 4 } }),
    'base: tokenizer.json: the tokens "a" and "b" both have the id 4. Download it again.',
  ],
  [
    withModel({ merges: ["a b c"] }),
    'base: tokenizer.json: merge 0 is "a b c"; it must be two tokens. Download it again.',
  ],
  [
    withModel({ merges: [["a", "\u00e9"]] }),
    'base: tokenizer.json: merge 0 joins "\u00e9", which is not in the vocabulary. Download it again.',
  ],
  [
    { ...good, added_tokens: [{ id: 1 }] },
    'base: tokenizer.json: added token 0 is {"id":1}; it must have an id and a content. Download it again.',
  ],
  [
    { ...good, added_tokens: [{ id: 1, content: "<t>" }] },
    'base: tokenizer.json: the tokens "<s>" and "<t>" both have the id 1. Download it again.',
  ],
  [
    unigram([["x", "high" as unknown as number]]),
    'base: tokenizer.json: entry 3 of "model.vocab" is ["x","high"]; it must be a piece and its score. Download it again.',
  ],
];

test.each(BROKEN.map(([file, sentence]) => [sentence, file] as const))("%s", async (sentence, file) => {
  const base = await makeModel("base", { rows: 64, number: 1, files: { "tokenizer.json": file } });
  await expect(mergeOf(recipe({}), [base])).rejects.toThrow(sentence);
});

test("a tokenizer_config.json that is no JSON", async () => {
  const files = { "tokenizer_config.json": "{" };
  const base = await makeModel("base", { tokenizer: bpe(64), rows: 64, number: 1, files });
  for (const one of [recipe({}), { ...recipe({}), tokenizer: { source: "base" }, chat_template: "auto" }]) {
    await expect(mergeOf(one, [base])).rejects.toThrow(
      "tokenizer_config.json: it should hold JSON, but reading it failed",
    );
  }
});

test("no tokenizer at all, and a base without one", async () => {
  const bare = await makeModel("base", { rows: 64, number: 1 });
  await expect(mergeOf(recipe({}), [bare])).rejects.toThrow(
    "base: it has no tokenizer.json, and tokenizers are read from tokenizer.json only. Add the tokenizer.json that belongs to the model, or take the tokenizer settings out of the recipe.",
  );
});

const SETTINGS: readonly [TokenizerSettings, string][] = [
  [{ source: "onion" }, 'The tokenizer\'s source is "onion"; it must be union, base, or one of base.'],
  [{ pad_to_multiple_of: 0 }, "tokenizer.pad_to_multiple_of is 0; it must be a whole number of at least 1."],
  [{ tokens: { "": {} } }, 'tokenizer.tokens has the key ""; a token must have at least one character. Take it out.'],
  [
    { tokens: { "<t>": { source: "base" } } },
    'tokenizer.tokens["<t>"].source is base, which has no such token. Name a model that has it, or a token of base with kind: model_token.',
  ],
  [
    { tokens: { "<t>": { source: { kind: "model_token", model: "base" } } } },
    'tokenizer.tokens["<t>"].source must have exactly one of token and token_id.',
  ],
  [
    { tokens: { "<t>": { source: { kind: "model_token", model: "base", token: "<u>" } } } },
    'tokenizer.tokens["<t>"].source.token is "<u>", which base does not have.',
  ],
  [
    { tokens: { "<t>": { source: { kind: "model_token", model: "base", token_id: 64 } } } },
    'tokenizer.tokens["<t>"].source: token_id 64, but base has 64 rows, numbered from 0.',
  ],
  [
    { tokens: { "<t>": { source: "elsewhere" } } },
    'Model "elsewhere" is named in the recipe but not open. Add it, or take it out of the recipe.',
  ],
];

test.each(SETTINGS.map(([settings, sentence]) => [sentence, settings] as const))("%s", async (sentence, settings) => {
  const base = await makeModel("base", { tokenizer: bpe(64), rows: 64, number: 1 });
  await expect(mergeOf(recipe(settings), [base])).rejects.toThrow(sentence);
});
