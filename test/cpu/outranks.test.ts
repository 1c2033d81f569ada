/** Ranks compared with levels on a lane: the same as ranking and comparing, bit for bit, whatever the rows. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { createLane, type Lane } from "../../core/engine/cpu/lane.ts";
import { runPlain } from "../../core/engine/plain/plain.ts";
import { stagesOf } from "../../core/engine/stages.ts";
import type { Op } from "../../core/graph/program.ts";
import { awkwardFloats, bytesOf, floatsOf, floatWord, loadKernels, makeJob, noise, sameBytes } from "./kernels.ts";

let lane: Lane;
beforeAll(async () => {
  lane = await createLane(await loadKernels());
});

type Floats = Float32Array<ArrayBuffer>;
const f32 = (values: Floats) => ({ dtype: "F32" as const, bytes: bytesOf(values) });
const INPUTS: readonly Op[] = [
  { op: "input", slot: 0 },
  { op: "input", slot: 1 },
];
const outranking = (values: Floats, levels: Floats, columns: number) =>
  makeJob({
    ops: [...INPUTS, { op: "rank", a: 0, columns }, { op: "gt", a: 2, b: 1 }],
    inputs: [f32(values), f32(levels)],
  });

/** Ranks by sorting, compared one by one. */
function expected(values: Floats, levels: Floats, columns: number): Floats {
  const bits = new Uint32Array(values.buffer).map((word) => word & 0x7fffffff);
  const out = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += columns) {
    const row = bits.subarray(start, start + columns);
    const order = Uint32Array.from(row, (_, i) => i).sort((i, j) => row[i]! - row[j]! || i - j);
    for (const [rank, i] of order.entries()) out[start + i] = Number(Math.fround(rank) > levels[start + i]!);
  }
  return out;
}

/** f32 rounded to the upper 16 bits. */
const half = (value: number): number => {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0]! + 0x8000) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
};

/** One element of a row of so many, from uniform numbers in [0, 1). */
const KINDS: Readonly<Record<string, (next: () => number, i: number) => number>> = {
  "of all sizes": (next) => next() - 0.5,
  "differences of BF16": (next) => {
    const weight = (next() - 0.5) * 0.1;
    return half(weight + (next() - 0.5) * 0.002) - half(weight);
  },
  "mostly zeros": (next) => (next() < 0.9 ? (next() < 0.5 ? 0 : -0) : next() - 0.5),
  zeros: () => 0,
  "all equal": (_, i) => (i % 2 === 0 ? 0.5 : -0.5),
  "few sizes": (next) => Math.floor(next() * 5) * 0.25,
  "one outlier": (next, i) => (i === 3 ? 1e30 : next()),
  "heavy tails": (next) => (next() - 0.5) / (next() + 1e-6),
  subnormal: (next) => Math.floor(next() * 1000) * 2 ** -149,
  huge: (next) => (next() - 0.5) * 6.8e38,
  "with NaN and Infinity": (next) => {
    const kind = next();
    return kind < 0.02 ? Number.NaN : kind < 0.05 ? Infinity : kind < 0.07 ? -Infinity : next();
  },
  ascending: (_, i) => i + 1,
  descending: (_, i) => 1 / (i + 1),
};

/** Levels: most within the ranks there are, many exactly on one, some anywhere. */
function levelsFor(count: number, columns: number, next: () => number): Floats {
  const odd = [-1, -0, 0, 2 ** -149, -(2 ** -149), columns - 1, columns, Infinity, -Infinity, Number.NaN];
  return Float32Array.from({ length: count }, () => {
    const kind = next();
    if (kind < 0.1) return odd[Math.floor(next() * odd.length)]!;
    const level = (next() * 1.4 - 0.2) * columns;
    return kind < 0.5 ? Math.floor(level) : level;
  });
}

const uniform = (seed: number) => {
  const next = noise(seed);
  return () => next() / 2 ** 32;
};

