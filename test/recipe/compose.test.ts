/** Fields written as settings and read back: the usual cases by hand, everything else by chance. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Kind } from "../../core/model/model.ts";
import { type ComposeOptions, compose } from "../../core/recipe/compose.ts";
import { gradientPosition } from "../../core/recipe/evaluate.ts";
import { type Field, readField, ruleFor, type Spot } from "../../core/recipe/field.ts";
import { type Filters, filtersOf, moduleOf } from "../../core/recipe/filters.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { printRecipe } from "../../core/recipe/print.ts";
import type { Setting } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";

const FILTERS = {
  attention: ["self_attn"],
  mlp: ["mlp"],
  norm: ["norm"],
  embedding: ["embed_tokens"],
  head: ["lm_head"],
};
/** Llama's names with Qwen3's q_norm, which is a norm inside self_attn, and a bias. */
const PARTS: readonly (readonly [Kind, string])[] = [
  ["attention", "self_attn.q_proj.weight"],
  ["attention", "self_attn.q_proj.bias"],
  ["attention", "self_attn.o_proj.weight"],
  ["mlp", "mlp.up_proj.weight"],
  ["mlp", "mlp.down_proj.weight"],
  ["norm", "input_layernorm.weight"],
  ["norm", "self_attn.q_norm.weight"],
];
const ENDS: readonly (readonly [Kind, string])[] = [
  ["embedding", "model.embed_tokens.weight"],
  ["norm", "model.norm.weight"],
  ["head", "lm_head.weight"],
];

const stackOf = (stack: string, layers: number, parts = PARTS): Spot[] =>
  Array.from({ length: layers }, (_, layer) =>
    parts.map(
      ([kind, part]): Spot => ({
        name: `${stack}.${layer}.${part}`,
        t: gradientPosition(layer, layers),
        kind,
        stack,
        layer,
        part,
      }),
    ),
  ).flat();
const ends: Spot[] = ENDS.map(([kind, name]) => ({ name, t: 0, kind, stack: null, layer: null, part: name }));
const llama = (layers: number): Filters =>
  filtersOf([...stackOf("model.layers", layers), ...ends], ["model.layers"], FILTERS);

/** The field in which every tensor has the value a function gives it. */
const field = (filters: Filters, value: (spot: Spot) => number): Field => Float64Array.from(filters.spots, value);

function back(filters: Filters, wanted: Field, options?: ComposeOptions): Setting {
  const setting = compose(filters, wanted, options);
  const found = readField([setting], filters.spots, null);
  for (const [i, value] of wanted.entries()) {
    const off = Math.abs(found[i]! - value);
    if (!Number.isNaN(value) && !(off <= (options?.decimals === null ? 1e-9 * Math.max(1, Math.abs(value)) : 1e-6)))
      throw new Error(`${filters.spots[i]!.name} is ${found[i]}, not ${value}, in ${JSON.stringify(setting)}`);
  }
  return setting;
}

