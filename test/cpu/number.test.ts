import { beforeAll, expect, test } from "vitest";
import { bytesPer, type FloatDtype } from "../../core/bytes/dtype.ts";
import { createLane, type Lane } from "../../core/engine/cpu/lane.ts";
import { decodeBits, encodeBits } from "../../core/engine/plain/number.ts";
import { runPlain } from "../../core/engine/plain/plain.ts";
import { awkwardFloats, bytesOf, floatsOf, loadKernels, makeJob, noise, sameBytes, unaligned } from "./kernels.ts";

let lane: Lane;
beforeAll(async () => {
  lane = await createLane(await loadKernels());
});

const decoded = (dtype: FloatDtype, bytes: Uint8Array<ArrayBuffer>) =>
  floatsOf(lane.run(makeJob({ ops: [{ op: "input", slot: 0 }], inputs: [{ dtype, bytes }] })));

/** Index of the first element that differs, -0 from 0 and NaN from numbers included; -1 for none. */
const mismatch = (found: ArrayLike<number>, expected: ArrayLike<number>): number => {
  if (found.length !== expected.length) return Math.min(found.length, expected.length);
  for (let i = 0; i < found.length; i++) if (!Object.is(found[i], expected[i])) return i;
  return -1;
};

test.each(["F16", "BF16"] as const)("decodes every %s", (dtype) => {
  const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const values = decoded(dtype, new Uint8Array(patterns.buffer));
  expect(
    mismatch(
      values,
      Array.from(patterns, (bits) => decodeBits(dtype, bits)),
    ),
  ).toBe(-1);
});

test.each(["F8_E4M3", "F8_E5M2"] as const)("decodes every %s", (dtype) => {
  const patterns = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(
    mismatch(
      decoded(dtype, patterns),
      Array.from(patterns, (bits) => decodeBits(dtype, bits)),
    ),
  ).toBe(-1);
});

test("decodes F64 to the nearest f32, ties to even", () => {
  const next = noise(7);
  const doubles = Float64Array.from({ length: 50_000 }, (_, i) => {
    const exact = Math.fround((next() / 2 ** 31 - 1) * 2 ** ((i % 300) - 170));
    // Exactly between two f32, and a hair off.
    return exact * (1 + [0, 2 ** -24, 2 ** -24 + 2 ** -50, -(2 ** -25), 3 * 2 ** -24][i % 5]!);
  });
  doubles.set([Number.NaN, 1e300, -1e300, 5e-324, 2 ** -150, 3 * 2 ** -150, -0, Infinity]);
  expect(mismatch(decoded("F64", new Uint8Array(doubles.buffer)), Float32Array.from(doubles))).toBe(-1);
});

test.each(["F16", "BF16"] as const)("encodes %s as the definition does, on 1.6 million patterns", (dtype) => {
  // All upper halves with lower halves that are exact, just below, at and just above ties, and noise.
  const lows = [0, 1, 0x0fff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0x8001, 0xffff];
  const next = noise(99);
  const each = lows.length + 12;
  const patterns = Uint32Array.from({ length: 65536 * each }, (_, i) => {
    const low = lows[i % each] ?? next() & 0xffff;
    return ((Math.floor(i / each) << 16) | low) >>> 0;
  });
  const floats = new Float32Array(patterns.buffer);
  const job = makeJob({
    ops: [{ op: "input", slot: 0 }],
    inputs: [{ dtype: "F32", bytes: bytesOf(floats) }],
    encode: dtype,
  });
  const found = new Uint16Array(lane.run(job).output!.buffer);
  let wrong = 0;
  for (let i = 0; i < found.length; i++) {
    const value = floats[i]!;
    const sign = patterns[i]! >>> 31 === 0 ? 0 : 0x8000;
    const expected = Number.isNaN(value) ? encodeBits(dtype, value) | sign : encodeBits(dtype, value);
    if (found[i] !== expected) wrong++;
  }
  expect(found.length).toBeGreaterThan(1_500_000);
  expect(wrong).toBe(0);
});

test("F32 passes through bit by bit, NaN payloads included", () => {
  const patterns = Uint32Array.of(0x7f800001, 0xffc12345, 0x80000000, 0x00000001, 0x7f7fffff, 0xff800000, 1, 2, 3);
  const bytes = new Uint8Array(patterns.buffer);
  const job = makeJob({ ops: [{ op: "input", slot: 0 }], inputs: [{ dtype: "F32", bytes }] });
  expect(sameBytes(lane.run(job).output, bytes)).toBe(true);
});

const SIZES = [1, 3, 15, 16, 17, 4095, 4096, 4097, 10_000, 16_384, 16_385];

test.each(["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"] as const)(
  "%s of awkward sizes at odd addresses",
  (dtype) => {
    for (const count of SIZES) {
      const next = noise(count);
      const bytes = unaligned(Uint8Array.from({ length: count * bytesPer(dtype) }, () => next()));
      const job = makeJob({ ops: [{ op: "input", slot: 0 }], inputs: [{ dtype, bytes }] });
      expect(mismatch(floatsOf(lane.run(job)), floatsOf(runPlain(job)))).toBe(-1);
    }
  },
);

test.each(["F32", "F16", "BF16"] as const)("output of awkward sizes as %s", (encode) => {
  for (const count of SIZES) {
    const bytes = bytesOf(awkwardFloats(count, count).map((value) => (Number.isNaN(value) ? 0.25 : value)));
    const job = makeJob({ ops: [{ op: "input", slot: 0 }], inputs: [{ dtype: "F32", bytes }], encode });
    expect(sameBytes(lane.run(job).output, runPlain(job).output)).toBe(true);
  }
});
