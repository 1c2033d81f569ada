/** What the inspector and the heat strips show, against the same figures computed one number at a time in float64. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { FloatDtype } from "../../core/bytes/dtype.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { decode } from "../../core/engine/plain/number.ts";
import { countOf, type TensorInfo } from "../../core/formats/checkpoint.ts";
import type { InputPlan } from "../../core/plan/plan.ts";
import { type Figures, figuresOfTensor } from "../../core/run/figures.ts";
import { apart, inputOf, movesOf } from "../../core/run/moves.ts";
import { stretches, takeSample } from "../../core/run/sample.ts";
import {
  agreementOf,
  conflictOf,
  cosineOf,
  flipsOf,
  type Moves,
  relativeChange,
  totalMoves,
} from "../../core/run/sums.ts";
import { loadKernels } from "../cpu/kernels.ts";
import { modelAt } from "../support/model.ts";

const samples = join(import.meta.dirname, "../../public/samples");
const NAMES = ["base", "adder", "sorter", "reverser"] as const;
let engine: Engine;
let tensors: ReadonlyMap<string, TensorInfo>[];
beforeAll(async () => {
  engine = await createLocalEngine(await loadKernels());
  tensors = await Promise.all(NAMES.map(async (name) => (await modelAt(name, join(samples, name))).checkpoint.tensors));
});

const inputsOf = (name: string): InputPlan[] =>
  tensors.map((all, i) => inputOf(NAMES[i] ?? "", all.get(name) as TensorInfo) as InputPlan);

async function valuesOf({ info, dtype, start }: InputPlan): Promise<number[]> {
  return [...decode(dtype, await info.source.read({ start, end: info.range.end }), countOf(info.shape))];
}

/** A tensor made of bytes that stand alone. */
function made(dtype: FloatDtype, bytes: Uint8Array, count: number): InputPlan {
  const source = fromBytes("made", bytes);
  const info = { name: "made", dtype, shape: [count], source, range: { start: 0, end: bytes.length } };
  return { ref: "made", info, dtype, start: 0 };
}
const floats = (values: readonly number[]) =>
  made("F32", new Uint8Array(Float32Array.from(values).buffer), values.length);

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function obvious(values: readonly number[]) {
  const finite = values.filter(Number.isFinite);
  const mean = sum(finite) / finite.length;
  return {
    finite: finite.length,
    nan: values.filter(Number.isNaN).length,
    infinite: values.length - finite.length - values.filter(Number.isNaN).length,
    zeros: finite.filter((value) => value === 0).length,
    mean,
    deviation: Math.sqrt(sum(finite.map((value) => (value - mean) ** 2)) / finite.length),
    least: finite.reduce((a, b) => Math.min(a, b)),
    greatest: finite.reduce((a, b) => Math.max(a, b)),
    magnitude: finite.reduce((a, b) => Math.max(a, Math.abs(b)), 0),
    norm: Math.sqrt(sum(finite.map((value) => value * value))),
  };
}

function expectSame(found: Figures, values: readonly number[]): void {
  const wanted = obvious(values);
  for (const key of ["finite", "nan", "infinite", "zeros", "magnitude"] as const)
    expect(found[key], key).toBe(wanted[key]);
  expect(found.least).toBeCloseTo(wanted.least, 12);
  expect(found.greatest).toBeCloseTo(wanted.greatest, 12);
  const size = wanted.norm / Math.sqrt(wanted.finite);
  for (const key of ["mean", "deviation"] as const)
    expect(Math.abs((found[key] ?? 0) - wanted[key]) / (size || 1), key).toBeLessThan(1e-6);
  expect(found.norm / (wanted.norm || 1)).toBeCloseTo(wanted.norm === 0 ? 0 : 1, 6);
  expect(sum(found.histogram?.counts ?? [])).toBeCloseTo(wanted.finite, 6);
}