describe("what is written", () => {
  const four = llama(4);

  test("one value everywhere is a number", () => {
    expect(
      back(
        four,
        field(four, () => 0.5),
      ),
    ).toBe(0.5);
  });

  test("only layers vary: a gradient, shortened where it is a ramp", () => {
    const along = (values: number[]) => field(four, ({ layer }) => values[layer ?? 0]!);
    expect(back(four, along([0, 0.3, 0.1, 0.9]))).toEqual([0, 0.3, 0.1, 0.9]);
    expect(back(four, along([0, 1 / 3, 2 / 3, 1]))).toEqual([0, 1]);
  });

  test("anchors between the layers are found again", () => {
    const many = llama(32);
    const classic = [0, 0.5, 0.3, 0.7, 1];
    expect(back(many, readField([classic], many.spots, null))).toEqual(classic);
  });

  test("a gradient that stood there is kept as it was, where no shorter one is found again", () => {
    const eight = llama(8);
    const classic = [0, 0.5, 0.3, 0.7, 1];
    const wanted = readField([[{ filter: "self_attn", value: classic }, { value: 0.5 }]], eight.spots, null);
    const before = [[{ filter: "self_attn", value: classic }, { value: 0.4 }]];
    const written = back(eight, wanted, { before });
    expect(written).toContainEqual({ filter: "self_attn", value: classic });
    expect(JSON.stringify(written).length).toBeLessThan(JSON.stringify(back(eight, wanted)).length);
  });

  test("ends of their own come first", () => {
    const values = [0.1, 0.3, 0.1, 0.9];
    const own: Record<string, number> = { embedding: 1, head: 0.5, norm: 0.1 };
    expect(
      back(
        four,
        field(four, ({ layer, kind }) => (layer === null ? own[kind]! : values[layer]!)),
      ),
    ).toEqual([{ filter: "embed_tokens", value: 1 }, { filter: "lm_head", value: 0.5 }, { value: values }]);
  });

  test("kinds by the family's filters, norms before the attention they stand in", () => {
    const own: Record<string, number> = { attention: 0, mlp: 1, norm: 0.5, embedding: 0.5, head: 0.5 };
    expect(
      back(
        four,
        field(four, ({ kind }) => own[kind]!),
      ),
    ).toEqual([
      { filter: "norm", value: 0.5 },
      { filter: "self_attn", value: 0 },
      { filter: "mlp", value: 1 },
      { value: 0.5 },
    ]);
  });

  test("a single projection by its name, weight and bias alike", () => {
    expect(
      back(
        four,
        field(four, ({ part }) => (part.includes("q_proj") ? 0.2 : 1)),
      ),
    ).toEqual([{ filter: "q_proj", value: 0.2 }, { value: 1 }]);
  });

  test("a bias of its own", () => {
    expect(
      back(
        four,
        field(four, ({ part }) => (part.endsWith("bias") ? 0 : 1)),
      ),
    ).toEqual([{ filter: "q_proj.bias", value: 0 }, { value: 1 }]);
  });

  test("every layer by a filter, where gradients are not wanted", () => {
    expect(
      back(
        four,
        field(four, ({ layer }) => (layer === 2 ? 0.7 : 0.1)),
        { exact: true },
      ),
    ).toEqual([{ filter: "layers.2.", value: 0.7 }, { value: 0.1 }]);
  });

  test("what no gradient says: two stacks whose parts have the same names", () => {
    const spots = [...stackOf("decoder.layers", 12), ...stackOf("encoder.layers", 3)];
    const both = filtersOf(spots, ["decoder.layers", "encoder.layers"], FILTERS);
    expect(
      back(
        both,
        field(both, ({ stack }) => (stack === "encoder.layers" ? 0.2 : 1)),
      ),
    ).toEqual([{ filter: "encoder.layers.", value: 0.2 }, { value: 1 }]);
    const odd = back(
      both,
      field(both, ({ name }) => (name === "encoder.layers.1.mlp.up_proj.weight" ? 0.2 : 1)),
    );
    expect(odd).toEqual([{ filter: "encoder.layers.1.mlp.up_proj.", value: 0.2 }, { value: 1 }]);
  });

  test("names inside other names", () => {
    const inside: Spot[] = ["norm.weight", "x.norm.weight", "y.x.norm.weight"].map((name) => ({
      name,
      t: 0,
      kind: "norm",
      stack: null,
      layer: null,
      part: name,
    }));
    const three = filtersOf(inside, [], FILTERS);
    for (const order of [
      [1, 2, 3],
      [3, 1, 2],
      [0.5, 0.5, 0],
    ])
      back(three, Float64Array.from(order));
  });

  test("experts are one module, told apart from a shared one", () => {
    const parts: (readonly [Kind, string])[] = [0, 1, 10].map((n) => ["mlp", `mlp.experts.${n}.up_proj.weight`]);
    const spots = stackOf("model.layers", 6, [...parts, ["mlp", "mlp.shared_expert.up_proj.weight"]]);
    const moe = filtersOf(spots, ["model.layers"], FILTERS);
    expect(moduleOf("mlp.experts.10.up_proj.weight")).toBe("mlp.experts.*.up_proj");
    expect(
      back(
        moe,
        field(moe, ({ part }) => (part.includes("shared") ? 0.1 : 1)),
      ),
    ).toEqual([{ filter: "shared_expert.up_proj", value: 0.1 }, { value: 1 }]);
  });
});

