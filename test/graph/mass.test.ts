/** The sum of what is chosen, from windows: the bits that adding it up in a sweep yields, or no answer. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runPlain } from "../../core/engine/plain/plain.ts";
import { passesOf } from "../../core/graph/passes.ts";
import { BLOCK } from "../../core/graph/program.ts";
import { plainSearch } from "../../core/graph/search.ts";
import { abs, add, input, kth, map, mul, type Selection, sum, top, where, ZERO } from "../../core/graph/tensor.ts";
import { createTrust, createWindows } from "../../core/graph/window.ts";
import { bytesOf, makeJob } from "../cpu/kernels.ts";

const bitsOf = (values: Float32Array) => new Uint32Array(values.slice().buffer).map((one) => one & 0x7fffffff);

/** The window's answer, null if there is none; and per block the sum of the k largest, of equal ones those that come first. */
function both(values: Float32Array<ArrayBuffer>, k: number, sample: Uint32Array, shuffle = false) {
  const chosen = kth(input(0), k);
  if (chosen.op !== "kth") throw new Error("kth is no selection");
  const selection: Selection = chosen.selection;
  const windows = createWindows(values.length, createTrust(), plainSearch);
  windows.open([{ selection, k }], sample);
  const { low, high } = windows.bounds(selection);
  const above = new Float64Array(Math.ceil(values.length / BLOCK));
  const firsts = Array.from({ length: Math.ceil(values.length / (2 * BLOCK)) }, (_, t) => t * 2 * BLOCK);
  for (const first of shuffle ? firsts.reverse() : firsts) {
    const job = makeJob({
      ops: [
        { op: "input", slot: 0 },
        { op: "abs", a: 0 },
        { op: "uniform", word: 1 },
        { op: "gt", a: 1, b: 2 },
        { op: "mul", a: 1, b: 3 },
      ],
      inputs: [{ dtype: "F32", bytes: bytesOf(values.slice(first, first + 2 * BLOCK)) }],
      words: [low, high],
      sums: [4],
      histograms: [{ value: 0, digit: "window", word: 0 }],
    });
    const result = runPlain(job);
    windows.absorb(selection, first, result.histograms[0]!);
    above.set(result.sums, first / BLOCK);
  }
  const choice = windows.choose(selection, k);
  const isExact = choice !== null && windows.mass(selection, choice, above);
  const bits = bitsOf(values);
  const threshold = [...bits].sort((a, b) => b - a)[k - 1]!;
  let equal = k - bits.filter((one) => one > threshold).length;
  const wanted = new Float64Array(above.length);
  values.forEach((value, i) => {
    if (bits[i]! > threshold || (bits[i] === threshold && equal-- > 0))
      wanted[Math.floor(i / BLOCK)]! += Math.abs(value);
  });
  return { found: isExact ? [...above] : null, wanted: [...wanted] };
}

const wave = (count: number, steps: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.round(steps * Math.sin(i * 1.7 + (i % 7))) / steps);

describe.each([3, 50, 1e6])("magnitudes in steps of 1/%i", (steps) => {
  const values = wave(6 * BLOCK + 77, steps);
  const sample = bitsOf(values).filter((_, i) => i % 3 === 0);

  test.each([1, 60, 5000, 12_000, 19_000])("the %i largest add up to the same", (k) => {
    const { found, wanted } = both(values, k, sample, true);
    expect(found).toEqual(wanted);
  });
});

test("what is chosen from any numbers adds up to the same, or nothing is said", () => {
  const numbers = fc.oneof(
    fc.float({ noNaN: false }),
    fc.float({ min: 0.5, max: 1, noNaN: true }),
    fc.constantFrom(0, 1, -1),
  );
  let said = 0;
  fc.assert(
    fc.property(fc.array(numbers, { minLength: 10, maxLength: 300 }), fc.nat(), (array, place) => {
      const values = Float32Array.from(array);
      const { found, wanted } = both(values, 1 + (place % values.length), bitsOf(values));
      if (found === null) return;
      said++;
      expect(found).toEqual(wanted);
    }),
    { numRuns: 400 },
  );
  expect(said).toBeGreaterThan(10);
});

test("where adding up would round, nothing is said", () => {
  const values = wave(BLOCK, 50).map((value, i) => (i % 2 === 0 ? value : value * 1e-12));
  const sample = bitsOf(values);
  expect(both(values, Math.round(0.45 * BLOCK), sample).found).not.toBeNull();
  expect(both(values, Math.round(0.8 * BLOCK), sample).found).toBeNull();
});

test("NaN and infinity are left to a sweep", () => {
  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const values = wave(BLOCK, 1e6);
    values[7] = odd;
    expect(both(values, 1000, bitsOf(values)).found).toBeNull();
  }
});

test("a sum of what a selection chooses takes no sweep of its own where there are windows", () => {
  const [a, b] = [input(0), input(1)];
  const kept = where(top(b, 5), b, ZERO);
  const share = map((some, all) => some / all, sum(abs(kept)), sum(abs(b)));
  const scaled = add(a, mul(kept, share));
  const passes = passesOf(scaled, [], 32, true);
  expect(passes.map(({ sums, masses }) => [sums.length, masses.length])).toEqual([
    [1, 1],
    [0, 0],
  ]);
  expect(passes[0]!.program.sums.length).toBe(2);
  expect(passesOf(scaled).map(({ sums, masses }) => [sums.length, masses.length])).toEqual([
    [1, 0],
    [0, 0],
    [1, 0],
    [0, 0],
  ]);
  // Of another tensor than the selection's key it does.
  expect(passesOf(mul(a, sum(abs(where(top(b, 5), a, ZERO)))), [], 32, true).length).toBe(3);
});
