/** Tiles of sweeps that rank rows: whole rows and whole blocks, or a sentence. */
import { describe, expect, test } from "vitest";
import { fromBytes } from "../../core/bytes/source.ts";
import { passesOf } from "../../core/graph/passes.ts";
import { add, ge, input, kth, mul, rank, sum, type Tensor, total } from "../../core/graph/tensor.ts";
import { sweepsOf, tiling } from "../../core/plan/memory.ts";

const LIMITS = { memory: 1e9, maxTileBytes: 8e6, lanes: 2 };

function draftOf(count: number) {
  const source = fromBytes("x", new Uint8Array(0));
  const range = { start: 0, end: count * 2 };
  const info = { name: "x", dtype: "BF16", shape: [count], source, range } as const;
  const inputs = [0, 1].map((n) => ({ ref: `${n}`, dtype: "BF16", start: 0, info }) as const);
  return { name: "model.embed", inputs, count, dtype: "BF16" } as const;
}

function tileOf(expression: Tensor, count: number, limits = LIMITS): number {
  return tiling({ ...draftOf(count), passes: passesOf(expression) }, limits).tile;
}

const ranked = (...columns: number[]) =>
  columns.map((n) => rank(add(input(0), input(1)), n)).reduce((a, b) => mul(a, b));

describe("a tile of rows to rank", () => {
  test("is a multiple of a row and of a block", () => {
    // 11,008 = 43 * 256: 43 blocks hold 16 rows, and 11 times that is the most below 8 MB of two BF16 inputs.
    expect(tileOf(ranked(11_008), 1e9)).toBe(43 * 4096 * 11);
    expect(tileOf(ranked(64, 96), 1e9)).toBe(Math.floor(2e6 / (3 * 4096)) * 3 * 4096);
    expect(tileOf(ranked(4096), 1e9)).toBe(488 * 4096);
  });

  test("counts in whichever sweep it is", () => {
    const expression = mul(input(0), sum(ranked(3 * 4096)));
    expect(tileOf(expression, 1e9) % (3 * 4096)).toBe(0);
    expect(passesOf(expression).map(({ program }) => program.ops.some(({ op }) => op === "rank"))).toEqual([
      true,
      false,
    ]);
  });

  test("is the whole tensor where that is smaller", () => {
    expect(tileOf(ranked(1001), 7 * 1001)).toBe(8192);
    expect(tileOf(ranked(50_257), 10 * 50_257)).toBe(123 * 4096);
    expect(tileOf(ranked(1_999_999), 1_999_999)).toBe(489 * 4096);
  });

  test("may be larger than what suits other sweeps, but not than what there is room for", () => {
    const limits = { ...LIMITS, maxTileBytes: 64e6 };
    expect(tileOf(ranked(5_000_000), 5_000_000, limits)).toBe(1221 * 4096);
    expect(() => tileOf(ranked(50_257), 50_257 * 1000)).toThrow(
      "model.embed: ranking its rows takes 50,257,000 elements at once, but 2,000,000 fit.",
    );
    // A rank is one f32 per element of the tile, besides what is read and written.
    expect(() => tileOf(ranked(5_000_000), 5_000_000, { ...limits, memory: 60e6 })).toThrow(/but 1,000,000 fit/);
  });
});

describe("thresholds are found in one sweep", () => {
  const key = add(input(0), input(1));
  const above = (...ks: number[]) => total(ks.map((k) => ge(key, kth(key, k))));
  const MANY = 2 ** 9;
  const sweeps = (expression: Tensor, count = MANY, keeps = true, draft = draftOf(count)) =>
    sweepsOf({ ...draft, watched: [] }, expression, { ...LIMITS, memory: 64e6, keeps }).passes.length;

  test("where the tensor is large enough to be sampled, and the engine keeps values", () => {
    expect(sweeps(above(9))).toBe(2);
    expect(sweeps(above(9), MANY - 1)).toBe(3);
    expect(sweeps(above(9), MANY, false)).toBe(3);
  });

  test("also where it does not stay in memory, if its spots are not far away and lists stay small", () => {
    expect(sweeps(above(9), 1e9)).toBe(2);
    expect(sweeps(above(9, 99), 1e9)).toBe(3);
    const far = (count: number) => {
      const draft = draftOf(count);
      const inputs = draft.inputs.map((input) => {
        const source = { ...input.info.source, isFar: true };
        return { ...input, info: { ...input.info, source } };
      });
      return { ...draft, inputs };
    };
    expect(sweeps(above(9), 1e9, true, far(1e9))).toBe(3);
    expect(sweeps(above(9), MANY, true, far(MANY))).toBe(2);
  });

  test("but not where three have one key, or a key looks at whole rows", () => {
    expect(sweeps(above(9, 99))).toBe(2);
    expect(sweeps(above(9, 99, 999))).toBe(3);
    const ranks = rank(input(0), 64);
    expect(sweeps(mul(above(9), ranks))).toBe(2);
    expect(sweeps(ge(ranks, kth(ranks, 9)))).toBe(3);
  });
});