describe("figures of one tensor", () => {
  test("every tensor of the sample base", async () => {
    for (const info of tensors[0]?.values() ?? []) {
      const one = inputOf("base", info) as InputPlan;
      expectSame(await figuresOfTensor([one], countOf(info.shape), engine), await valuesOf(one));
    }
  });

  test("the difference of two", async () => {
    const name = "model.layers.3.mlp.down_proj.weight";
    const [base, adder] = inputsOf(name) as [InputPlan, InputPlan];
    const [x, y] = [await valuesOf(base), await valuesOf(adder)];
    const difference = y.map((value, i) => value - (x[i] ?? 0));
    const found = await figuresOfTensor([adder, base], x.length, engine);
    expectSame(found, difference);
    expect(found.zeros).toBeGreaterThan(0);
  });

  test("infinities, NaN, zeros of both signs and one-sided ranges", async () => {
    const odd = [1, Number.NaN, -2, Number.POSITIVE_INFINITY, 0, -0, Number.NEGATIVE_INFINITY, 3e18, 1e-42].map(
      Math.fround,
    );
    expectSame(await figuresOfTensor([floats(odd)], odd.length, engine), odd);
    for (const some of [[0.5, 2, 1], [-0.5, -2, -1], [0, 0.25], [0, -0.25], [7]]) {
      expectSame(await figuresOfTensor([floats(some)], some.length, engine), some);
    }
    const none = await figuresOfTensor([floats([Number.NaN, Number.NaN])], 2, engine);
    expect(none).toMatchObject({
      finite: 0,
      nan: 2,
      mean: null,
      least: null,
      magnitude: null,
      histogram: null,
      norm: 0,
    });
    expect(await figuresOfTensor([floats([0, 0, 0])], 3, engine)).toMatchObject({
      zeros: 3,
      least: 0,
      greatest: 0,
      deviation: 0,
    });
  });

  test("the histogram has what lies between its edges, to a hundredth of all", async () => {
    const one = inputsOf("model.layers.0.self_attn.q_proj.weight")[0] as InputPlan;
    const values = await valuesOf(one);
    const { histogram } = await figuresOfTensor([one], values.length, engine);
    if (histogram === null) throw new Error("no histogram");
    const { least, greatest, counts } = histogram;
    let below = 0;
    counts.forEach((count, bin) => {
      below += count;
      const edge = least + ((bin + 1) * (greatest - least)) / counts.length;
      const wanted = values.filter((value) => value < edge).length;
      expect(Math.abs(below - wanted) / values.length, `below bin ${bin}`).toBeLessThan(0.01);
    });
  });
});

function obviousMoves(reference: readonly number[], models: readonly (readonly number[])[]) {
  const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((value, i) => value * (b[i] ?? 0)));
  const both = (a: readonly number[], b: readonly number[]) => a.filter((value, i) => value !== 0 && b[i] !== 0).length;
  const unlike = (a: readonly number[], b: readonly number[]) =>
    a.filter((value, i) => Math.sign(value) * Math.sign(b[i] ?? 0) < 0).length;
  // f32, as the engine subtracts.
  const changes = models.map((model) => model.map((value, i) => Math.fround(value - (reference[i] ?? 0))));
  return {
    change: changes.map((change) => Math.sqrt(dot(change, change) / dot(reference, reference))),
    cosine: models.map((model) => dot(model, reference) / Math.sqrt(dot(model, model) * dot(reference, reference))),
    flips: models.map((model) => unlike(model, reference) / both(model, reference)),
    agreement: [
      [0, 1],
      [0, 2],
      [1, 2],
    ].map(([a = 0, b = 0]) => {
      const [first = [], second = []] = [changes[a], changes[b]];
      return dot(first, second) / Math.sqrt(dot(first, first) * dot(second, second));
    }),
    conflict: [
      [0, 1],
      [0, 2],
      [1, 2],
    ].map(([a = 0, b = 0]) => {
      const [first = [], second = []] = [changes[a], changes[b]];
      return unlike(first, second) / both(first, second);
    }),
  };
}

function expectMoves(found: Moves, wanted: ReturnType<typeof obviousMoves>): void {
  found.models.forEach((move, i) => {
    expect(relativeChange(found, move)).toBeCloseTo(wanted.change[i] ?? 0, 7);
    expect(cosineOf(found, move)).toBeCloseTo(wanted.cosine[i] ?? 0, 6);
    expect(flipsOf(move)).toBe(wanted.flips[i]);
  });
  found.pairs.forEach((pair, p) => {
    expect(agreementOf(found, p)).toBeCloseTo(wanted.agreement[p] ?? 0, 5);
    expect(conflictOf(pair)).toBe(wanted.conflict[p]);
  });
}

