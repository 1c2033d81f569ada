/** Windows against sorting, and what happens when a sample was wrong. */
import { describe, expect, test } from "vitest";
import { runPlain } from "../../core/engine/plain/plain.ts";
import { type Choice, NOTHING } from "../../core/graph/choice.ts";
import { BLOCK, WINDOW } from "../../core/graph/program.ts";
import { plainSearch } from "../../core/graph/search.ts";
import { input, kth, type Selection } from "../../core/graph/tensor.ts";
import { createTrust, createWindows } from "../../core/graph/window.ts";
import { bytesOf, makeJob } from "../cpu/kernels.ts";

const selection = (): Selection => {
  const scalar = kth(input(0), 1);
  if (scalar.op !== "kth") throw new Error("kth is no selection");
  return scalar.selection;
};

/** Absorbs the tiles in the order given, as the plain engine counts them. */
function windowsOf(values: Float32Array<ArrayBuffer>, sample: Uint32Array, k: number, tile: number) {
  const [one, windows] = [selection(), createWindows(values.length, createTrust(), plainSearch)];
  windows.open([{ selection: one, k }], sample);
  const { low, high } = windows.bounds(one);
  for (let first = 0; first < values.length; first += tile) {
    const part = { dtype: "F32", bytes: bytesOf(values.slice(first, first + tile)) } as const;
    const job = makeJob({
      ops: [{ op: "input", slot: 0 }],
      inputs: [part],
      words: [low, high],
      histograms: [{ value: 0, digit: "window", word: 0 }],
    });
    windows.absorb(one, first, runPlain(job).histograms[0]!);
  }
  return { one, windows };
}

const magnitudes = (values: Float32Array) => new Uint32Array(values.slice().buffer).map((one) => one & 0x7fffffff);
const wave = (count: number, steps: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.round(steps * Math.sin(i * 1.7 + (i % 7))) / steps);

describe.each([3, 50, 1e6])("magnitudes in steps of 1/%i", (steps) => {
  const values = wave(6 * BLOCK + 77, steps);
  const all = magnitudes(values);
  const sorted = [...all].sort((a, b) => b - a);
  const sample = all.filter((_, i) => i % 3 === 0);

  test.each([1, 60, 5000, 12_000, values.length - 50, values.length])("the %i largest", (k) => {
    const { one, windows } = windowsOf(values, sample, k, 2 * BLOCK);
    const choice = windows.choose(one, k) as Choice;
    const equal = all.filter((own) => own === choice.threshold).length;
    const above = all.filter((own) => own > choice.threshold).length;
    expect(choice).toEqual({ threshold: sorted[k - 1], keep: k - above, equal, cut: values.length - 1 });
    const { start, end, equal: there, keep } = windows.stretch(one, choice);
    expect(end - start).toBeLessThanOrEqual(BLOCK);
    expect(all.slice(start, end).filter((own) => own === choice.threshold).length).toBe(there);
    expect(all.slice(0, start).filter((own) => own === choice.threshold).length + keep).toBe(choice.keep);
    expect(keep).toBeGreaterThan(0);
    expect(keep).toBeLessThanOrEqual(there);
  });
});

test("a sample of other numbers misses, and the windows after it are wider", () => {
  const values = wave(4 * BLOCK, 1e6);
  const sample = magnitudes(values.map((value) => value / 4)).slice(0, 999);
  const [one, windows] = [selection(), createWindows(values.length, createTrust(), plainSearch)];
  const trust = createTrust();
  const before = trust.errors;
  const missing = createWindows(values.length, trust, plainSearch);
  missing.open([{ selection: one, k: 9000 }], sample);
  const counts = new Uint32Array(WINDOW.words);
  counts[WINDOW.above] = 12_000;
  counts[WINDOW.reached] = counts[WINDOW.within] = 12_001;
  missing.absorb(one, 0, counts);
  expect(missing.choose(one, 9000)).toBeNull();
  expect(trust.errors).toBeGreaterThan(before);
  expect(() => windows.bounds(one)).toThrow("before its sample");
});

test("a list without room is a miss, and the windows after it are narrower", () => {
  const [one, trust] = [selection(), createTrust()];
  const before = trust.errors;
  const windows = createWindows(10_000, trust, plainSearch);
  windows.open([{ selection: one, k: 50 }], magnitudes(wave(500, 1e6)));
  const counts = new Uint32Array(WINDOW.words);
  counts[WINDOW.within] = 10_000;
  counts[WINDOW.full] = 1;
  windows.absorb(one, 0, counts);
  expect(windows.choose(one, 50)).toBeNull();
  expect(trust.errors).toBeLessThan(before);
});

test("where a miss is dear windows are wider, more so where spots differ, but not for what changes slowly", () => {
  const spot = 2048;
  const noise = (i: number) => (Math.imul(i + 1, 2654435761) >>> 8) / 2 ** 24;
  const width = (scale: (s: number) => number, isDear: boolean) => {
    const sample = magnitudes(
      Float32Array.from({ length: 64 * spot }, (_, i) => scale(Math.floor(i / spot)) * (1 + noise(i))),
    );
    const windows = createWindows(1e7, createTrust(), plainSearch);
    const one = selection();
    windows.open([{ selection: one, k: 5e6 }], sample, isDear ? spot : null);
    const { low, high } = windows.bounds(one);
    return sample.filter((bits) => bits > low && bits < high).length / sample.length;
  };
  const [same, rising, unlike] = [() => 1, (s: number) => 1 + s / 640, (s: number) => 1 + noise(7 * s) / 5];
  expect(width(same, true)).toBeGreaterThan(1.3 * width(same, false));
  expect(width(rising, true)).toBeLessThan(1.3 * width(same, true));
  expect(width(unlike, true)).toBeGreaterThan(2 * width(same, true));
  expect(width(unlike, true)).toBeLessThan(0.045);
});

test("what is kept of a tensor of any size is bounded, and a copy: with more its window has missed", () => {
  const after = (tiles: number) => {
    const one = selection();
    const windows = createWindows(1e9, createTrust(), plainSearch);
    windows.open([{ selection: one, k: 50 }], magnitudes(wave(500, 1e6)), 100);
    const counts = new Uint32Array(WINDOW.words);
    for (let tile = 0; tile < tiles; tile++) {
      counts[WINDOW.reached] = counts[WINDOW.within] = 1;
      counts[WINDOW.listed] = WINDOW.words - WINDOW.list;
      windows.absorb(one, tile * 2 ** 21, counts);
      counts.fill(0);
    }
    const choice = windows.choose(one, 50);
    return { choice, isSummed: windows.mass(one, choice ?? { ...NOTHING, threshold: 1 }, new Float64Array(1)) };
  };
  expect(after(2 ** 24 / WINDOW.words).choice).toMatchObject({ keep: 50, equal: 128 });
  expect(after(2 ** 24 / WINDOW.words + 1)).toEqual({ choice: null, isSummed: false });
});

test("none chosen is a threshold that nothing reaches", () => {
  const { one, windows } = windowsOf(wave(BLOCK, 9), magnitudes(wave(100, 9)), 0, BLOCK);
  expect(windows.choose(one, 0)?.threshold).toBe(0x80000000);
});
