/** The doctor behind the worker's door, and what the panel makes of his answers. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { answerOf, judge, kinInWords, likenessInWords } from "../../app/models/words.ts";
import type { Document } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { METHODS } from "../../methods/index.ts";
import type { StudioHost } from "../../workers/api.ts";
import { createHost } from "../../workers/host.ts";

const samples = join(import.meta.dirname, "../../public/samples");
let host: StudioHost;
beforeAll(async () => {
  const nothing = () => Promise.reject(new Error("not in this test"));
  host = createHost({ engine: nothing, storage: nothing });
  for (const name of ["base", "adder", "sorter"]) {
    const files = readdirSync(join(samples, name)).map((file) => ({
      path: `${name}/${file}`,
      file: new File([readFileSync(join(samples, name, file))], file),
    }));
    await host.open({ id: name, name, files });
  }
});

const read = (text: string) => parseDocument(text, METHODS).document as Document;
const TIES = read(
  "merge_method: ties\nbase_model: base\nmodels:\n  - {model: adder, parameters: {weight: 1, density: 0.5}}\n  - {model: sorter, parameters: {weight: 1, density: 0.5}}\n",
);

describe("behind the door", () => {
  test("diagnoses the models a document uses, without an engine", async () => {
    const { verdict, findings } = await host.diagnose(TIES);
    expect(verdict).toBe("yes");
    expect(findings.map(({ text }) => text)).toContain("All are Llama with 8 layers.");
  });

  test("compares them with the base, and those without a base with the first", async () => {
    const found = await host.kinship(TIES);
    expect(found?.reference).toBe("base");
    expect(found?.kin.map(({ ref, related }) => [ref, related])).toEqual([
      ["adder", "yes"],
      ["sorter", "yes"],
    ]);
    expect(found?.likeness).toHaveLength(1);
    const linear = read(
      "merge_method: linear\nmodels:\n  - {model: sorter, parameters: {weight: 1}}\n  - {model: adder, parameters: {weight: 1}}\n",
    );
    expect((await host.kinship(linear))?.reference).toBe("sorter");
  });

  test("says nothing of one model alone, or of models that are not open", async () => {
    const alone = read("merge_method: passthrough\nmodels:\n  - {model: base}\n");
    expect(await host.kinship(alone)).toBeNull();
    const absent = read("merge_method: linear\nmodels:\n  - {model: absent, parameters: {weight: 1}}\n");
    expect(await host.diagnose(absent)).toEqual({ verdict: "yes", findings: [] });
  });

  test("the tokenizer a recipe chooses counts", async () => {
    const union = read(
      "merge_method: linear\nmodels:\n  - {model: sorter, parameters: {weight: 1}}\n  - {model: adder, parameters: {weight: 1}}\ntokenizer: {source: union}\n",
    );
    const { findings } = await host.diagnose(union);
    expect(findings.find(({ topic }) => topic === "tokenizer")?.text).toContain("lined up by token");
  });
});

describe("the verdict", () => {
  const diagnosis = (verdict: "yes" | "fix" | "no") => ({
    verdict,
    findings: [{ topic: "width" as const, weight: "stop" as const, text: "a is wider." }],
  });
  const refused = (errors: readonly string[], missing: readonly string[] = []) => ({
    errors,
    missing,
    diagnostics: [],
  });

  test("waits for models that are not open", () => {
    expect(judge(diagnosis("yes"), refused([], ["x", "y"]))).toMatchObject({
      verdict: "wait",
      more: ["The recipe names x, y, which are not open. Add them or change the recipe."],
    });
  });

  test("takes the planner's reason only where the doctor has none", () => {
    expect(judge(diagnosis("yes"), refused(["t is missing."]))).toMatchObject({
      verdict: "no",
      more: ["t is missing."],
    });
    expect(judge(diagnosis("no"), refused(["shapes differ."]))).toMatchObject({ verdict: "no", more: [] });
    expect(judge(diagnosis("fix"), refused(["rows differ."]))).toMatchObject({
      headline: "Yes, after a fix.",
      more: [],
    });
    expect(judge(null, null).verdict).toBe("wait");
  });
});

describe("relatives in words", () => {
  const kin = (cosine: number, change: number, related: "yes" | "no" | "unsure") => ({
    ref: "x",
    cosine,
    change,
    related,
  });
  test.each([
    [kin(0.99971, 0.0241, "yes"), "x and base share an ancestor: cosine 0.9997, change 2.4 %."],
    [kin(0.01, 1.41, "no"), /x and base were trained apart: cosine 0\.01, change 141 %/],
    [kin(0.6, 0.9, "unsure"), /x may descend from base: cosine 0\.60, change 90 %/],
    [kin(1, 0, "yes"), /x equals base in every sampled weight/],
  ])("%o", (one, text) => {
    expect(kinInWords(one, "base")).toEqual(typeof text === "string" ? text : expect.stringMatching(text));
  });

  test("changes and answers", () => {
    expect(likenessInWords({ a: "x", b: "y", cosine: 0.03 })).toBe("x and y changed different things (0.03)");
    expect(likenessInWords({ a: "x", b: "y", cosine: -0.4 })).toBe("x and y pull apart (-0.40)");
    const of = (...all: ReturnType<typeof kin>[]) =>
      answerOf({ reference: "base", kin: all, likeness: [], tensors: 8, weights: 1 });
    expect([of(kin(1, 0.1, "yes")), of(kin(0, 1, "no")), of(kin(0.6, 1, "unsure"))]).toEqual([
      "Yes.",
      "Not all.",
      "Perhaps.",
    ]);
    expect(of()).toContain("Nothing to compare");
  });
});
