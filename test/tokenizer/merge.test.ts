/**
 * Merging models whose vocabularies differ, row by row: a base of 64 tokens, one whose tokenizer has sixteen more than the
 * model has rows, one with the two tokens of ChatML.
 */
import { Tokenizer } from "@huggingface/tokenizers";
import { describe, expect, test } from "vitest";
import type { Json } from "../../core/model/model.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { planTokenizer } from "../../core/tokenizer/plan.ts";
import { bpe, EMBED, HEAD, idsIn, type Merged, makeModel, mergeOf, ownRows } from "./models.ts";

const START = "<|im_start|>";
const END = "<|im_end|>";
const unused = Array.from({ length: 16 }, (_, i) => ({ content: `<UNUSED_${i}>` }));
const base = await makeModel("base", { tokenizer: bpe(64), rows: 64, number: 1 });
const padded = await makeModel("padded", { tokenizer: bpe(64, unused, false), rows: 64, number: 2 });
const chatml = await makeModel("chatml", {
  tokenizer: bpe(64, [
    { content: START, special: true },
    { content: END, special: true },
  ]),
  rows: 66,
  number: 3,
});
const models = [base, padded, chatml];

const linear = (settings: Partial<Recipe>): Recipe => ({
  merge_method: "linear",
  base_model: "base",
  models: ["base", "padded", "chatml"].map((model) => ({ model, parameters: { weight: 1 } })),
  dtype: "float32",
  ...settings,
});

const mean = (...rows: number[][]) => rows[0]!.map((_, c) => rows.reduce((sum, row) => sum + row[c]!, 0) / rows.length);

function near(got: number[] | undefined, want: number[] | undefined): void {
  expect(got?.length).toBe(want?.length);
  got?.forEach((value, i) => {
    expect(Math.abs(value - want![i]!)).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(want![i]!)));
  });
}

const sizeIn = async (merged: Merged) => ((await merged.file("config.json")) as { vocab_size: number }).vocab_size;

describe("the eight cases", () => {
  const own = async (name: string) => Promise.all(models.map((model) => ownRows(model, name)));

  test("nothing said: the base's files, rows by number", async () => {
    const merged = await mergeOf(linear({}), models);
    expect(merged.ids.size).toBe(64);
    expect((await merged.rows(EMBED)).length).toBe(64);
    expect(await sizeIn(merged)).toBe(64);
  });

  test.each([{ tokenizer_source: "base" }, { tokenizer: { source: "base" } }])("base: 64 tokens", async (settings) => {
    const merged = await mergeOf(linear(settings), models);
    expect(merged.ids.size).toBe(64);
    for (const name of [EMBED, HEAD]) {
      const [a, b, c] = await own(name);
      const rows = await merged.rows(name);
      expect(rows.length).toBe(64);
      rows.forEach((row, i) => {
        near(row, mean(a![i]!, b![i]!, c![i]!));
      });
    }
  });

  test("union: 66 tokens, the new ones from their only owner, none that has no row", async () => {
    const merged = await mergeOf(linear({ tokenizer: {} }), models);
    expect(merged.ids.size).toBe(66);
    expect([...merged.ids.keys()].some((token) => token.startsWith("<UNUSED"))).toBe(false);
    expect([merged.ids.get(START), merged.ids.get(END)]).toEqual([64, 65]);
    const [a, b, c] = await own(EMBED);
    const rows = await merged.rows(EMBED);
    expect(rows.length).toBe(66);
    expect(await sizeIn(merged)).toBe(66);
    near(rows[64], c![64]!);
    near(rows[65], c![65]!);
    near(rows[5], mean(a![5]!, b![5]!, c![5]!));
    expect(merged.plan.notes.map(({ text }) => text)).toContain(
      'padded: "<UNUSED_0>", "<UNUSED_1>", "<UNUSED_2>" and 13 more have no row in its embedding and are left out.',
    );
  });

  test("a model's tokenizer: 66 tokens", async () => {
    const merged = await mergeOf(linear({ tokenizer: { source: "chatml" } }), models);
    expect(await merged.file("tokenizer.json")).toEqual(
      JSON.parse(
        JSON.stringify(
          bpe(64, [
            { content: START, special: true },
            { content: END, special: true },
          ]),
        ),
      ),
    );
    const [, , c] = await own(HEAD);
    near((await merged.rows(HEAD))[64], c![64]!);
  });

  test("slerp of a union: 66 rows, the new ones as they are", async () => {
    const merged = await mergeOf(
      {
        merge_method: "slerp",
        base_model: "base",
        models: [{ model: "chatml" }],
        parameters: { t: 0.5 },
        tokenizer: {},
      },
      models,
    );
    const rows = await merged.rows(EMBED);
    expect(rows.length).toBe(66);
    // Both sides of the new rows are equal, and the angle is that of the whole matrix, so they only scale.
    const row = rows[64]!;
    const from = (await own(EMBED))[2]![64]!;
    const scale = row[0]! / from[0]!;
    near(
      row,
      from.map((value) => value * scale),
    );
    expect(scale).toBeGreaterThan(0.9);
  });

  test("force: the row of one model in all of them", async () => {
    const merged = await mergeOf(
      linear({ tokenizer: { source: "union", tokens: { a: { source: "chatml", force: true } } } }),
      models,
    );
    const [, , c] = await own(EMBED);
    near((await merged.rows(EMBED))[merged.ids.get("a")!], c![3]!);
  });

  test("force without a source: the base's row", async () => {
    const merged = await mergeOf(linear({ tokenizer: { tokens: { a: { force: true } } } }), models);
    near((await merged.rows(EMBED))[3], (await own(EMBED))[0]![3]!);
  });

  test.each([{ token: "b" }, { token_id: 4 }])("model_token by %o", async (which) => {
    const merged = await mergeOf(
      linear({ tokenizer: { tokens: { "<new>": { source: { kind: "model_token", model: "padded", ...which } } } } }),
      models,
    );
    expect(merged.ids.get("<new>")).toBe(66);
    near((await merged.rows(EMBED))[66], (await own(EMBED))[1]![4]!);
    near((await merged.rows(HEAD))[66], (await own(HEAD))[1]![4]!);
  });

  test("padding: 66 tokens, 80 rows, the last fourteen the mean of the others", async () => {
    const merged = await mergeOf(linear({ tokenizer: { pad_to_multiple_of: 16 } }), models);
    const rows = await merged.rows(EMBED);
    expect(rows.length).toBe(80);
    expect(await sizeIn(merged)).toBe(80);
    const average = mean(...rows.slice(0, 66));
    for (const row of rows.slice(66)) near(row, average);
  });
});

