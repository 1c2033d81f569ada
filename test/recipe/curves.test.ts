import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Kind } from "../../core/model/model.ts";
import { type Curve, type Curves, type Lane, type LaneKey, readCurve, writeCurves } from "../../core/recipe/curves.ts";
import { shorten } from "../../core/recipe/gradient.ts";
import type { Setting } from "../../core/recipe/recipe.ts";

const FILTERS = {
  attention: ["self_attn"],
  mlp: ["mlp"],
  norm: ["norm"],
  embedding: ["embed_tokens"],
  head: ["lm_head"],
  final: ["model.norm.weight"],
};
/** Llama's names with Qwen3's q_norm, which is a norm inside self_attn. */
const PARTS: Partial<Record<Kind, readonly string[]>> = {
  attention: ["self_attn.q_proj.weight", "self_attn.o_proj.weight"],
  mlp: ["mlp.up_proj.weight"],
  norm: ["input_layernorm.weight", "self_attn.q_norm.weight"],
  other: ["rotary.inv_freq"],
};
const ENDS: Partial<Record<Kind, readonly ["before" | "after", string]>> = {
  embedding: ["before", "model.embed_tokens.weight"],
  head: ["after", "lm_head.weight"],
  norm: ["after", "model.norm.weight"],
};
const KINDS = ["attention", "mlp", "norm", "embedding", "head", "other"] as const;

function lane(key: LaneKey): Lane {
  const kinds = key === "all" ? KINDS : [key];
  return {
    sampleNames: (layer, end) =>
      kinds.flatMap((kind) => {
        if (layer !== null) return (PARTS[kind] ?? []).map((part) => `model.layers.${layer}.${part}`);
        const [side, name] = ENDS[kind] ?? [null, ""];
        return side === end ? [name] : [];
      }),
  };
}

function readAll(setting: Setting, layers: number): Record<Kind, Curve> {
  return Object.fromEntries(KINDS.map((kind) => [kind, readCurve(setting, lane(kind), layers, 0.125)])) as never;
}

function near(found: Curve, wanted: Curve): void {
  const flat = ({ values, before, after }: Curve) => [...values, before, after];
  for (const [i, value] of flat(wanted).entries()) {
    const other = flat(found)[i];
    if (value !== null)
      expect(Math.abs((other ?? Number.NaN) - value)).toBeLessThan(1e-9 * Math.max(1, Math.abs(value)));
  }
}

const level = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map((n) => n / 10),
  fc.double({ min: -2, max: 2, noNaN: true }),
);
/** A handful of shapes a hand draws, and noise. */
const shape = (layers: number) =>
  fc.oneof(
    level.map((value) => new Array<number>(layers).fill(value)),
    fc
      .tuple(level, level)
      .map(([a, b]) => Array.from({ length: layers }, (_, i) => a + (b - a) * (i / Math.max(1, layers - 1)))),
    fc.array(level, { minLength: layers, maxLength: layers }),
  );
const LAYERS = fc.integer({ min: 1, max: 34 });

