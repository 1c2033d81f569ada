import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { createLane, type Lane } from "../../core/engine/cpu/lane.ts";
import type { TileJob, TileResult } from "../../core/engine/engine.ts";
import { runPlain } from "../../core/engine/plain/plain.ts";
import { type Op, WINDOW } from "../../core/graph/program.ts";
import type { Binary, Unary } from "../../core/graph/tensor.ts";
import {
  awkwardFloats,
  bytesOf,
  floatsOf,
  floatWord,
  loadKernels,
  makeJob,
  noise,
  sameArrays,
  sameBytes,
  unaligned,
} from "./kernels.ts";

let lane: Lane;
beforeAll(async () => {
  lane = await createLane(await loadKernels());
});

const SIZES = [1, 3, 4095, 4096, 4097, 10_000, 20_000];
const UNARY: Unary[] = ["neg", "abs", "sign", "sqrt"];
const BINARY: Binary[] = ["add", "sub", "mul", "div", "min", "max", "lt", "le", "gt", "ge", "eq", "ne"];

const f32 = (count: number, seed: number) => ({
  dtype: "F32" as const,
  bytes: unaligned(bytesOf(awkwardFloats(count, seed))),
});

/** Where the two differ as numbers: zeros by sign, NaN as one value. -1 for nowhere. */
function difference(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Math.min(found.length, expected.length);
  return found.findIndex((value, i) => !Object.is(value, expected[i]));
}

/** Counts as they are meant: those of a window are in four parts, and behind its marks there is anything. */
function counted(counts: Uint32Array, digit: string | undefined): Uint32Array {
  if (digit !== "window") return counts;
  const meant = counts.slice();
  for (const at of [WINDOW.above, WINDOW.reached, WINDOW.within]) {
    meant.fill(0, at, at + 4);
    meant[at] = counts.subarray(at, at + 4).reduce((sum, some) => sum + some, 0);
  }
  meant[WINDOW.room] = 0;
  return meant.fill(0, WINDOW.marks + 4 * counts[WINDOW.marked]!, WINDOW.list);
}

function expectSame(job: TileJob): TileResult {
  const [found, expected] = [lane.run(job), runPlain(job)];
  expect(difference(floatsOf(found), floatsOf(expected))).toBe(-1);
  const meant = ({ histograms }: TileResult) =>
    histograms.map((counts, h) => counted(counts, job.program.histograms[h]?.digit));
  expect(sameArrays(meant(found), meant(expected))).toBe(true);
  return found;
}

