/** Elements compared with another of their row: on a lane and in the plain engine as the definition says, and as often as their rank does. */
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
const outranking = (values: Floats, places: Floats, columns: number) =>
  makeJob({
    ops: [...INPUTS, { op: "outranks", a: 0, b: 1, columns }],
    inputs: [f32(values), f32(places)],
  });

/** The others of the row in a list, and the one that is pointed to. */
function expected(values: Floats, places: Floats, columns: number): Floats {
  const bits = new Uint32Array(values.buffer).map((word) => word & 0x7fffffff);
  return places.map((place, i) => {
    if (!(place >= 0)) return Number(place < 0);
    if (place >= columns - 1) return 0;
    const start = i - (i % columns);
    const others = Array.from({ length: columns }, (_, j) => start + j).filter((j) => j !== i);
    const other = others[Math.floor(place)]!;
    return Number(bits[other]! < bits[i]! || (bits[other] === bits[i] && other < i));
  });
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

/** Places: most within the row, many exactly on one, some anywhere. */
function placesFor(count: number, columns: number, next: () => number): Floats {
  const odd = [-1, -0, 0, 2 ** -149, -(2 ** -149), columns - 2, columns - 1, columns, Infinity, -Infinity, Number.NaN];
  return Float32Array.from({ length: count }, () => {
    const kind = next();
    if (kind < 0.1) return odd[Math.floor(next() * odd.length)]!;
    const place = (next() * 1.4 - 0.2) * columns;
    return kind < 0.5 ? Math.floor(place) : place;
  });
}

const uniform = (seed: number) => {
  const next = noise(seed);
  return () => next() / 2 ** 32;
};

function compared(kind: string, columns: number, rows: number, seed: number, places?: Floats): void {
  const next = uniform(seed);
  const values = Float32Array.from({ length: rows * columns }, (_, i) => KINDS[kind]!(next, i % columns));
  const asked = places ?? placesFor(values.length, columns, next);
  const job = outranking(values, asked, columns);
  const wanted = expected(values, asked, columns);
  for (const [engine, found] of [
    ["lane", lane.run(job)],
    ["plain", runPlain(job)],
  ] as const)
    expect(sameBytes(floatsOf(found), wanted), `${engine}, ${kind}, ${rows} x ${columns}, seed ${seed}`).toBe(true);
}

describe("who comes behind another", () => {
  test.each(Object.keys(KINDS))("in rows %s", (kind) => {
    for (const columns of [1, 2, 3, 4, 5, 7, 8, 97, 333, 1024]) {
      for (const rows of [1, 2, 5]) compared(kind, columns, rows, columns + rows);
    }
    for (const columns of [2048, 2049]) compared(kind, columns, 1, columns);
  });

  test("in any rows", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(KINDS)),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer(),
        (kind, columns, rows, seed) => compared(kind, columns, rows, seed),
      ),
      { numRuns: 300 },
    );
  });

  test("of any numbers, as bits", () => {
    const words = fc.uint32Array({ minLength: 1, maxLength: 300 });
    const few = fc.uint32Array({ minLength: 97, maxLength: 300, max: 40 });
    fc.assert(
      fc.property(fc.oneof(words, few), fc.integer(), (bits, seed) => {
        const values = new Float32Array(Uint32Array.from(bits).buffer);
        const places = placesFor(values.length, values.length, uniform(seed));
        const found = floatsOf(lane.run(outranking(values, places, values.length)));
        expect(sameBytes(found, expected(values, places, values.length))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("of all places in the row, as many say yes as the rank says", () => {
    for (const kind of Object.keys(KINDS)) {
      for (const columns of [2, 7, 64, 301]) {
        const next = uniform(columns);
        const values = Float32Array.from({ length: columns }, (_, i) => KINDS[kind]!(next, i));
        const ranks = floatsOf(
          lane.run(makeJob({ ops: [INPUTS[0]!, { op: "rank", a: 0, columns }], inputs: [f32(values)] })),
        );
        const yes = new Float32Array(columns);
        for (let place = 0; place < columns - 1; place++) {
          const marks = floatsOf(lane.run(outranking(values, new Float32Array(columns).fill(place + 0.5), columns)));
          for (const [i, mark] of marks.entries()) yes[i]! += mark;
        }
        expect(yes, `${kind}, ${columns}`).toEqual(ranks);
      }
    }
  });

  test("in a program with ranks, places that are random and a comparison of what was chosen", () => {
    for (const columns of [60, 5000]) {
      const count = columns * 5;
      const ops: Op[] = [
        ...INPUTS,
        { op: "abs", a: 0 },
        { op: "rank", a: 2, columns },
        { op: "random", word: 0 },
        { op: "uniform", word: 2 },
        { op: "mul", a: 4, b: 5 },
        { op: "outranks", a: 2, b: 6, columns },
        { op: "where", a: 7, b: 0, c: 1 },
        { op: "uniform", word: 3 },
        { op: "outranks", a: 8, b: 9, columns },
        { op: "mul", a: 10, b: 3 },
      ];
      const job = makeJob({
        ops,
        words: [3, 4, floatWord(columns), floatWord(columns / 2)],
        inputs: [f32(awkwardFloats(count, 5)), f32(awkwardFloats(count, 6))],
        sums: [7],
        first: 4096 * columns,
      });
      expect(stagesOf(job.program).map(({ columns, place }) => [columns !== null, place !== null])).toEqual([
        [true, false],
        [true, true],
        [true, true],
        [false, false],
      ]);
      const [found, wanted] = [lane.run(job), runPlain(job)];
      expect(sameBytes(floatsOf(found), floatsOf(wanted))).toBe(true);
      expect(found.sums).toEqual(wanted.sums);
    }
  });
});
