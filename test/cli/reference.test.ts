/** docs/methods.md is what `weightloom methods --markdown` prints. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { costOf, methodsPage } from "../../cli/reference.ts";
import type { Param } from "../../core/method.ts";
import { METHODS } from "../../methods/index.ts";

test("docs/methods.md is up to date", () => {
  const stored = readFileSync(join(import.meta.dirname, "../../docs/methods.md"), "utf8");
  const made = methodsPage([...METHODS.values()]);
  expect(
    stored.trimEnd() === made.trimEnd(),
    "docs/methods.md is stale. Make it anew: node bin/weightloom.mjs methods --markdown > docs/methods.md",
  ).toBe(true);
});

test("costs are counted, not written", () => {
  const cost = (id: string) => costOf(METHODS.get(id)!);
  expect(cost("passthrough")).toBe("none: bytes are copied.");
  expect(cost("ram")).toBe("1 sweep; each model is read once, the base once.");
  expect(cost("karcher")).toBe("2 sweeps; each model is read twice.");
  expect(cost("ties")).toBe(
    "3 sweeps, 1 more where equal magnitudes straddle the cut; each model is read 3 times, the base 3 times.",
  );
});

test.each([...METHODS.values()])("$id says all it should", (method) => {
  for (const text of [method.title, method.summary, method.use, method.reference])
    expect(text.length).toBeGreaterThan(2);
  expect(method.formula).toBeDefined();
  expect(method.summary).toMatch(/\.$/);
  for (const [id, param] of Object.entries<Param>(method.params)) {
    expect([id, param.help]).toEqual([id, expect.stringMatching(/.{20,}\.$/)]);
    expect(param.title.length).toBeGreaterThan(0);
    if (param.kind !== "number") continue;
    expect([id, param.ends?.length]).toEqual([id, 2]);
    expect(param.max).toBeGreaterThan(param.min);
    if (param.default !== null) {
      expect(param.default).toBeGreaterThanOrEqual(param.min);
      expect(param.default).toBeLessThanOrEqual(param.max);
    }
  }
});