describe("moves of several models", () => {
  const names = ["model.layers.0.self_attn.q_proj.weight", "model.layers.7.mlp.up_proj.weight", "model.norm.weight"];

  test.each(names)("%s", async (name) => {
    const inputs = inputsOf(name);
    const [reference = [], ...models] = await Promise.all(inputs.map(valuesOf));
    expectMoves(await movesOf(inputs, engine), obviousMoves(reference, models));
  });

  test("sums of tensors are the figures of all their elements", async () => {
    const all = await Promise.all(names.map((name) => movesOf(inputsOf(name), engine)));
    const parts = await Promise.all(names.map(async (name) => Promise.all(inputsOf(name).map(valuesOf))));
    const [reference = [], ...models] = NAMES.map((_, i) => parts.flatMap((part) => part[i] ?? []));
    expectMoves(totalMoves(all) as Moves, obviousMoves(reference, models));
  });

  test("a model that is the reference moved nowhere, and nothing can be said of directions", async () => {
    const [base] = inputsOf(names[0] ?? "") as [InputPlan];
    const found = await movesOf([base, base, base], engine);
    expect(found.models.map((move) => relativeChange(found, move))).toEqual([0, 0]);
    expect(agreementOf(found, 0)).toBeNull();
    expect(found.pairs.map(conflictOf)).toEqual([null]);
  });

  test("tensors that cannot be compared say why", () => {
    const [info] = inputsOf(names[0] ?? "").map((input) => input.info) as [TensorInfo];
    expect(apart(info, undefined)).toBe("missing");
    expect(apart(info, { ...info, shape: [1, 2] })).toBe(`[${info.shape}] and [1,2]`);
    expect(apart(info, { ...info, dtype: "I64" })).toBe("BF16 and I64");
    expect(apart(info, info)).toBeNull();
  });
});

describe("samples", () => {
  test.each([
    [10, 4096],
    [4097, 4096],
    [100_000, 65_536],
    [1e9, 65_536],
  ])("of %d elements, at most %d", (count, most) => {
    const parts = stretches(count, most);
    expect(sum(parts.map((part) => part.count))).toBeLessThanOrEqual(Math.max(most, 4096));
    parts.forEach((part, p) => {
      const before = parts[p - 1];
      expect(part.first).toBeGreaterThanOrEqual(before === undefined ? 0 : before.first + before.count);
    });
    expect((parts.at(-1)?.first ?? 0) + (parts.at(-1)?.count ?? 0)).toBe(
      parts.length === 1 && count > most ? 4096 : count,
    );
  });

  test("hold the tensor's own elements at their places", async () => {
    const values = Array.from({ length: 50_000 }, (_, i) => i);
    const whole = floats(values);
    const { inputs, count } = await takeSample([whole], values.length, 16_384);
    const [input] = inputs as [InputPlan];
    const bytes = await input.info.source.read({ start: 0, end: count * 4 });
    expect([...decode("F32", bytes, count)]).toEqual(
      stretches(values.length, 16_384).flatMap(({ first, count: size }) => values.slice(first, first + size)),
    );
  });

  test("of a large tensor tell nearly what all of it tells", async () => {
    const made = (shift: number) =>
      floats(Array.from({ length: 300_000 }, (_, i) => Math.sin(i * 12.9898) + shift * Math.cos(i * 78.233)));
    const inputs = [made(0), made(0.01), made(-0.02)];
    const [whole, part] = [await movesOf(inputs, engine), await movesOf(inputs, engine, { most: 65_536 })];
    expect(part).toMatchObject({ elements: 300_000, looked: 65_536 });
    part.models.forEach((move, i) => {
      const wanted = relativeChange(whole, whole.models[i] as Moves["models"][number]) ?? 0;
      expect((relativeChange(part, move) ?? 0) / wanted).toBeCloseTo(1, 1);
    });
    expect(conflictOf(part.pairs[0] as Moves["pairs"][number])).toBeCloseTo(1, 1);
  });
});

test("measuring stops when it is told to, and says how far it is", async () => {
  const long = floats(Array.from({ length: 6_000_000 }, (_, i) => i % 7));
  const stop = new AbortController();
  const shares: number[] = [];
  const asked = figuresOfTensor([long], 6_000_000, engine, {
    signal: stop.signal,
    onProgress: (share) => {
      shares.push(share);
      if (share > 0.4) stop.abort();
    },
  });
  await expect(asked).rejects.toMatchObject({ name: "AbortError" });
  expect(shares.length).toBeGreaterThan(0);
  expect(Math.max(...shares)).toBeLessThan(1);
});
