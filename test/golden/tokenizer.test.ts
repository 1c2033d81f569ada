/**
 * What tokenizers do: text cut by ours as by mergekit's, chats rendered as it renders them; and text to ids by the
 * JavaScript library, held against what the Python library says.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { Tokenizer } from "@huggingface/tokenizers";
import { afterAll, expect, test } from "vitest";
import { fromBytes } from "../../core/bytes/source.ts";
import { encoderOf } from "../../core/tokenizer/encode.ts";
import { closeModels, extraOf, GOLDEN, goldens, jsonOf, planOf, REDEFINED } from "../support/golden.ts";

const encodings = JSON.parse(readFileSync(join(GOLDEN, "encodings.json"), "utf8")) as Record<
  string,
  Record<string, number[]>
>;
const texts = [...new Set(Object.values(encodings).flatMap((of) => Object.keys(of)))];
const cases = goldens("cases", "recipe.yml").filter(({ rule }) => rule.kind === "tokenizer");

afterAll(closeModels);

test("mergekit's tokenizers are here", () => {
  expect(cases.length).toBeGreaterThanOrEqual(20);
  expect(texts.length).toBeGreaterThanOrEqual(10);
});

test.each(cases)("$name: text is cut the same way", async (golden) => {
  const ours = new Tokenizer(JSON.parse((await extraOf(await planOf(golden), "tokenizer.json"))!), {});
  const theirs = new Tokenizer(jsonOf(golden, "expected-tokenizer.json")!, {});
  const redefined = REDEFINED[golden.name] ?? [];
  for (const text of texts) {
    if (redefined.some((token) => text.includes(token))) continue;
    expect([text, ours.encode(text).ids]).toEqual([text, theirs.encode(text).ids]);
  }
});

const chats = cases.filter((golden) => jsonOf(golden, "expected-chat.json")?.rendered !== undefined);

test.each(chats)("$name: the chat is rendered the same", async (golden) => {
  const { messages, rendered } = jsonOf(golden, "expected-chat.json")!;
  const template = await extraOf(await planOf(golden), "chat_template.jinja");
  expect(new Template(template ?? "").render({ messages })).toBe(rendered);
});

test.each(Object.keys(encodings))("%s encodes as in Python", async (path) => {
  const name = "tokenizer.json";
  const source = fromBytes(name, readFileSync(join(GOLDEN, path)));
  const encode = await encoderOf({ ref: path, extras: new Map([[name, source]]) });
  for (const [text, ids] of Object.entries(encodings[path] ?? {})) expect([text, encode(text)]).toEqual([text, ids]);
});
