import { describe, expect, test } from "vitest";
import { printDocument } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { METHODS } from "../../methods/index.ts";
import { byPairs, ORDERS, PAIRWISE } from "../../methods/pairs.ts";

/** How much of each model is in the last result, where a step's share is what slerp's t or the weights say. */
function sharesOf(stages: ReturnType<typeof byPairs>): Record<string, number> {
  const known = new Map<string, Record<string, number>>();
  let last: Record<string, number> = {};
  for (const { name = "", models = [], parameters } of stages) {
    const t = Number(parameters?.t ?? Number.NaN);
    const own = models.map(({ parameters: own }, i) => Number(own?.weight ?? (i === 0 ? 1 - t : t)));
    last = {};
    models.forEach(({ model }, i) => {
      for (const [ref, share] of Object.entries(known.get(model) ?? { [model]: 1 }))
        last[ref] = (last[ref] ?? 0) + share * own[i]!;
    });
    known.set(name, last);
  }
  return last;
}

describe.each(ORDERS)("%s", (order) => {
  test.each(PAIRWISE)("%s: every model counts alike", (method) => {
    for (const count of [2, 3, 5, 8]) {
      const refs = Array.from({ length: count }, (_, i) => `m${i}`);
      const stages = byPairs(refs, order, method);
      expect(stages).toHaveLength(count - 1);
      const shares = sharesOf(stages);
      expect(Object.keys(shares).sort()).toEqual(refs);
      for (const share of Object.values(shares)) expect(share).toBeCloseTo(1 / count, 4);
    }
  });
});

test("the file reads back as a chain whose last recipe is the result", () => {
  const stages = byPairs(["a", "b", "c"], "chain", "slerp");
  const { document, diagnostics } = parseDocument(printDocument({ kind: "merge", stages }), METHODS);
  expect(diagnostics).toEqual([]);
  expect(document).toEqual({ kind: "merge", stages });
});

test("one model is no pair, and steps keep their names", () => {
  expect(() => byPairs(["a"], "chain", "slerp")).toThrow("Pairs need at least two models; 1 was given.");
  expect(() => byPairs(["a", "pair-1"], "chain", "slerp")).toThrow('Name it by its path, as "./pair-1".');
});
