/** What the page does with whole documents: presets for the models at hand, new names, methods found by words. */
import { describe, expect, test } from "vitest";
import { methodsLike } from "../../app/method/picker.tsx";
import { assemble, EMPTY } from "../../app/state/edits.ts";
import { offersFor } from "../../app/state/presets.ts";
import { renameInDocument } from "../../app/state/rename.ts";
import { type Document, printDocument } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { printRecipe } from "../../core/recipe/print.ts";
import { GROUPS, METHODS } from "../../methods/index.ts";

const models = (...refs: string[]) => refs.map((ref) => ({ ref, layers: 32 }));

describe("presets on offer", () => {
  const cast = ["base", "x", "y", "z"];
  const recipe = assemble(EMPTY, "ties", cast);
  const offer = (id: string, ...refs: string[]) =>
    offersFor(recipe, models(...refs)).find(({ preset }) => preset.id === id);

  test("every one that can be made is a recipe without faults", () => {
    for (const one of offersFor(recipe, models(...cast, "w", "v"))) {
      expect(one.recipe === null ? one.why : null).toBeNull();
      if (one.recipe !== null)
        expect(parseDocument(printRecipe(one.recipe), METHODS).diagnostics, one.preset.id).toEqual([]);
    }
  });

  test("the recipe's base and models come first; it says whom it took", () => {
    expect(offer("ties", ...[...cast].reverse())).toMatchObject({
      recipe: { base_model: "base", models: [{ model: "x" }, { model: "y" }] },
      said: expect.stringContaining("x and y on the base base"),
    });
    expect(offer("soup", ...cast)?.recipe?.models?.map(({ model }) => model)).toEqual(["x", "y", "z"]);
    expect(offer("soup", "base", "x")?.recipe?.models?.map(({ model }) => model)).toEqual(["base", "x"]);
  });

  test("those that cannot say what is missing", () => {
    expect(offer("dare-ties-53", "base", "x")).toMatchObject({ recipe: null, why: "Needs 2 more models." });
    expect(offer("ties", "base", "x")).toMatchObject({ recipe: null, why: "Needs one more model." });
    const shallow = offersFor(recipe, [{ ref: "x", layers: 4 }]).find(({ preset }) => preset.id === "self-merge");
    expect(shallow).toMatchObject({ recipe: null, why: expect.stringContaining('"x" has 4 layers') });
  });
});

describe("a new name", () => {
  const rename = (text: string): string => {
    const { document } = parseDocument(text, METHODS);
    expect(document).not.toBeNull();
    return printDocument(renameInDocument(document as Document, "old", "new"));
  };

  test("reaches every recipe of a chain, and tokens", () => {
    const said = rename(
      "name: pair\nmerge_method: linear\nmodels:\n  - {model: old, parameters: {weight: 1}}\n---\n" +
        "merge_method: task_arithmetic\nbase_model: old\nmodels:\n  - {model: pair, parameters: {weight: 1}}\n" +
        "chat_template: chatml\n",
    );
    expect(said.match(/new/g)).toHaveLength(2);
    expect(said).not.toContain("old");
    expect(said).toContain("chat_template: chatml");
  });

  test("reaches the experts of a mixture", () => {
    const said = rename(
      "base_model: old\ngate_mode: random\nexperts:\n  - source_model: old\n  - source_model: other\n",
    );
    expect(said.match(/new/g)).toHaveLength(2);
    expect(said).toContain("other");
  });
});

describe("methods by words", () => {
  test("every method is in one group", () => {
    const all = GROUPS.flatMap(({ methods }) => methods.map(({ id }) => id));
    expect(new Set(all).size).toBe(all.length);
    expect([...METHODS.keys()]).toEqual(all);
  });

  test("all words have to occur, in names, sentences or references", () => {
    const ids = (words: string) => methodsLike(words).flatMap(({ methods }) => methods.map(({ id }) => id));
    expect(ids("")).toEqual([...METHODS.keys()]);
    expect(ids("Yadav")).toEqual(["ties"]);
    expect(ids("DARE random")).toEqual(["dare_linear", "dare_ties"]);
    expect(ids("no such method")).toEqual([]);
  });
});
