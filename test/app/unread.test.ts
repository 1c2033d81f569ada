/** What is typed and what is chosen at the same time: neither is lost, whichever comes first; and cursors that stay. */
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { adoptText } from "../../app/recipe/adopt.ts";
import { changeBetween } from "../../app/recipe/change.ts";
import { assemble, EMPTY, setMethod, setModelParam, setOutputType, setParam } from "../../app/state/edits.ts";
import { keptNow, redo, textOf, undo, useStudio } from "../../app/state/studio.ts";
import { settle, setUnread } from "../../app/state/unread.ts";

const start = assemble(EMPTY, "task_arithmetic", ["base", "x", "y"]);
const typed =
  "merge_method: ties\nbase_model: base\nmodels:\n  - model: x\n    parameters: {weight: 0.25, density: 0.5}\n";

/** A person types, and nothing of it was read yet. */
const type = (text: string) => setUnread(() => adoptText(text));
const { edit, adopt } = useStudio.getState();
const shown = () => textOf(useStudio.getState());

beforeEach(() => {
  setUnread(null);
  useStudio.setState({ recipe: start, earlier: [], moe: null, text: null });
  useStudio.temporal.getState().clear();
});

test("a change is made to what was typed, and both are steps", () => {
  type(typed);
  edit((recipe) => setOutputType(recipe, "bfloat16"));
  expect(useStudio.getState().recipe).toMatchObject({ merge_method: "ties", out_dtype: "bfloat16" });
  // Reading the same text later is too late: it was read.
  settle();
  expect(shown()).toContain("out_dtype: bfloat16");
  undo();
  expect(useStudio.getState().text).toBe(typed);
  undo();
  expect(useStudio.getState().recipe).toBe(start);
  redo(2);
  expect(shown()).toContain("out_dtype: bfloat16");
});

test("another document is a step after what was typed", () => {
  type(typed);
  adopt({ kind: "merge", stages: [start] }, null);
  undo();
  expect(useStudio.getState().text).toBe(typed);
});

test("undo takes back what was typed; what is kept, saved or merged has it", () => {
  type(typed);
  expect(keptNow().text).toBe(typed);
  type(typed.replace("0.25", "0.75"));
  undo();
  expect(useStudio.getState().text).toBe(typed);
});

test("text that is no recipe yet holds nothing up", () => {
  type("merge_method: tie");
  edit((recipe) => setMethod(recipe, "dare_ties", ["base", "x", "y"]));
  expect(useStudio.getState().recipe.merge_method).toBe("dare_ties");
});

test("a control of the method before does not write into the one that was typed", () => {
  type("merge_method: linear\nmodels: [{model: x}, {model: y}]\nparameters: {weight: 1}\n");
  edit((recipe) => setParam(setModelParam(recipe, "x", "density", 0.5), "lambda", 0.5));
  expect(shown()).toContain("merge_method: linear");
  expect(shown()).not.toMatch(/lambda|density/);
});

test("the least change between two texts makes one into the other", () => {
  expect(changeBetween("weight: 0.5\nb: 1", "weight: 0.75\nb: 1")).toEqual({ from: 10, to: 10, insert: "7" });
  const text = fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 12 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const { from, to, insert } = changeBetween(before, after);
      expect(before.slice(0, from) + insert + before.slice(to)).toBe(after);
      expect(before === after).toBe(from === to && insert === "");
    }),
  );
});
