import fc from "fast-check";
import { expect, test } from "vitest";
import { formatRef, type ModelRef, parseRef, plainRef, splitRef } from "../../core/recipe/ref.ts";

test.each<[string, ModelRef]>([
  ["org/a", { path: "org/a" }],
  ["org/a@v1.0", { path: "org/a", revision: "v1.0" }],
  ["org/a+org/l@x", { path: "org/a", lora: { path: "org/l", revision: "x" } }],
  ["./a%2Bb%40c", { path: "./a+b@c" }],
  ["a%40b@c+d%2be", { path: "a@b", revision: "c", lora: { path: "d+e" } }],
  ["100%", { path: "100%" }],
  ["%252B", { path: "%2B" }],
])("%s", (text, ref) => {
  expect(parseRef(text)).toEqual(ref);
  expect(formatRef(ref)).toBe(text.replace("%2be", "%2Be"));
});

const words = fc.oneof(
  fc.stringMatching(/^[ab+@%2B405]{1,8}$/),
  fc.string({ minLength: 1 }).filter((text) => text.trim() !== ""),
);
const part = fc.record({ path: words, revision: words }, { requiredKeys: ["path"] });
const ref: fc.Arbitrary<ModelRef> = fc
  .tuple(part, fc.option(part, { nil: undefined }))
  .map(([model, lora]) => (lora === undefined ? model : { ...model, lora }));

test("every reference has a text that means it", () => {
  fc.assert(
    fc.property(ref, (one) => {
      expect(parseRef(formatRef(one))).toEqual(one);
    }),
  );
});

test("the text of a document, where there is one, means the same", () => {
  fc.assert(
    fc.property(ref, (one) => {
      const plain = plainRef(one);
      if (plain !== null) expect(splitRef(plain)).toEqual(one);
    }),
  );
});

test("what is no reference is refused with a sentence", () => {
  expect(() => parseRef("a+b+c")).toThrow(/2 plus signs/);
  expect(() => parseRef("a@b@c")).toThrow(/2 at-signs/);
  expect(() => parseRef("@b")).toThrow(/no path/);
  expect(() => parseRef("a@")).toThrow(/no revision/);
});