function compared(kind: string, columns: number, rows: number, seed: number, levels?: Floats): void {
  const next = uniform(seed);
  const values = Float32Array.from({ length: rows * columns }, (_, i) => KINDS[kind]!(next, i % columns));
  const asked = levels ?? levelsFor(values.length, columns, next);
  const found = floatsOf(lane.run(outranking(values, asked, columns)));
  expect(sameBytes(found, expected(values, asked, columns)), `${kind}, ${rows} x ${columns}, seed ${seed}`).toBe(true);
}

describe("ranks above a level", () => {
  test.each(Object.keys(KINDS))("in rows %s", (kind) => {
    for (const columns of [1, 2, 3, 4, 5, 7, 8, 95, 96, 97, 98, 99, 100, 333, 1024, 4096, 4099]) {
      for (const rows of [1, 2, 5]) compared(kind, columns, rows, columns + rows);
    }
    for (const columns of [8191, 8192, 8193, 16_384, 16_385, 100_003]) compared(kind, columns, 1, columns);
  });

  test("in any rows", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(KINDS)),
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer(),
        (kind, columns, rows, seed) => compared(kind, columns, rows, seed),
      ),
      { numRuns: 1000 },
    );
  });

  test("of any numbers, as bits", () => {
    const words = fc.uint32Array({ minLength: 1, maxLength: 300 });
    const few = fc.uint32Array({ minLength: 97, maxLength: 300, max: 40 });
    fc.assert(
      fc.property(fc.oneof(words, few), fc.integer(), (bits, seed) => {
        const values = new Float32Array(Uint32Array.from(bits).buffer);
        const levels = levelsFor(values.length, values.length, uniform(seed));
        const found = floatsOf(lane.run(outranking(values, levels, values.length)));
        expect(sameBytes(found, expected(values, levels, values.length))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test("where every level, or none, lies within the ranks", () => {
    for (const kind of Object.keys(KINDS)) {
      for (const columns of [50, 1000, 5000]) {
        const next = uniform(columns);
        compared(
          kind,
          columns,
          2,
          3,
          Float32Array.from({ length: 2 * columns }, () => next() * columns),
        );
        compared(kind, columns, 2, 4, new Float32Array(2 * columns).fill(-1));
        compared(kind, columns, 2, 5, new Float32Array(2 * columns).fill(columns));
        compared(kind, columns, 2, 6, new Float32Array(2 * columns).fill(Number.NaN));
      }
    }
  });

  test.each([
    ["gt", true],
    ["lt", true],
    ["ge", false],
    ["read twice", false],
    ["a sum", false],
  ] as const)("in a program: %s", (how, taken) => {
    for (const columns of [60, 5000]) {
      const count = columns * 5;
      const ops: Op[] = [
        ...INPUTS,
        { op: "abs", a: 0 },
        { op: "rank", a: 2, columns },
        { op: "random", word: 0 },
        { op: "uniform", word: 2 },
        { op: "mul", a: 4, b: 5 },
        how === "lt" ? { op: "lt", a: 6, b: 3 } : { op: how === "ge" ? "ge" : "gt", a: 3, b: 6 },
        { op: "where", a: 7, b: 0, c: 1 },
        { op: "rank", a: 8, columns },
        { op: "uniform", word: 3 },
        { op: "gt", a: 9, b: 10 },
        { op: "mul", a: 11, b: how === "read twice" ? 3 : 8 },
      ];
      const job = makeJob({
        ops,
        words: [3, 4, floatWord(columns), floatWord(columns / 2)],
        inputs: [f32(awkwardFloats(count, 5)), f32(awkwardFloats(count, 6))],
        sums: how === "a sum" ? [7, 3] : [7],
        first: 4096 * columns,
      });
      const levels = stagesOf(job.program, true).map(({ level }) => level !== null);
      expect(levels).toEqual([taken, true, false]);
      expect(stagesOf(job.program).map(({ level }) => level)).toEqual([null, null, null]);
      const [found, wanted] = [lane.run(job), runPlain(job)];
      expect(sameBytes(floatsOf(found), floatsOf(wanted))).toBe(true);
      expect(found.sums.length).toBe(wanted.sums.length);
      if (how !== "a sum") expect(found.sums).toEqual(wanted.sums);
    }
  });
});
