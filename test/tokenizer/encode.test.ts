/** Text to ids, held against what the Python library says of the sample models. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { fromBytes } from "../../core/bytes/source.ts";
import { encoderOf } from "../../core/tokenizer/encode.ts";
import { filesIn } from "../support/model.ts";

const samples = join(import.meta.dirname, "../../public/samples");

test("the sample's ids are those of the Python library, its first special token included", async () => {
  const encode = await encoderOf({ ref: "base", extras: filesIn(join(samples, "base")) });
  expect(encode("12+34=")).toEqual([1, 5, 6, 40, 7, 8, 42]);
  expect(encode("abc</s>d")).toEqual([1, 14, 15, 16, 2, 17]);
});

test("no tokenizer.json: a sentence that says how to make one", async () => {
  const extras = new Map([["tokenizer.model", fromBytes("tokenizer.model", new Uint8Array(4))]]);
  await expect(encoderOf({ ref: "old", extras })).rejects.toThrow(
    "old: it has tokenizer.model, but no tokenizer.json, and tokenizers are read from tokenizer.json only. Make one in Python: " +
      '`AutoTokenizer.from_pretrained("FOLDER", use_fast=True).save_pretrained("FOLDER")` of the transformers library, then add the model again.',
  );
});

test("a bare text has only the special tokens that are written in it", async () => {
  const encode = await encoderOf({ ref: "base", extras: filesIn(join(samples, "base")) });
  expect(encode("12+34=", true)).toEqual([5, 6, 40, 7, 8, 42]);
  expect(encode("<s>abc", true)).toEqual([1, 14, 15, 16]);
});