describe("rows nobody else gets right", () => {
  test("zero, and a token that no model has", async () => {
    const tokens = {
      "<zero>": { source: { kind: "zero" } },
      "<nowhere>": {},
      a: { source: { kind: "zero" }, force: true },
    } as const;
    const merged = await mergeOf(linear({ tokenizer: { tokens } }), models);
    const rows = await merged.rows(EMBED);
    for (const token of Object.keys(tokens)) expect(rows[merged.ids.get(token)!]).toEqual([0, 0, 0, 0]);
    expect(merged.plan.notes.map(({ text }) => text)).toContain(
      '"<nowhere>": in none of the models, so the row is zeros.',
    );
  });

  test("a chosen tokenizer with more tokens than its model has rows", async () => {
    const merged = await mergeOf(linear({ tokenizer: { source: "padded" } }), models);
    const rows = await merged.rows(EMBED);
    expect(rows.length).toBe(80);
    expect(rows[70]).toEqual([0, 0, 0, 0]);
  });

  test("without a base: the mean of the models that have a token", async () => {
    const other = await makeModel("other", { tokenizer: bpe(64, [{ content: START }]), rows: 65, number: 4 });
    const { base_model: _, ...recipe } = linear({
      tokenizer: {},
      models: ["base", "chatml", "other"].map((model) => ({ model, parameters: { weight: 1 } })),
    });
    const merged = await mergeOf(recipe, [base, chatml, other]);
    const [c, d] = [await ownRows(chatml, EMBED), await ownRows(other, EMBED)];
    near((await merged.rows(EMBED))[64], mean(mean(c[64]!, d[64]!), c[64]!, d[64]!));
    near((await merged.rows(EMBED))[65], c[65]!);
  });

  test("tokens in another order are found by name", async () => {
    const tokenizer = bpe(64) as { model: { vocab: Record<string, number> } };
    const turned = {
      ...tokenizer,
      model: {
        ...tokenizer.model,
        vocab: Object.fromEntries(Object.entries(tokenizer.model.vocab).map(([t, id]) => [t, id < 3 ? id : 66 - id])),
      },
    };
    const other = await makeModel("other", { tokenizer: turned as unknown as Json, rows: 64, number: 5 });
    const merged = await mergeOf(linear({ tokenizer: {}, models: [{ model: "other", parameters: { weight: 1 } }] }), [
      base,
      other,
    ]);
    const rows = await merged.rows(EMBED);
    const [a, d] = [await ownRows(base, EMBED), await ownRows(other, EMBED)];
    // The base is not listed; it takes part for linear only when a weight holds for all, so `other` stands alone.
    expect(rows.length).toBe(a.length);
    for (let i = 3; i < 64; i++) near(rows[i], d[66 - i]!);
  });

  test("a tied head beside an untied one", async () => {
    const tied = await makeModel("tied", { tokenizer: bpe(64, [{ content: START }]), rows: 65, number: 6, tied: true });
    const merged = await mergeOf(
      linear({ tokenizer: {}, models: ["base", "tied"].map((model) => ({ model, parameters: { weight: 1 } })) }),
      [base, tied],
    );
    const rows = await merged.rows(HEAD);
    expect(rows.length).toBe(65);
    near(rows[64], (await ownRows(tied, EMBED))[64]!);
    near(rows[7], mean((await ownRows(base, HEAD))[7]!, (await ownRows(tied, EMBED))[7]!));
  });

  test("a tied model borrows a head's rows for its head, an embedding's for its embedding", async () => {
    const tied = await makeModel("base", { tokenizer: bpe(64), rows: 64, number: 6, tied: true });
    const both = ["base", "chatml"].map((model) => ({ model, parameters: { weight: 1 } }));
    const merged = await mergeOf(linear({ tokenizer: {}, models: both }), [tied, chatml]);
    for (const name of [EMBED, HEAD]) near((await merged.rows(name))[65], (await ownRows(chatml, name))[65]!);
    expect(await merged.file("config.json")).toMatchObject({ tie_word_embeddings: false });
  });

  test("two tied models stay tied", async () => {
    const a = await makeModel("a", { tokenizer: bpe(64), rows: 64, number: 1, tied: true });
    const b = await makeModel("b", { tokenizer: bpe(64, [{ content: END }]), rows: 65, number: 2, tied: true });
    const merged = await mergeOf(
      linear({
        tokenizer: {},
        base_model: "a",
        models: ["a", "b"].map((model) => ({ model, parameters: { weight: 1 } })),
      }),
      [a, b],
    );
    expect(merged.plan.tensors.map(({ name }) => name)).not.toContain(HEAD);
    near((await merged.rows(EMBED))[64], (await ownRows(b, EMBED))[64]!);
  });

  test("rows from a model stored in another type, and an odd number of them in BF16", async () => {
    const half = await makeModel("half", { tokenizer: bpe(64), rows: 64, number: 1, dtype: "BF16" });
    const { dtype: _, ...recipe } = linear({
      base_model: "half",
      tokenizer: { pad_to_multiple_of: 7 },
      models: ["half", "chatml"].map((model) => ({ model, parameters: { weight: model === "half" ? 1 : 0 } })),
    });
    const merged = await mergeOf({ ...recipe, dtype: "float32" }, [half, chatml]);
    const rows = await merged.rows(EMBED);
    expect(rows.length).toBe(70);
    const want = (await ownRows(chatml, EMBED))[64]!;
    rows[64]!.forEach((value, i) => {
      expect(Math.abs(value - want[i]!)).toBeLessThanOrEqual(Math.abs(want[i]!) / 256);
    });
  });

  test("equal vocabularies: every tensor and every file stays what it is", async () => {
    const twin = await makeModel("twin", { tokenizer: bpe(64), rows: 64, number: 9 });
    const recipe = linear({ tokenizer: {}, models: ["base", "twin"].map((model) => ({ model })) });
    const opened = new Map([base, twin].map((model) => [model.ref, model]));
    const plan = await planTokenizer(recipe, opened);
    for (const model of [base, twin]) {
      for (const info of model.checkpoint.tensors.values()) {
        expect(plan?.of(recipe)?.tensor(model, info, info.name)).toBe(info);
      }
    }
    expect(plan?.files.map(({ name, content }) => [name, content])).toEqual([
      ["tokenizer.json", base.extras.get("tokenizer.json")],
    ]);
  });

  test("a model without a tokenizer is taken to use the base's", async () => {
    const bare = await makeModel("bare", { rows: 64, number: 2 });
    const merged = await mergeOf(
      linear({
        tokenizer: {},
        models: ["base", "bare", "chatml"].map((model) => ({ model, parameters: { weight: 1 } })),
      }),
      [base, bare, chatml],
    );
    expect((await merged.rows(EMBED)).length).toBe(66);
    expect(merged.plan.notes.map(({ text }) => text)).toContain("bare has no tokenizer; it is taken to use base's.");
  });
});

