/** What lies beside the weights of every case: config.json, tokenizer, chat template. No engine is needed. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { closeModels, expectedOf, extraOf, goldens, jsonOf, planOf, REDEFINED } from "../support/golden.ts";

const cases = goldens("cases", "recipe.yml").filter(({ rule }) => rule.compare !== "refused");
const tokenizers = cases.filter(({ rule }) => rule.kind === "tokenizer");

afterAll(closeModels);

test.each(cases)("$name: config.json", async (golden) => {
  const plan = await planOf(golden);
  const ours = JSON.parse((await extraOf(plan, "config.json"))!) as Record<string, unknown>;
  const theirs = { ...jsonOf(golden, "expected-config.json")!, ...golden.rule.config };
  for (const key of ["model_type", "architectures", "num_hidden_layers", "n_layer", "vocab_size", "layer_types"]) {
    expect([key, ours[key]]).toEqual([key, theirs[key]]);
  }
  if (golden.rule.config?.tie_word_embeddings !== undefined) {
    expect(ours.tie_word_embeddings).toBe(golden.rule.config.tie_word_embeddings);
  }
  // Where the recipe is silent mergekit keeps the donor's word, even for tensors of another type; ours tells the weights'.
  const stored = [...(await expectedOf(golden)).tensors.values()].map((tensor) => tensor.dtype);
  const silent = !/^(out_)?dtype:/m.test(golden.text);
  const theirDtype = theirs.dtype ?? theirs.torch_dtype;
  expect(ours.dtype ?? ours.torch_dtype).toBe(silent && stored.every((d) => d === "F32") ? "float32" : theirDtype);
});

test.each(tokenizers)("$name: vocabulary", async (golden) => {
  const file = JSON.parse((await extraOf(await planOf(golden), "tokenizer.json"))!) as {
    readonly model: { readonly vocab: Record<string, number> | [string, number][] };
    readonly added_tokens: readonly { readonly content: string; readonly id: number; readonly special: boolean }[];
  };
  const { vocab } = file.model;
  const ids = new Map(Array.isArray(vocab) ? vocab.map(([token], id) => [token, id]) : Object.entries(vocab));
  for (const { content, id } of file.added_tokens) ids.set(content, id);
  const want = jsonOf(golden, "expected-vocab.json")!;
  expect([...ids].sort(([, a], [, b]) => a - b)).toEqual(
    Object.entries(want).sort(([, a], [, b]) => Number(a) - Number(b)),
  );
  const theirs = jsonOf(golden, "expected-tokenizer.json") as typeof file | null;
  const redefined = REDEFINED[golden.name] ?? [];
  const flags = (tokens: typeof file.added_tokens) =>
    tokens
      .filter(({ content }) => !redefined.includes(content))
      .map(({ content, special }) => [content, special])
      .sort();
  expect(flags(file.added_tokens)).toEqual(flags(theirs!.added_tokens));
});

test.each(tokenizers)("$name: chat template", async (golden) => {
  const plan = await planOf(golden);
  const config = JSON.parse((await extraOf(plan, "tokenizer_config.json"))!) as Record<string, unknown>;
  const ours = (await extraOf(plan, "chat_template.jinja")) ?? config.chat_template ?? null;
  const want = jsonOf(golden, "expected-chat.json")!;
  if (want.name === undefined) expect(ours).toBe(want.template);
  else expect(ours).toContain("<|im_start|>"); // load.py renders it
});

test("every case has its files", () => {
  for (const { folder, rule } of cases) {
    const files = ["expected.safetensors", "expected-config.json"];
    if (rule.kind === "tokenizer") files.push("expected-vocab.json", "expected-tokenizer.json", "expected-chat.json");
    expect(files.filter((file) => !existsSync(join(folder, file)))).toEqual([]);
    expect(readFileSync(join(folder, "recipe.yml"), "utf8")).toContain("merge_method:");
  }
});
