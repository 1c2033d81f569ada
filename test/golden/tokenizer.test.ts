/**
 * The tokenizers and chat templates mergekit made, held against ours: the same tokens under the same ids, the same text
 * cut the same way. And text to ids by the JavaScript library, held against what the Python library says.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { Tokenizer } from "@huggingface/tokenizers";
import { describe, expect, test } from "vitest";
import { fromBytes } from "../../core/bytes/source.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { modelsOf } from "../../core/recipe/recipe.ts";
import { encoderOf } from "../../core/tokenizer/encode.ts";
import { planTokenizer } from "../../core/tokenizer/plan.ts";
import { METHODS } from "../../methods/index.ts";
import { modelAt } from "../support/model.ts";
import { idsIn } from "../tokenizer/models.ts";

const here = import.meta.dirname;
const read = (path: string) => JSON.parse(readFileSync(join(here, path), "utf8"));
const encodings = read("encodings.json") as Record<string, Record<string, number[]>>;
const texts = [...new Set(Object.values(encodings).flatMap((of) => Object.keys(of)))];
const cases = readdirSync(join(here, "cases")).filter((name) =>
  existsSync(join(here, "cases", name, "expected-vocab.json")),
);

/**
 * mergekit gives every key of `tokens` to the library as a plain added token, also one that the tokenizer has: text is cut
 * there from then on, and a special token is special no more. Ours leaves the tokens that are there alone.
 */
const REDEFINED: Readonly<Record<string, readonly string[]>> = {
  "tokenizer-force": ["the", "th", "q"],
  "tokenizer-model-token": ["ing", "er"],
  "tokenizer-new-token": ["<|im_end|>"],
};

async function planOfCase(name: string) {
  const { recipe } = parseRecipe(readFileSync(join(here, "cases", name, "recipe.yml"), "utf8"), METHODS);
  if (recipe === null) throw new Error(`${name}: no recipe`);
  const models = new Map(
    await Promise.all(modelsOf(recipe).map(async (ref) => [ref, await modelAt(ref, join(here, ref))] as const)),
  );
  return { plan: await planTokenizer(recipe, models), donor: models.get(modelsOf(recipe)[0]!)! };
}

/** A small file of the result. */
async function fileOf(name: string, file: string): Promise<string | null> {
  const { plan, donor } = await planOfCase(name);
  const made = plan?.files.find((one) => one.name === file)?.content;
  const content = made ?? (plan === null ? donor.extras.get(file) : undefined);
  if (content === undefined) return null;
  return new TextDecoder().decode(
    content instanceof Uint8Array ? content : await content.read({ start: 0, end: content.size }),
  );
}

test("mergekit's tokenizers are here", () => {
  expect(cases.length).toBeGreaterThanOrEqual(20);
});

describe.each(cases)("%s", (name) => {
  test("the same tokens, the same ids", async () => {
    const ours = idsIn(JSON.parse((await fileOf(name, "tokenizer.json")) ?? "null"));
    expect(Object.fromEntries(ours)).toEqual(read(`cases/${name}/expected-vocab.json`));
  });

  test("text is cut the same way", async () => {
    const ours = JSON.parse((await fileOf(name, "tokenizer.json")) ?? "null");
    const theirs = read(`cases/${name}/expected-tokenizer.json`);
    const redefined = REDEFINED[name] ?? [];
    const [a, b] = [new Tokenizer(ours, {}), new Tokenizer(theirs, {})];
    for (const text of texts) {
      if (redefined.some((token) => text.includes(token))) continue;
      expect([text, a.encode(text).ids]).toEqual([text, b.encode(text).ids]);
    }
  });

  test("the chat template", async () => {
    const want = read(`cases/${name}/expected-chat.json`);
    const file = await fileOf(name, "chat_template.jinja");
    const config = JSON.parse((await fileOf(name, "tokenizer_config.json")) ?? "{}");
    if (want.rendered !== undefined) {
      expect(new Template(file ?? "").render({ messages: want.messages })).toBe(want.rendered);
    } else expect((file ?? config.chat_template ?? null)?.trim() ?? null).toBe(want.template?.trim() ?? null);
  });
});

test.each(Object.keys(encodings))("%s encodes as in Python", async (path) => {
  const name = "tokenizer.json";
  const encode = await encoderOf({
    ref: path,
    extras: new Map([[name, fromBytes(name, readFileSync(join(here, path)))]]),
  });
  for (const [text, ids] of Object.entries(encodings[path] ?? {})) expect([text, encode(text)]).toEqual([text, ids]);
});