describe("what is written", () => {
  const flat = (value: number): Curve => ({ values: [value, value, value, value], before: value, after: value });
  const none = { values: [], before: null, after: null };

  test("one value everywhere is a scalar", () => {
    expect(writeCurves({ all: flat(0.5) }, FILTERS)).toBe(0.5);
    expect(writeCurves({ attention: flat(0.5), mlp: flat(0.5), norm: flat(0.5) }, FILTERS)).toBe(0.5);
  });

  test("only layers vary: a gradient, shortened where it is a ramp", () => {
    expect(writeCurves({ all: { values: [0, 0.3, 0.1, 0.9], before: 0, after: 0 } }, FILTERS)).toEqual([
      0, 0.3, 0.1, 0.9,
    ]);
    expect(writeCurves({ all: { values: [0, 1 / 3, 2 / 3, 1], before: 0, after: 0 } }, FILTERS)).toEqual([0, 1]);
  });

  test("ends of their own come first", () => {
    expect(writeCurves({ all: { values: [0, 0.3, 0.1, 0.9], before: 1, after: 0.5 } }, FILTERS)).toEqual([
      { filter: "embed_tokens", value: 1 },
      { filter: "lm_head", value: 0.5 },
      { filter: "model.norm.weight", value: 0.5 },
      { value: [0, 0.3, 0.1, 0.9] },
    ]);
  });

  test("lanes: norms before attention, then the rest", () => {
    const lanes = { attention: flat(0), mlp: flat(1), norm: flat(0.5), embedding: flat(0.2), other: flat(0.3) };
    expect(writeCurves(lanes, FILTERS)).toEqual([
      { filter: "embed_tokens", value: 0.2 },
      { filter: "norm", value: 0.5 },
      { filter: "self_attn", value: 0 },
      { filter: "mlp", value: 1 },
      { value: 0.3 },
    ]);
  });

  test("the rest is the kind that saves most, when nothing else claims it", () => {
    expect(writeCurves({ attention: flat(0), mlp: flat(1), embedding: flat(0), head: none }, FILTERS)).toEqual([
      { filter: "mlp", value: 1 },
      { value: 0 },
    ]);
  });

  test("norms need no entry when their names show that no filter catches them", () => {
    const lanes = { attention: flat(0), mlp: flat(1), norm: flat(0.5), other: flat(0.5) };
    const rest = [{ filter: "self_attn", value: 0 }, { filter: "mlp", value: 1 }, { value: 0.5 }];
    expect(writeCurves(lanes, FILTERS, { names: { norm: ["model.layers.0.input_layernorm.weight"] } })).toEqual(rest);
    expect(writeCurves(lanes, FILTERS)).toEqual([{ filter: "norm", value: 0.5 }, ...rest]);
  });

  test("anchors between the layers are found again", () => {
    const classic = [0, 0.5, 0.3, 0.7, 1];
    const { values } = readCurve(classic, lane("mlp"), 32, 0);
    expect(shorten(values.map(Number), 4)).toEqual(classic);
    expect(shorten(readCurve([2, 4, 10], lane("mlp"), 5, 0).values.map(Number), 4)).toEqual([2, 4, 10]);
  });
});

describe("properties", () => {
  test("one curve, written and read", () => {
    fc.assert(
      fc.property(
        LAYERS.chain((layers) => fc.tuple(shape(layers), level, level)),
        ([values, before, after]) => {
          const all = { values, before, after };
          near(readCurve(writeCurves({ all }, FILTERS, { decimals: null }), lane("all"), values.length, 9), all);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("lanes, written and read", () => {
    fc.assert(
      fc.property(
        LAYERS.chain((layers) =>
          fc.tuple(shape(layers), shape(layers), shape(layers), shape(layers), level, level, level),
        ),
        ([attention, mlp, norm, other, embedding, head, final]) => {
          const inside = (values: number[], after: number | null = null): Curve => ({ values, before: null, after });
          const curves = {
            attention: inside(attention),
            mlp: inside(mlp),
            norm: inside(norm, final),
            other: inside(other),
            embedding: { values: [], before: embedding, after: null },
            head: { values: [], before: null, after: head },
          } satisfies Curves;
          const found = readAll(writeCurves(curves, FILTERS, { decimals: null }), attention.length);
          for (const kind of ["attention", "mlp", "norm", "other"] as const) near(found[kind], curves[kind]);
          expect([found.embedding.before, found.head.after]).toEqual([embedding + 0, head + 0]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("any setting: reading, writing and reading again changes nothing that could be read", () => {
    const value = fc.oneof(level, fc.array(level, { minLength: 1, maxLength: 9 }));
    const words = ["self_attn", "mlp", "norm", "embed_tokens", "lm_head", "model.norm", "layers.1.", "q_proj", "*"];
    const condition = fc.oneof(fc.record({ filter: fc.constantFrom(...words), value }), fc.record({ value }));
    const setting = fc.oneof(value, fc.array(condition, { minLength: 1, maxLength: 6 }));
    fc.assert(
      fc.property(setting, LAYERS, (given, layers) => {
        const first = readAll(given, layers);
        const second = readAll(writeCurves(first, FILTERS, { decimals: null }), layers);
        for (const kind of KINDS) near(second[kind], first[kind]);
      }),
      { numRuns: 500 },
    );
  });
});
