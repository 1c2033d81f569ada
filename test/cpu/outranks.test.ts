/** Elements compared with one of their row that is drawn: on a lane and in the plain engine as the definition says, and as often as their rank does. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { createLane, type Lane } from "../../core/engine/cpu/lane.ts";
import { uniformAt } from "../../core/engine/plain/philox.ts";
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

/** How places are drawn: (u - least) * per, of the random numbers under a key, from element `first` of the tensor on. */
interface Draw {
  readonly key: readonly [number, number];
  readonly least: number;
  readonly per: number;
  readonly first: number;
}

const outranking = (values: Floats, { key, least, per, first }: Draw, columns: number) =>
  makeJob({
    ops: [INPUTS[0]!, { op: "outranks", a: 0, word: 0, least: 2, per: 3, columns }],
    inputs: [f32(values)],
    words: [...key, floatWord(least), floatWord(per)],
    first,
  });

/** As the definition says, one by one. */
function expected(values: Floats, { key, least, per, first }: Draw, columns: number): Floats {
  const bits = new Uint32Array(values.buffer).map((word) => word & 0x7fffffff);
  return values.map((_, i) => {
    const place = Math.fround(Math.fround(uniformAt(first + i, key) - Math.fround(least)) * Math.fround(per));
    if (place < 0) return 1;
    if (place >= columns - 1) return 0;
    const own = i % columns;
    // The others are the row's elements but this.
    const other = i - own + (Math.floor(place) < own ? Math.floor(place) : Math.floor(place) + 1);
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

/**
 * Draws with a few or most elements in the row. Often the place of one element is a whole number, or exactly the first or the last that
 * counts: `least` is then its random number less so many steps, and the steps are powers of two.
 */
function drawFor(count: number, columns: number, next: () => number): Draw {
  const key = [Math.floor(next() * 2 ** 32), Math.floor(next() * 2 ** 32)] as const;
  // A tile begins with a row.
  const first = 4096 * columns * Math.floor(next() * Math.min(1000, 2 ** 31 / (4096 * columns)));
  const kind = next();
  const per = kind < 0.5 ? 2 ** Math.floor(next() * 12 - 2) : (columns - 1) / (next() * 0.9 + 0.01);
  const [one, steps] = [Math.floor(next() * count), [0, 1, columns - 2, columns - 1, columns][Math.floor(next() * 5)]!];
  const least = kind < 0.3 ? uniformAt(first + one, key) - steps / per : next() * 1.2 - 0.2;
  return { key, least, per, first };
}

const uniform = (seed: number) => {
  const next = noise(seed);
  return () => next() / 2 ** 32;
};

function compared(kind: string, columns: number, rows: number, seed: number): void {
  const next = uniform(seed);
  const values = Float32Array.from({ length: rows * columns }, (_, i) => KINDS[kind]!(next, i % columns));
  const draw = drawFor(values.length, columns, next);
  const job = outranking(values, draw, columns);
  const wanted = expected(values, draw, columns);
  for (const [engine, found] of [
    ["lane", lane.run(job)],
    ["plain", runPlain(job)],
  ] as const)
    expect(sameBytes(floatsOf(found), wanted), `${engine}, ${kind}, ${rows} x ${columns}, seed ${seed}`).toBe(true);
}

describe("who comes behind another", () => {
  test.each(Object.keys(KINDS))("in rows %s", (kind) => {
    for (const columns of [2, 3, 4, 5, 7, 8, 97, 255, 256, 257, 333, 1024]) {
      for (const rows of [1, 2, 5]) compared(kind, columns, rows, columns + rows);
    }
    for (const columns of [2048, 2049, 70_001]) compared(kind, columns, 1, columns);
  });

  test("in any rows", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(KINDS)),
        fc.integer({ min: 2, max: 300 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer(),
        (kind, columns, rows, seed) => compared(kind, columns, rows, seed),
      ),
      { numRuns: 300 },
    );
  });

  test("of any numbers, as bits", () => {
    const words = fc.uint32Array({ minLength: 2, maxLength: 300 });
    const few = fc.uint32Array({ minLength: 97, maxLength: 300, max: 40 });
    fc.assert(
      fc.property(fc.oneof(words, few), fc.integer(), (bits, seed) => {
        const values = new Float32Array(Uint32Array.from(bits).buffer);
        const columns = values.length;
        const draw = drawFor(columns, columns, uniform(seed));
        const found = floatsOf(lane.run(outranking(values, draw, columns)));
        expect(sameBytes(found, expected(values, draw, columns))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("more rows than are drawn for at once, beginning anywhere among eight", () => {
    for (const columns of [2, 9, 333, 1025, 5000])
      compared("of all sizes", columns, Math.ceil(40_000 / columns), columns);
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
          // From place + 0.5 to place + 0.75, whatever is drawn.
          const draw = { key: [1, place] as const, least: -(place + 0.5) * 4, per: 0.25, first: 0 };
          const marks = floatsOf(lane.run(outranking(values, draw, columns)));
          for (const [i, mark] of marks.entries()) yes[i]! += mark;
        }
        expect(yes, `${kind}, ${columns}`).toEqual(ranks);
      }
    }
  });

  test("in a program with ranks, and a comparison of what was chosen", () => {
    for (const columns of [60, 5000]) {
      const count = columns * 5;
      const ops: Op[] = [
        ...INPUTS,
        { op: "abs", a: 0 },
        { op: "rank", a: 2, columns },
        { op: "outranks", a: 2, word: 0, least: 2, per: 3, columns },
        { op: "where", a: 4, b: 0, c: 1 },
        { op: "outranks", a: 5, word: 1, least: 4, per: 3, columns },
        { op: "mul", a: 6, b: 3 },
      ];
      const job = makeJob({
        ops,
        words: [3, 4, floatWord(0.1), floatWord(columns), floatWord(0.3)],
        inputs: [f32(awkwardFloats(count, 5)), f32(awkwardFloats(count, 6))],
        sums: [4],
        first: 4096 * columns,
      });
      expect(stagesOf(job.program).map(({ looks }) => looks?.op ?? null)).toEqual([
        "rank",
        "outranks",
        "outranks",
        null,
      ]);
      const [found, wanted] = [lane.run(job), runPlain(job)];
      expect(sameBytes(floatsOf(found), floatsOf(wanted))).toBe(true);
      expect(found.sums).toEqual(wanted.sums);
    }
  });
});
