/** Built-in templates rendered by a Jinja library, the choice of `auto`, and what is refused. */
import { Template } from "@huggingface/jinja";
import { describe, expect, test } from "vitest";
import { chooseTemplate } from "../../core/tokenizer/template.ts";
import { TEMPLATES } from "../../core/tokenizer/templates.ts";
import { bpe, makeModel, mergeOf } from "./models.ts";

const talk = [
  { role: "system", content: "Be kind." },
  { role: "user", content: "Hi" },
  { role: "assistant", content: "Hello!" },
  { role: "user", content: "Bye" },
];

const RENDERED: Readonly<Record<keyof typeof TEMPLATES, string>> = {
  alpaca:
    "<s>Be kind.\n\n### Instruction:\nHi\n\n### Response:\nHello!</s>\n\n### Instruction:\nBye\n\n### Response:\n",
  chatml:
    "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n",
  exaone: "[|system|]Be kind.[|endofturn|]\n[|user|]Hi\n[|assistant|]Hello![|endofturn|]\n[|user|]Bye\n[|assistant|]",
  llama3:
    "<s><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello!<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
  mistral: "<s>[INST] Be kind.\n\nHi [/INST] Hello!</s>[INST] Bye [/INST]",
};

test.each(Object.keys(TEMPLATES) as (keyof typeof TEMPLATES)[])("%s", (name) => {
  const render = (messages: object[], prompt: boolean) =>
    new Template(TEMPLATES[name]).render({
      messages,
      add_generation_prompt: prompt,
      bos_token: "<s>",
      eos_token: "</s>",
    });
  expect(render(talk, true)).toBe(RENDERED[name]);
  expect(render(talk.slice(0, 3), false).trimEnd().endsWith("Bye")).toBe(false);
  expect(render(talk.slice(1, 2), false)).toContain("Hi");
});

const withTemplate = (ref: string, files: Readonly<Record<string, string>>) =>
  makeModel(ref, { tokenizer: bpe(64), rows: 64, number: 1, files });
const A = "{{ messages[0].content }} and so on";
const B = "{% for m in messages %}{{ m.content }}{% endfor %}";

describe("auto", () => {
  test("the most common, white space aside, wherever it is kept", async () => {
    const models = await Promise.all([
      withTemplate("one", { "tokenizer_config.json": JSON.stringify({ chat_template: A }) }),
      withTemplate("two", { "chat_template.jinja": `${B}\n` }),
      withTemplate("three", {
        "tokenizer_config.json": JSON.stringify({
          chat_template: [
            { name: "tools", template: A },
            { name: "default", template: B },
          ],
        }),
      }),
      withTemplate("four", {}),
    ]);
    expect(await chooseTemplate("auto", models)).toEqual({ text: B, from: "two" });
    expect(await chooseTemplate("auto", models.slice(0, 2))).toEqual({ text: A, from: "one" });
    expect(await chooseTemplate("auto", models.slice(3))).toBeNull();
  });

  test("no template anywhere is said, and the files stay", async () => {
    const model = await withTemplate("base", { "tokenizer_config.json": '{"eos_token": "</s>"}' });
    const merged = await mergeOf(
      { merge_method: "linear", models: [{ model: "base", parameters: { weight: 1 } }], chat_template: "auto" },
      [model],
    );
    expect(await merged.file("chat_template.jinja")).toBeNull();
    expect(await merged.file("tokenizer_config.json")).toEqual({ eos_token: "</s>" });
    expect(merged.plan.notes.map(({ text }) => text)).toContain(
      "chat_template is auto, but none of the models has a template, so the result has none. Name one, or give a text.",
    );
  });
});

test.each([
  ["chatml", TEMPLATES.chatml],
  [B, B],
])("a template alone leaves tokens and weights as they are", async (setting, text) => {
  const model = await withTemplate("base", {
    "tokenizer_config.json": '{"eos_token": "</s>", "chat_template": "old"}',
    "generation_config.json": '{"eos_token_id": 2}',
    "tokenizer.model": "kept",
  });
  const recipe = {
    merge_method: "linear",
    models: [{ model: "base", parameters: { weight: 1 } }],
    chat_template: setting,
  } as const;
  const merged = await mergeOf(recipe, [model]);
  expect(await merged.file("chat_template.jinja")).toBe(text);
  expect(await merged.file("tokenizer_config.json")).toEqual({ eos_token: "</s>", chat_template: text });
  expect(await merged.file("tokenizer.json")).toEqual(bpe(64));
  expect(await merged.file("generation_config.json")).toEqual({ eos_token_id: 2 });
  expect(await merged.file("tokenizer.model")).toBe("kept");
});

test.each([
  [
    "chatm",
    'chat_template is "chatm"; it must be auto, alpaca, chatml, exaone, llama3, mistral, or a Jinja template of at least 20 characters with a "{" in it.',
  ],
  ["a text of many characters but no braces", "chat_template is"],
  ["{% for m in messages %}{{ m.content }} and no end", "chat_template cannot be read as Jinja ("],
])("refused: %s", async (setting, sentence) => {
  await expect(chooseTemplate(setting, [])).rejects.toThrow(sentence);
});