describe("why a tensor has its value", () => {
  const spot = { name: "model.layers.3.self_attn.q_proj.weight", t: 0.5 };
  test.each<[readonly (Setting | undefined)[], ReturnType<typeof ruleFor>]>([
    [[undefined, undefined], { level: null, anchors: 1 }],
    [[undefined, 0.5], { level: 1, anchors: 1 }],
    [[[0, 0.5, 1], 0.5], { level: 0, anchors: 3 }],
    [[[{ filter: "mlp", value: 1 }], 0.5], { level: 1, anchors: 1 }],
    [[[{ filter: "self_attn", value: [0, 1] }, { value: 1 }]], { level: 0, filter: "self_attn", anchors: 2 }],
    [[[{ filter: "mlp", value: 1 }, { value: 1 }]], { level: 0, filter: undefined, anchors: 1 }],
  ])("%j", (settings, rule) => expect(ruleFor(settings, spot)).toEqual(rule));
});

describe("properties", () => {
  const level = fc.oneof(
    fc.integer({ min: -20, max: 20 }).map((n) => n / 10),
    fc.double({ min: -2, max: 2, noNaN: true }),
  );
  const layers = fc.integer({ min: 1, max: 24 });
  const words = [
    "self_attn",
    "mlp",
    "norm",
    "embed_tokens",
    "lm_head",
    "model.norm",
    "layers.1.",
    "q_proj",
    "bias",
    "*",
  ];
  const value = fc.oneof(level, fc.array(level, { minLength: 1, maxLength: 9 }));
  const condition = fc.oneof(fc.record({ filter: fc.constantFrom(...words), value }), fc.record({ value }));
  const setting: fc.Arbitrary<Setting> = fc.oneof(value, fc.array(condition, { minLength: 1, maxLength: 6 }));

  test("any setting: written anew it says the same", () => {
    fc.assert(
      fc.property(setting, layers, (given, count) => {
        const filters = llama(count);
        back(filters, readField([given], filters.spots, 0.125), { decimals: null });
      }),
      { numRuns: 300 },
    );
  });

  test("any setting and a few tensors changed by hand, as gradients and as exact filters", () => {
    const changes = fc.array(fc.tuple(fc.nat(), level), { maxLength: 8 });
    fc.assert(
      fc.property(setting, layers, changes, fc.boolean(), (given, count, changed, exact) => {
        const filters = llama(count);
        const wanted = readField([given], filters.spots, 0.125);
        for (const [at, to] of changed) wanted[at % wanted.length] = to;
        back(filters, wanted, { decimals: null, exact });
      }),
      { numRuns: 150 },
    );
  });

  test("the result is YAML that says the same when it is read", () => {
    fc.assert(
      fc.property(setting, layers, (given, count) => {
        const filters = llama(count);
        const wanted = readField([given], filters.spots, 0.125);
        const weight = compose(filters, wanted);
        const models = ["a", "b"].map((model) => ({ model, parameters: { weight } }));
        const { recipe, diagnostics } = parseRecipe(printRecipe({ merge_method: "linear", models }), METHODS);
        expect(diagnostics).toEqual([]);
        expect(recipe?.models?.[0]?.parameters?.weight).toEqual(weight);
      }),
      { numRuns: 100 },
    );
  });
});