describe("the files", () => {
  test("a base with more tokens than rows is cut, its merges too; both forms of merges stay what they were", async () => {
    for (const pairs of [true, false]) {
      const long = await makeModel("base", { tokenizer: bpe(64, unused, pairs), rows: 40, number: 1 });
      const merged = await mergeOf(
        linear({ tokenizer: { source: "base" }, models: [{ model: "base", parameters: { weight: 1 } }] }),
        [long],
      );
      const json = (await merged.file("tokenizer.json")) as { model: { merges: unknown[] } };
      expect(idsIn(json as Json).size).toBe(40);
      // 29 tokens are special or letters, so eleven joined ones are left.
      expect(json.model.merges.length).toBe(11);
      expect(json.model.merges[0]).toEqual(pairs ? ["a", "b"] : "a b");
    }
  });

  test("the union encodes what it did before, and its new tokens whole", async () => {
    const merged = await mergeOf(linear({ tokenizer: {} }), models);
    const after = new Tokenizer((await merged.file("tokenizer.json")) as object, {});
    const before = new Tokenizer(bpe(64) as object, {});
    for (const text of ["abcdefg", "hello</s>world", "zzz"]) {
      expect(after.encode(text).ids).toEqual(before.encode(text).ids);
    }
    expect(after.encode(`${START}ab${END}`).ids).toEqual([64, ...before.encode("ab").ids, 65]);
  });

  test("config, added tokens and generation settings say what is so", async () => {
    const turned = bpe(64, [{ content: START, special: true }]) as {
      model: { vocab: Record<string, number> };
      added_tokens: { id: number; content: string }[];
    };
    // A tokenizer in which the end of a text has the number 63.
    const swap = (id: number) => (id === 2 ? 63 : id === 63 ? 2 : id);
    const vocab = Object.fromEntries(Object.entries(turned.model.vocab).map(([t, id]) => [t, swap(id)]));
    const other = await makeModel("other", {
      tokenizer: {
        ...turned,
        model: { ...turned.model, vocab },
        added_tokens: turned.added_tokens.map((t) => ({ ...t, id: swap(t.id) })),
      } as unknown as Json,
      rows: 65,
      number: 2,
      files: {
        "tokenizer_config.json": '{"model_max_length": 1000000000000000019884624838656, "eos_token": "</s>"}',
        "special_tokens_map.json": { eos_token: "</s>" },
      },
    });
    const first = await makeModel("base", {
      tokenizer: bpe(64),
      rows: 64,
      number: 1,
      files: { "generation_config.json": { eos_token_id: [2, 1], max_new_tokens: 3 }, "tokenizer.model": "old" },
    });
    const merged = await mergeOf(
      linear({
        tokenizer: { source: "other", tokens: { "<x>": {} } },
        models: ["base", "other"].map((model) => ({ model, parameters: { weight: 1 } })),
      }),
      [first, other],
    );
    expect(await merged.file("config.json")).toMatchObject({ vocab_size: 66, bos_token_id: 1, eos_token_id: 63 });
    expect(await merged.file("generation_config.json")).toEqual({ eos_token_id: [63, 1], max_new_tokens: 3 });
    expect(await merged.file("tokenizer_config.json")).toMatchObject({
      added_tokens_decoder: {
        1: { content: "<s>", special: true },
        63: { content: "</s>" },
        64: { content: START },
        65: { content: "<x>", special: false },
      },
    });
    const extra = merged.plan.extras.find(({ name }) => name === "tokenizer_config.json")!.content as Uint8Array;
    expect(new TextDecoder().decode(extra)).toContain('"model_max_length": 1000000000000000019884624838656,');
    expect(merged.plan.extras.map(({ name }) => name)).not.toContain("tokenizer.model");
    expect(await merged.file("special_tokens_map.json")).toEqual({ eos_token: "</s>" });
  });

  test("the vocabulary of a text model inside another", async () => {
    const config = { text_config: { vocab_size: 64 }, vocab_size: 64 };
    const inner = await makeModel("base", { tokenizer: bpe(64), rows: 64, number: 1, config });
    const merged = await mergeOf(
      linear({ tokenizer: {}, models: ["base", "chatml"].map((model) => ({ model, parameters: { weight: 1 } })) }),
      [inner, chatml],
    );
    expect(await merged.file("config.json")).toMatchObject({ vocab_size: 66, text_config: { vocab_size: 66 } });
  });
});
