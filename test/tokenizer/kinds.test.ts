/** WordPiece and WordLevel: the vocabulary is an object without merges, and is cut and extended like a BPE's. */
import { Tokenizer } from "@huggingface/tokenizers";
import { expect, test } from "vitest";
import type { Json } from "../../core/model/model.ts";
import { EMBED, makeModel, mergeOf, ownRows } from "./models.ts";

const SPECIAL = ["<unk>", "<s>", "</s>"];
const WORDS = ["a", "b", "ab", "cat", "##s", "late"];

function words(type: "WordPiece" | "WordLevel", more: readonly string[]): Json {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const piece = type === "WordPiece" ? { continuing_subword_prefix: "##", max_input_chars_per_word: 100 } : {};
  return {
    version: "1.0",
    added_tokens: SPECIAL.map((content, id) => ({ id, content, ...flags })),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: null,
    model: {
      type,
      unk_token: "<unk>",
      ...piece,
      vocab: Object.fromEntries([...SPECIAL, ...more].map((word, id) => [word, id])),
    },
  };
}

test.each(["WordPiece", "WordLevel"] as const)("%s", async (type) => {
  const base = await makeModel("base", { tokenizer: words(type, WORDS), rows: 8, number: 1 });
  const other = await makeModel("other", {
    tokenizer: words(type, [...WORDS.slice(0, 5), "dog", "__proto__"]),
    rows: 10,
    number: 2,
  });
  const recipe = {
    merge_method: "linear",
    base_model: "base",
    models: ["base", "other"].map((model) => ({ model, parameters: { weight: 1 } })),
  };
  const cut = await mergeOf({ ...recipe, tokenizer_source: "base" }, [base, other]);
  expect([...cut.ids.keys()]).toEqual([...SPECIAL, ...WORDS.slice(0, 5)]);
  const union = await mergeOf({ ...recipe, tokenizer_source: "union" }, [base, other]);
  expect([...union.ids.keys()]).toEqual([...SPECIAL, ...WORDS.slice(0, 5), "dog", "__proto__"]);
  expect((await union.rows(EMBED)).slice(8)).toEqual((await ownRows(other, EMBED)).slice(8));
  const library = new Tokenizer((await union.file("tokenizer.json")) as object, {});
  expect(library.encode("cat dog ab").ids).toEqual([6, 8, 5]);
});
