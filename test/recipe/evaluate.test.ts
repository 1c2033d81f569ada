import { describe, expect, test } from "vitest";
import { evaluate, gradientPosition, isConditions, resolve } from "../../core/recipe/evaluate.ts";

const layers = (count: number) => Array.from({ length: count }, (_, layer) => gradientPosition(layer, count));

describe("gradients", () => {
  test("four layers of [2, 4, 10]", () => {
    const values = layers(4).map((t) => evaluate([2, 4, 10], t, "model.layers.0.mlp.up_proj.weight"));
    expect(values).toEqual([2, expect.closeTo(10 / 3, 12), expect.closeTo(6, 12), 10]);
  });

  test("outside the layers the first value holds", () => {
    expect(evaluate([2, 4, 10], 0, "model.norm.weight")).toBe(2);
  });

  test("a slice of one layer takes the last value", () => {
    expect(gradientPosition(0, 1)).toBe(1);
    expect(evaluate([2, 5], gradientPosition(0, 1), "x")).toBe(5);
  });

  test("a list of one is that one", () => {
    expect(evaluate([0.25], 0.7, "x")).toBe(0.25);
  });

  test("text is stepped through, flags count as numbers", () => {
    expect([0, 0.4, 0.5, 0.99, 1].map((t) => evaluate(["a", "b", "c"], t, "x"))).toEqual(["a", "a", "b", "b", "c"]);
    expect(evaluate([false, true], 0.5, "x")).toBe(0.5);
  });
});

describe("filters", () => {
  const setting = [
    { filter: "self_attn", value: [0, 1] },
    { filter: "layers.1.", value: 0.3 },
    { filter: "mlp", value: 0.7 },
  ];

  test("the first substring that matches wins, and its value is evaluated in turn", () => {
    expect(isConditions(setting)).toBe(true);
    expect(evaluate(setting, 0.25, "model.layers.1.self_attn.q_proj.weight")).toBe(0.25);
    expect(evaluate(setting, 0.25, "model.layers.1.mlp.up_proj.weight")).toBe(0.3);
    expect(evaluate(setting, 0.25, "model.layers.10.mlp.up_proj.weight")).toBe(0.7);
  });

  test("no match says nothing", () => {
    expect(evaluate(setting, 0, "lm_head.weight")).toBeUndefined();
  });

  test("a star and a missing filter match everything", () => {
    expect(evaluate([{ filter: "*", value: 1 }, { value: 2 }], 0, "x")).toBe(1);
    expect(evaluate([{ value: 2 }], 0, "x")).toBe(2);
  });
});

describe("precedence", () => {
  const source = { weight: [{ filter: "layers.2.", value: 0.2 }] };
  const slice = { weight: [{ filter: "layers.7.", value: 0.7 }] };
  const top = { weight: 1, density: 0.5 };
  const at = (inner: string, outer: string) =>
    resolve(
      "weight",
      [
        { settings: source, name: inner },
        { settings: slice, name: outer },
        { settings: undefined, name: outer },
        { settings: top, name: outer },
      ],
      0,
    );

  test("each level looks with its own name, and passes on when it has no match", () => {
    expect(at("layers.2.w", "layers.7.w")).toBe(0.2);
    expect(at("layers.3.w", "layers.7.w")).toBe(0.7);
    expect(at("layers.3.w", "layers.2.w")).toBe(1);
  });

  test("nothing anywhere leaves the default", () => {
    expect(resolve("toString", [{ settings: top, name: "x" }], 0)).toBeUndefined();
    expect(resolve("gamma", [{ settings: top, name: "x" }], 0)).toBeUndefined();
  });
});