describe("operations, element by element", () => {
  const inputs: Op[] = [
    { op: "input", slot: 0 },
    { op: "input", slot: 1 },
    { op: "input", slot: 2 },
  ];
  const on = (count: number, op: Op, words: number[] = []) =>
    expectSame(makeJob({ ops: [...inputs, op], inputs: [f32(count, 1), f32(count, 2), f32(count, 3)], words }));

  test.each(UNARY)("%s", (op) => {
    for (const count of SIZES) on(count, { op, a: 0 });
  });

  test.each(BINARY)("%s", (op) => {
    for (const count of SIZES) {
      on(count, { op, a: 0, b: 1 });
      on(count, { op, a: 0, b: 0 });
    }
  });

  test.each(BINARY)("%s with a uniform on either side", (op) => {
    for (const value of [0.25, -0, Number.NaN, Number.POSITIVE_INFINITY]) {
      const words = [floatWord(value)];
      const ops: Op[] = [
        { op: "input", slot: 0 },
        { op: "uniform", word: 0 },
      ];
      for (const [a, b] of [
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        expectSame(makeJob({ ops: [...ops, { op, a, b }], inputs: [f32(4097, 4)], words }));
      }
    }
  });

  test("where takes b unless a is zero; NaN is not zero", () => {
    for (const count of SIZES) on(count, { op: "where", a: 0, b: 1, c: 2 });
  });

  test("numbers of the formula: selections from 0, 1 and -1, what is above and below 0, signs", () => {
    const fixed: Op[] = [0, 1, -1].map((is, word) => ({ op: "uniform", word, is }));
    const [zero, one, minus] = [3, 4, 5];
    const ops: Op[] = [
      { op: "input", slot: 0 },
      { op: "input", slot: 1 },
      { op: "le", a: 0, b: 1 },
      ...fixed,
      { op: "gt", a: 0, b: zero },
    ];
    const wheres = [zero, one, minus, 0, 2, 6].flatMap((b) => [zero, one, minus, 1, 2, 6].map((c) => [b, c] as const));
    for (const count of [4097, 20_000]) {
      const inputs = [f32(count, 41), f32(count, 42)];
      const words = [0, 1, -1].map(floatWord);
      const on = (...more: Op[]) => expectSame(makeJob({ ops: [...ops, ...more], inputs, words, sums: [2] }));
      for (const [b, c] of wheres) {
        on({ op: "where", a: 2, b, c });
        on({ op: "where", a: 1, b, c });
        on({ op: "where", a: 2, b, c }, { op: "where", a: 7, b: 0, c: zero });
        on({ op: "where", a: 2, b, c }, { op: "mul", a: 7, b: 1 });
      }
      for (const op of BINARY)
        for (const b of [zero, one, minus]) for (const a of [0, zero]) on({ op, a, b }, { op, a: b, b: 7 });
    }
  });

  test("an exponential or logarithm is the same whether all four want it, some or none, and used again behind it", () => {
    const of = (ops: readonly Op[], inputs: readonly ReturnType<typeof f32>[]) =>
      floatsOf(lane.run(makeJob({ ops, inputs, words: [floatWord(0.25)] })));
    const chosen: Op[] = [
      { op: "input", slot: 0 },
      { op: "input", slot: 1 },
      { op: "uniform", word: 0 },
      { op: "lt", a: 1, b: 2 },
    ];
    for (const op of ["exp", "log"] as const) {
      for (const count of SIZES) {
        const inputs = [f32(count, 51), f32(count, 52)];
        const [x, by] = inputs.map(({ bytes }) => new Float32Array(bytes.slice().buffer));
        const all = of(
          [
            { op: "input", slot: 0 },
            { op, a: 0 },
          ],
          inputs.slice(0, 1),
        );
        const ops: Op[] = [
          ...chosen,
          { op, a: 0 },
          { op: "neg", a: 4 },
          { op: "where", a: 3, b: 0, c: 5 },
          { op: "add", a: 6, b: 4 },
        ];
        const expected = Float32Array.from(x!, (value, i) => (by![i]! < 0.25 ? value : -all[i]!) + all[i]!);
        expect(difference(of(ops, inputs), expected)).toBe(-1);
        // By itself, with none around that is larger.
        x!.forEach((value, i) => {
          if (i % 97 !== 0) return;
          const bytes = bytesOf(Float32Array.of(value, value, value, value));
          const four = of(
            [
              { op: "input", slot: 0 },
              { op, a: 0 },
            ],
            [{ dtype: "F32", bytes }],
          );
          expect(difference(four, new Float32Array(4).fill(all[i]!))).toBe(-1);
        });
      }
    }
  });

  test("hyperbolic tangents are the same together, one of another, and of numbers of any size beside them", () => {
    const small = (count: number, seed: number, scale: number) => {
      const values = awkwardFloats(count, seed).map((value, i) => (i % 50 < 25 ? value * scale : value));
      return { dtype: "F32" as const, bytes: bytesOf(values) };
    };
    const inputs = [small(10_000, 61, 2 ** -14), small(10_000, 62, 2 ** -20)];
    const alone = (bytes: Uint8Array<ArrayBuffer>) =>
      floatsOf(
        lane.run(
          makeJob({
            ops: [
              { op: "input", slot: 0 },
              { op: "tanh", a: 0 },
            ],
            inputs: [{ dtype: "F32", bytes }],
          }),
        ),
      );
    const [p, q] = inputs.map(({ bytes }) => alone(bytes));
    const sum = p!.map((value, i) => value + q![i]!);
    const expected = alone(bytesOf(sum as Float32Array<ArrayBuffer>)).map((value, i) => value - sum[i]!);
    const ops: Op[] = [
      { op: "input", slot: 0 },
      { op: "input", slot: 1 },
      { op: "tanh", a: 0 },
      { op: "tanh", a: 1 },
      { op: "add", a: 2, b: 3 },
      { op: "tanh", a: 4 },
      { op: "sub", a: 5, b: 4 },
    ];
    expect(difference(floatsOf(lane.run(makeJob({ ops, inputs }))), expected)).toBe(-1);
  });

  test("top and tied, with many equal magnitudes", () => {
    for (const [count, tau, cut] of [
      [20_000, 1, 9_000],
      [20_000, 0, -1],
      [4097, Infinity, 4096],
      [3, 0.5, 0],
      [10_000, Number.NaN, 10_000],
    ] as const) {
      on(count, { op: "top", a: 0, word: 0 }, [floatWord(tau), cut]);
      on(count, { op: "tied", a: 0, word: 0 }, [floatWord(tau)]);
    }
    // Words no magnitude can have, and the greatest it can.
    for (const tau of [0x7fffffff, 0x80000000, 0xffffffff]) on(100, { op: "top", a: 0, word: 0 }, [tau, 0x7fffffff]);
  });

  test("several cuts among equals, in one turn of eight, in neighbouring ones, at the ends of steps and of the tile", () => {
    const count = 9000;
    for (const cuts of [
      [2056, 2063],
      [2055, 2056],
      [1023, 1024],
      [0, 8999],
      [-1, 8998],
      [4103, 4103],
      [8992, 20_000],
    ]) {
      const words = cuts.flatMap((cut) => [floatWord(1), cut]);
      const ops: Op[] = [
        { op: "input", slot: 0 },
        { op: "top", a: 0, word: 0 },
        { op: "top", a: 0, word: 2 },
        { op: "mul", a: 0, b: 1 },
        { op: "add", a: 3, b: 2 },
      ];
      const bytes = bytesOf(Float32Array.from({ length: count }, (_, i) => (i % 5 === 0 ? 0.5 : -1)));
      expectSame(makeJob({ ops, inputs: [{ dtype: "F32", bytes }], words, sums: [4], first: 4096 }));
    }
  });

  test("a uniform by itself fills the tile", () => {
    const result = lane.run(makeJob({ ops: [{ op: "uniform", word: 0 }], words: [floatWord(1.5)], count: 5000 }));
    expect(sameBytes(floatsOf(result), new Float32Array(5000).fill(1.5))).toBe(true);
  });
});

test("random is Philox, counted by the element's index in its tensor", () => {
  for (const first of [0, 4096, 2 ** 32 - 40960]) {
    for (const count of [1, 3, 4097, 20_000]) {
      expectSame(makeJob({ ops: [{ op: "random", word: 1 }], words: [7, 0x12345678, 0xfedcba98], first, count }));
    }
  }
});

describe("sums", () => {
  const ops: Op[] = [
    { op: "input", slot: 0 },
    { op: "input", slot: 1 },
    { op: "mul", a: 0, b: 1 },
    { op: "uniform", word: 0 },
  ];
  const finite = (count: number, seed: number) => {
    const next = noise(seed);
    return bytesOf(Float32Array.from({ length: count }, () => (next() / 2 ** 31 - 1) * 2 ** (next() % 12)));
  };

  test.each(SIZES)("of %i elements, one partial per block", (count) => {
    const job = makeJob({
      ops,
      inputs: [1, 2].map((seed) => ({ dtype: "F32" as const, bytes: finite(count, seed) })),
      words: [floatWord(0.1)],
      sums: [2, 0, 0, 3],
      exact: [0, 2],
      output: null,
    });
    const [found, expected] = [lane.run(job), runPlain(job)];
    expect(found.output).toBeNull();
    expect(found.sums.length).toBe(4 * Math.ceil(count / 4096));
    // f64 rounds 2^-53 per addition of values up to 2^24, at most 4,096 of them; f32 half a last place of each two: 2^-24 of up to 2^25 or 2^13.
    const inF64 = 2 ** -53 * 2 ** 24 * 4096;
    const limits = [inF64, 2 ** -24 * 2 ** 13 * 2048, inF64, 2 ** -24 * 2048];
    const each = Math.ceil(count / 4096);
    const apart = found.sums.map((sum, i) => Math.abs(sum - expected.sums[i]!));
    apart.forEach((off, i) => {
      expect(off, `block ${i % each} of sum ${Math.floor(i / each)}`).toBeLessThan(limits[Math.floor(i / each)]!);
    });
    // And two equal ones, of which one is exact, are not the same.
    if (count > 4096)
      expect([...found.sums.slice(each, 2 * each)]).not.toEqual([...found.sums.slice(2 * each, 3 * each)]);
  });

  test("are exact where f64 is", () => {
    const values = Float32Array.from({ length: 9000 }, (_, i) => i);
    const result = lane.run(
      makeJob({ ops: [{ op: "input", slot: 0 }], inputs: [{ dtype: "F32", bytes: bytesOf(values) }], sums: [0] }),
    );
    const range = (from: number, to: number) => ((from + to - 1) * (to - from)) / 2;
    expect([...result.sums]).toEqual([range(0, 4096), range(4096, 8192), range(8192, 9000)]);
  });
});

describe("histograms", () => {
  const difference = (count: number) => ({
    ops: [
      { op: "input", slot: 0 },
      { op: "input", slot: 1 },
      { op: "sub", a: 0, b: 1 },
    ] satisfies Op[],
    inputs: [f32(count, 5), f32(count, 6)],
  });

  test.each(SIZES)("of both digits of %i elements", (count) => {
    const { histograms } = expectSame(
      makeJob({
        ...difference(count),
        words: [floatWord(0.5) >>> 15, 0],
        histograms: [
          { value: 2, digit: "high", word: null },
          { value: 0, digit: "low", word: 0 },
          { value: 0, digit: "low", word: 1 },
          { value: 0, digit: "high", word: null },
        ],
      }),
    );
    expect(histograms[0]?.reduce((sum, n) => sum + n)).toBe(count);
  });

  test.each([...SIZES, 100_000])("of a window among %i elements", (count) => {
    const between = (low: number, high: number) =>
      expectSame(
        makeJob({
          ...difference(count),
          words: [low, high],
          histograms: [
            { value: 2, digit: "window", word: 0 },
            { value: 0, digit: "window", word: 0 },
          ],
        }),
      ).histograms.map(({ length }) => length);
    const values = runPlain(makeJob({ ops: [{ op: "input", slot: 0 }], inputs: [f32(count, 5)] })).output!;
    const bits = new Uint32Array(values.buffer).map((one) => one & 0x7fffffff).sort();
    const [low, high] = [bits[count >> 1]!, bits[Math.min(count - 1, Math.ceil(count * 0.6))]!];
    expect(between(low, high)[1]).toBe(WINDOW.list + bits.filter((one) => one > low && one < high).length);
    for (const [a, b] of [
      [0, 0x7fffffff],
      [low, low],
      [0, 0],
      [0x7f800000, 0x7fffffff],
      [bits[Math.max(0, count - 3)]!, 0x7fffffff],
    ] as const)
      between(a, b);
  });

  test("of a window say when there was no room to list all", () => {
    const count = 2 ** 18;
    const inputs = [
      { dtype: "F32" as const, bytes: bytesOf(Float32Array.from({ length: count }, (_, i) => 0.5 + i / count / 3)) },
    ];
    const histograms = [{ value: 0, digit: "window", word: 0 } as const];
    const job = (low: number) =>
      makeJob({ ops: [{ op: "input", slot: 0 }], inputs, words: [low, 0x7f800000], histograms });
    expect(lane.run(job(0)).histograms[0]?.[WINDOW.full]).toBe(1);
    expect(lane.run(job(floatWord(1))).histograms[0]?.[WINDOW.full]).toBe(0);
  });

  test("are of this tile alone", () => {
    const job = makeJob({
      ops: [{ op: "input", slot: 0 }],
      inputs: [f32(100, 8)],
      histograms: [{ value: 0, digit: "high", word: null }],
      output: null,
    });
    expect(sameArrays(lane.run(job).histograms, lane.run(job).histograms)).toBe(true);
  });
});

test("what only a branch of one half looks at is there for the other", () => {
  const bf16 = (values: (i: number) => number) => ({
    dtype: "BF16" as const,
    bytes: new Uint8Array(Uint16Array.from({ length: 64 }, (_, i) => floatWord(values(i)) >>> 16).buffer),
  });
  const ops: Op[] = [
    { op: "input", slot: 0 },
    { op: "input", slot: 1 },
    { op: "uniform", word: 0 },
    { op: "gt", a: 0, b: 2 },
    { op: "exp", a: 1 },
    { op: "where", a: 3, b: 0, c: 4 },
  ];
  for (const [first, second] of [
    [1, -1],
    [-1, 1],
  ] as const) {
    const inputs = [bf16((i) => (i % 8 < 4 ? first : second)), bf16((i) => i / 16)];
    const job = makeJob({ ops, inputs, words: [floatWord(0)] });
    const expected = floatsOf(runPlain(job));
    for (const [i, value] of floatsOf(lane.run(job)).entries()) expect(value / expected[i]!).toBeCloseTo(1, 6);
  }
});

/** Programs of up to 40 operations over three inputs, a few uniforms and two random streams. */
const program = fc
  .array(fc.tuple(fc.nat(24), fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 })
  .map((choices) => {
    const ops: Op[] = [{ op: "input", slot: 1 }];
    for (const [kind, x, y, z] of choices) {
      const [a, b, c] = [x % ops.length, y % ops.length, z % ops.length];
      if (kind < 12) ops.push({ op: BINARY[kind]!, a, b });
      else if (kind < 16) ops.push({ op: UNARY[kind - 12]!, a });
      else if (kind < 18) ops.push({ op: "mul", a, b }, { op: "add", a: c, b: ops.length });
      else if (kind === 18)
        ops.push({ op: "mul", a, b }, { op: "mul", a: b, b: c }, { op: "add", a: ops.length + 1, b: ops.length });
      else if (kind === 19) ops.push({ op: "where", a, b, c });
      else if (kind === 20) ops.push({ op: "input", slot: x % 3 });
      else if (kind === 21) ops.push({ op: "uniform", word: x % 4 });
      else if (kind === 22) ops.push({ op: "random", word: x % 3 });
      else if (kind === 23) ops.push({ op: "top", a, word: x % 3 });
      else ops.push({ op: "tied", a, word: x % 4 });
    }
    return ops;
  });

test("random programs give what the plain interpreter gives", () => {
  fc.assert(
    fc.property(program, fc.integer({ min: 1, max: 2500 }), fc.nat(), (ops, count, seed) => {
      expectSame(
        makeJob({
          ops,
          inputs: [1, 2, 3].map((n) => f32(count, seed + n)),
          words: [floatWord(0.5), floatWord(-1.25), 1000, floatWord(1)],
          histograms: [{ value: seed % ops.length, digit: "high", word: null }],
          output: ops.length - 1 - (seed % Math.min(3, ops.length)),
          first: 8192,
        }),
      );
    }),
    { numRuns: 300 },
  );
});

test.each(SIZES)("masks of %i elements are kept as bits, others as they are, and read again", (count) => {
  const planes = () => [1, 1, 1, 32].map((bits) => new Uint8Array(Math.ceil((count * bits) / 8)).fill(0x5a));
  const inputs = [f32(count, 31), f32(count, 32)];
  const ops: Op[] = [
    { op: "input", slot: 0 },
    { op: "input", slot: 1 },
    { op: "lt", a: 0, b: 1 },
  ];
  const keeping = (kept: Uint8Array<ArrayBuffer>[]) =>
    makeJob({
      ops: [...ops, { op: "ne", a: 0, b: 1 }, { op: "add", a: 0, b: 3 }],
      inputs,
      keeps: [
        { value: 2, plane: 2, bits: 1 },
        { value: 3, plane: 0, bits: 1 },
        { value: 4, plane: 3, bits: 32 },
      ],
      kept,
    });
  const [found, expected] = [lane.run(keeping(planes())), runPlain(keeping(planes()))];
  expect(difference(floatsOf(found), floatsOf(expected))).toBe(-1);
  const bit = (bits: Uint8Array, i: number) => (bits[i >> 3]! >> (i & 7)) & 1;
  for (const plane of [0, 2])
    for (let i = 0; i < count; i++)
      if (bit(found.kept![plane]!, i) !== bit(expected.kept![plane]!, i)) throw new Error(`plane ${plane}, bit ${i}`);
  expect(sameBytes(found.kept![3]!, expected.kept![3]!)).toBe(true);
  expect([...found.kept![1]!].every((byte) => byte === 0x5a)).toBe(true);
  expectSame(
    makeJob({
      ops: [
        ...ops,
        { op: "kept", plane: 0, bits: 1 },
        { op: "kept", plane: 2, bits: 1 },
        { op: "where", a: 3, b: 0, c: 4 },
        { op: "kept", plane: 3, bits: 32 },
        { op: "sub", a: 5, b: 6 },
      ],
      inputs,
      kept: found.kept!,
      sums: [3],
    }),
  );
});

test("any split into tiles gives the same bytes, sums and counts", () => {
  const count = 50_001;
  const [a, b] = [f32(count, 21).bytes, f32(count, 22).bytes];
  const whole = splitJob(a, b, 0, count);
  const expected = lane.run(whole);
  const blocks = Math.ceil(count / 4096);
  for (const tile of [4096, 8192, 5 * 4096, 12 * 4096]) {
    const parts: { start: number; result: TileResult }[] = [];
    for (let start = 0; start < count; start += tile) {
      parts.push({ start, result: lane.run(splitJob(a, b, start, Math.min(count, start + tile))) });
    }
    expect(sameBytes(Buffer.concat(parts.map(({ result }) => result.output!)), expected.output)).toBe(true);
    for (const s of [0, 1]) {
      const sums = parts.flatMap(({ result }) => {
        const own = result.sums.length / 2;
        return [...result.sums.subarray(s * own, (s + 1) * own)];
      });
      expect(sums).toEqual([...expected.sums.subarray(s * blocks, (s + 1) * blocks)]);
    }
    const counts = new Uint32Array(65536);
    for (const { result } of parts) {
      result.histograms[0]?.forEach((n, bin) => {
        counts[bin]! += n;
      });
    }
    expect(sameBytes(counts, expected.histograms[0])).toBe(true);
  }
});

function splitJob(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>, start: number, end: number): TileJob {
  return makeJob({
    ops: [
      { op: "input", slot: 0 },
      { op: "input", slot: 1 },
      { op: "sub", a: 0, b: 1 },
      { op: "random", word: 0 },
      { op: "mul", a: 2, b: 3 },
      { op: "add", a: 0, b: 4 },
    ],
    inputs: [a, b].map((bytes) => ({ dtype: "F32" as const, bytes: bytes.subarray(start * 4, end * 4) })),
    words: [11, 12],
    sums: [3, 4],
    histograms: [{ value: 2, digit: "high", word: null }],
    encode: "BF16",
    first: start,
  });
}

test("a job whose parts do not fit is refused before it runs", () => {
  const job = makeJob({ ops: [{ op: "input", slot: 0 }], inputs: [f32(100, 1)] });
  expect(() => lane.run({ ...job, count: 101 })).toThrow(/input 0 has 400 bytes instead of 404/);
  expect(() => lane.run({ ...job, first: 100 })).toThrow(/not a multiple of 4096/);
  expect(() =>
    lane.run(makeJob({ ops: [{ op: "kept", plane: 1, bits: 1 }], kept: [new Uint8Array(9)], count: 8 })),
  ).toThrow(/plane 1 has 0 bytes instead of 1/);
  expect(() => lane.run(makeJob({ ops: [{ op: "neg", a: 0 }], count: 8 }))).toThrow(
    /used before it is defined|cannot run/,
  );
});
