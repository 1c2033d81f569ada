/** The model card and the licence of a mixture. */
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { fromBytes } from "../../core/bytes/source.ts";
import { type CardInput, joinLicences, modelCard } from "../../core/model/card.ts";
import { cardFacts } from "../../core/model/licence.ts";

const INPUT: CardInput = {
  title: "Tide 7B",
  recipeText: "merge_method: ties\nmodels:\n  - model: org/sea\n",
  method: { title: "TIES", summary: "Trim, elect, merge.", reference: "Yadav et al., NeurIPS 2023, arXiv:2306.01708" },
  models: [
    { ref: "org/sea", licence: "mit" },
    { ref: "My folder", licence: null },
  ],
  base: "org/base-7b",
  licence: "apache-2.0",
  parameters: 7_000_000,
  dtype: "BF16",
};

const frontOf = (card: string): Record<string, unknown> => parse(/^---\n(.*?)\n---/s.exec(card)?.[1] ?? "");

test("front matter names the Hub models, tags and licence", () => {
  expect(frontOf(modelCard(INPUT))).toEqual({
    base_model: ["org/base-7b", "org/sea"],
    base_model_relation: "merge",
    library_name: "transformers",
    tags: ["mergekit", "merge", "weightloom"],
    license: "apache-2.0",
  });
});

test("a model of the Hub is named as the Hub names it, with the commit that was read", () => {
  const address = "https://huggingface.co/org/sea/tree/main";
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const card = modelCard({
    ...INPUT,
    models: [
      { ref: address, licence: "mit" },
      { ref: "org/sky@v2:unet", licence: null },
    ],
    origins: new Map([[address, { repo: "org/sea", commit }]]),
  });
  expect(frontOf(card)).toMatchObject({ base_model: ["org/base-7b", "org/sea", "org/sky"] });
  expect(card).toContain(`Read from the Hub: org/sea at ${commit}.`);
});

test("an unknown licence is left out and said in words", () => {
  const card = modelCard({ ...INPUT, licence: null });
  expect(frontOf(card)).not.toHaveProperty("license");
  expect(card).toMatch(/## Licence\n\nNot stated/);
});

test("method, paper, base, models and recipe are there", () => {
  const card = modelCard(INPUT);
  expect(card).toContain("](https://arxiv.org/abs/2306.01708)");
  expect(card).toContain("Base model: org/base-7b");
  expect(card).toContain("- org/sea (mit)\n- My folder\n");
  expect(card).toContain("```yaml\nmerge_method: ties\nmodels:\n  - model: org/sea\n```");
  expect(card).toContain("7,000,000 parameters");
});

test("names are never markup, and the recipe cannot end its block", () => {
  const evil = "x\n---\n# pwned <img src=x onerror=alert(1)> [a](javascript:b) `c`";
  const recipeText = "name: |\n  ```\n  # out\n";
  const card = modelCard({ ...INPUT, title: evil, base: evil, models: [{ ref: evil, licence: null }], recipeText });
  expect(card).not.toMatch(/(?<!\\)<img/);
  expect(card).not.toMatch(/^# pwned/m);
  expect(card).not.toMatch(/(?<!\\)\[a(?<!\\)\]\(/);
  expect(frontOf(card)).not.toHaveProperty("base_model");
  expect(card).toContain(`\`\`\`\`yaml\n${recipeText.trimEnd()}\n\`\`\`\``);
});

test("how to load it follows the architecture", () => {
  expect(modelCard({ ...INPUT, architecture: "T5ForConditionalGeneration" })).toContain(
    "T5ForConditionalGeneration.from_pretrained",
  );
  expect(modelCard({ ...INPUT, architecture: "Qwen2ForCausalLM" })).toContain("AutoModelForCausalLM.from_pretrained");
  expect(modelCard({ ...INPUT, architecture: "X; import os" })).not.toContain("import os");
  expect(modelCard({ ...INPUT, architecture: null })).toContain("load_file");
});

test.each([
  [["mit", "apache-2.0"], "apache-2.0"],
  [["apache-2.0", "cc-by-nc-4.0", "mit"], "cc-by-nc-4.0"],
  [["cc-by-sa-4.0", "cc-by-nc-4.0"], null],
  [["llama3", "mit"], "llama3"],
  [["llama3", "gemma"], null],
  [["gpl-3.0", "agpl-3.0", "apache-2.0"], "agpl-3.0"],
  [["mit", null], null],
  [["mit", "my-own"], null],
  [["my-own", "my-own"], "my-own"],
  [["other", "other"], null],
  [[], null],
])("the licences %j join to %j", (licences, joined) => {
  expect(joinLicences(licences)).toBe(joined);
  expect(joinLicences(licences.toReversed())).toBe(joined);
});

describe("the licence in a card", () => {
  const facts = (text: string) => cardFacts(fromBytes("README.md", new TextEncoder().encode(text)));
  const read = async (text: string) => (await facts(text)).licence;
  test.each([
    ["---\nlanguage: en\nlicense: apache-2.0\n---\n# x", "apache-2.0"],
    ['---\r\nlicense: "mit"\r\n---\r\n', "mit"],
    ["---\nlicense:\n- cc-by-4.0\n- mit\n---\n", "cc-by-4.0"],
    ["---\nlicense: other\nlicense_name: qwen-research\n---\n", "qwen-research"],
    ["---\nlicense: other\n---\n", "other"],
    ["# license: mit\n", null],
    ["---\ntitle: x\n---\nlicense: mit\n", null],
    ["", null],
  ])("%j is %j", async (text, licence) => {
    expect(await read(text)).toBe(licence);
  });

  test("the base a card names", async () => {
    expect((await facts("---\nbase_model: org/base\n---\n")).basedOn).toBe("org/base");
    expect((await facts("---\nbase_model:\n- org/base\n- org/other\n---\n")).basedOn).toBe("org/base");
    expect((await facts("---\nlicense: mit\n---\n")).basedOn).toBeNull();
  });
});
