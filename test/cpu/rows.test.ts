/** Ranks, tables and reductions of rows and columns on a lane, against the plain engine. */
import { beforeAll, describe, expect, test } from "vitest";
import { createLane, type Lane } from "../../core/engine/cpu/lane.ts";
import { runPlain } from "../../core/engine/plain/plain.ts";
import { entriesOf, type Op, type Reduction } from "../../core/graph/program.ts";
import { awkwardFloats, bytesOf, floatsOf, floatWord, loadKernels, makeJob, sameBytes } from "./kernels.ts";

let lane: Lane;
beforeAll(async () => {
  lane = await createLane(await loadKernels());
});

const INPUT: Op = { op: "input", slot: 0 };
const f32 = (values: Float32Array<ArrayBuffer>) => ({ dtype: "F32" as const, bytes: bytesOf(values) });

describe("ranks", () => {
  const ranked = (values: Float32Array<ArrayBuffer>, columns: number) => {
    const job = makeJob({ ops: [INPUT, { op: "rank", a: 0, columns }], inputs: [f32(values)] });
    expect(sameBytes(floatsOf(lane.run(job)), floatsOf(runPlain(job)))).toBe(true);
  };

  test.each([1, 2, 3, 4, 5, 31, 64, 95, 96, 97, 100, 255, 256, 257, 511, 512, 513, 639, 640, 641, 1000])(
    "in rows of %i",
    (columns) => {
      for (const rows of [1, 3, 17]) ranked(awkwardFloats(rows * columns, columns), columns);
    },
  );

  test.each([2047, 2049, 4096, 5000, 8193, 16_383, 16_384, 16_385, 100_003])("in rows of %i", (columns) => {
    for (const rows of [1, 2]) ranked(awkwardFloats(rows * columns, columns), columns);
  });

  test("of equal magnitudes are in order of index", () => {
    for (const columns of [7, 64, 200, 1024, 20_000]) {
      const values = Float32Array.from({ length: 2 * columns }, (_, i) => (i % 2 === 0 ? 0.5 : -0.5));
      const job = makeJob({ ops: [INPUT, { op: "rank", a: 0, columns }], inputs: [f32(values)] });
      const expected = Float32Array.from({ length: 2 * columns }, (_, i) => i % columns);
      expect(sameBytes(floatsOf(lane.run(job)), expected)).toBe(true);
    }
  });

  test("of ranks and beside what is ranked, in one program", () => {
    const columns = 64;
    const [a, b] = [awkwardFloats(4096 * 3, 5), awkwardFloats(4096 * 3, 6)];
    const job = makeJob({
      ops: [
        INPUT,
        { op: "input", slot: 1 },
        { op: "rank", a: 1, columns },
        { op: "mul", a: 0, b: 2 },
        { op: "rank", a: 3, columns: 128 },
        { op: "uniform", word: 0 },
        { op: "random", word: 1 },
        { op: "mul", a: 4, b: 5 },
        { op: "add", a: 7, b: 6 },
        { op: "add", a: 8, b: 2 },
      ],
      words: [floatWord(0.25), 3, 4],
      inputs: [f32(a), f32(b)],
      first: 8192,
      sums: [4],
    });
    const [found, expected] = [lane.run(job), runPlain(job)];
    expect(sameBytes(floatsOf(found), floatsOf(expected))).toBe(true);
    expect(found.sums).toEqual(expected.sums);
  });

  test("of parts of rows are refused", () => {
    const job = makeJob({ ops: [INPUT, { op: "rank", a: 0, columns: 10 }], inputs: [f32(awkwardFloats(95, 1))] });
    expect(() => lane.run(job)).toThrow(/parts of rows of 10/);
  });
});

const COLUMNS = [1, 2, 3, 5, 8, 61, 64, 1000, 1023, 1024, 1025, 4095, 4096, 4097, 30_000, 1_000_000];
const SIZES = [1, 7, 4096, 4097, 40_961];

test.each(COLUMNS)("tables of %i columns", (columns) => {
  for (const first of [0, 4096, 8 * 4096 * 5]) {
    for (const count of SIZES) {
      const tables = (["rows", "columns"] as const).map((axis) => ({
        axis,
        columns,
        entries: Float32Array.from({ length: entriesOf({ axis, columns }, first, count) }, (_, i) => i + 0.5),
      }));
      const ops: Op[] = [
        { op: "along", table: 0 },
        { op: "along", table: 1 },
        { op: "uniform", word: 0 },
        { op: "mul", a: 0, b: 2 },
        { op: "add", a: 3, b: 1 },
      ];
      const job = makeJob({ ops, tables, words: [floatWord(3)], first, count });
      expect(sameBytes(floatsOf(lane.run(job)), floatsOf(runPlain(job)))).toBe(true);
    }
  }
});

test.each(COLUMNS)("reductions of %i columns", (columns) => {
  const ops: Op[] = [INPUT, { op: "uniform", word: 0 }];
  const reductions = [0, 1].flatMap((value) =>
    (["rows", "columns"] as const).flatMap((axis) =>
      (["sum", "max"] as const).map((how): Reduction => ({ value, how, axis, columns })),
    ),
  );
  for (const first of [0, 4096, 8 * 4096 * 5]) {
    for (const count of SIZES) {
      const values = awkwardFloats(count, 9).map((x) => (Number.isFinite(x) && Math.abs(x) < 1e30 ? x : -0.125));
      const job = makeJob({ ops, inputs: [f32(values)], reductions, words: [floatWord(1.5)], first, output: null });
      const [found, expected] = [lane.run(job), runPlain(job)];
      expected.reductions.forEach((parts, r) => {
        const got = found.reductions[r]!;
        expect(got.length).toBe(parts.length);
        expect(parts.findIndex((part, i) => !(Math.abs(part - got[i]!) <= 1e-6 * Math.max(1, Math.abs(part))))).toBe(
          -1,
        );
        if (reductions[r]?.how === "max") expect(sameBytes(got, parts)).toBe(true);
      });
    }
  }
});

test("a maximum with NaN is NaN", () => {
  const values = Float32Array.from([1, Number.NaN, 3, 4, 5, 6, 7, 8, 9, 10]);
  const reductions: Reduction[] = (["rows", "columns"] as const).map((axis) => ({
    value: 0,
    how: "max",
    axis,
    columns: 5,
  }));
  const [rows, columns] = lane.run(makeJob({ ops: [INPUT], inputs: [f32(values)], reductions })).reductions;
  expect([...(rows ?? [])]).toEqual([Number.NaN, 10]);
  expect([...(columns ?? [])]).toEqual([6, Number.NaN, 8, 9, 10]);
});
