/** Which dropped files belong together. */
import { expect, test } from "vitest";
import { groupModels } from "../../app/platform/found.ts";

const files = (...paths: string[]) => paths.map((path) => ({ path, file: new File([], path) }));
const grouped = (...paths: string[]) => groupModels(files(...paths)).map(({ name, files: own }) => [name, own.length]);

test("a folder with weights is one model, with everything in it", () => {
  expect(grouped("qwen/config.json", "qwen/model.safetensors", "qwen/tokenizer.json")).toEqual([["qwen", 3]]);
});

test("a folder of folders is several models", () => {
  expect(grouped("all/a/model.safetensors", "all/b/model.safetensors", "all/notes.txt")).toEqual([
    ["a", 1],
    ["b", 1],
  ]);
});

test("loose shards are one model, loose single files one each", () => {
  expect(grouped("m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors", "m.safetensors.index.json")).toEqual([
    ["m", 3],
  ]);
  expect(grouped("a.safetensors", "b.safetensors")).toEqual([
    ["a", 1],
    ["b", 1],
  ]);
});

test("pickles are handed on, so that they are refused with a sentence", () => {
  expect(grouped("old/pytorch_model.bin", "old/config.json")).toEqual([["old", 2]]);
  expect(grouped("photo.jpg")).toEqual([]);
});
