import { expect, test } from "vitest";
import { decodeBits, encodeBits } from "../../core/engine/plain/number.ts";
import { philox, uniformAt } from "../../core/engine/plain/philox.ts";
import { runPlain } from "../../core/engine/plain/plain.ts";
import { bytesOf, floatWord, makeJob } from "./kernels.ts";

const hex = (words: readonly number[]) => words.map((word) => word.toString(16).padStart(8, "0")).join(" ");
const ONES = 0xffffffff;

test("philox gives the known answers published with Random123", () => {
  expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe("5f6fb709 0d893f64 4f121f81 4f730a48");
  expect(hex(philox([ONES, ONES, ONES, ONES], [ONES, ONES]))).toBe("5207ddc2 45165e59 4d8ee751 8c52f662");
  expect(hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
    "4dfccaba 190a87f0 c47362ba b6b5242a",
  );
});

test("numbers of elements are uniform, also together with those that share their words", () => {
  const count = 1 << 18;
  const numbers = Float64Array.from({ length: count }, (_, i) => uniformAt(i, [7, 9]));
  // 64 boxes of 4,096 each: chi-square has mean 63 and deviation 11.
  const chi = (boxes: readonly number[]) => {
    const mean = boxes.reduce((sum, n) => sum + n, 0) / boxes.length;
    return boxes.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0);
  };
  const alone = new Array<number>(64).fill(0);
  for (const u of numbers) alone[Math.floor(u * 64)]!++;
  expect(chi(alone)).toBeLessThan(63 + 5 * 11.3);
  for (const apart of [1, 2, 3, 4, 5, 6, 7]) {
    const pairs = new Array<number>(64).fill(0);
    for (let i = 0; i + apart < count; i += 8)
      pairs[8 * Math.floor(numbers[i]! * 8) + Math.floor(numbers[i + apart]! * 8)]!++;
    expect(chi(pairs)).toBeLessThan(63 + 5 * 11.3);
  }
});

test.each([
  ["F16", 0x3c00, 1],
  ["F16", 0x7bff, 65504],
  ["F16", 0x0001, 2 ** -24],
  ["F16", 0xfc00, Number.NEGATIVE_INFINITY],
  ["BF16", 0x3f80, 1],
  ["BF16", 0xc049, -3.140625],
  ["BF16", 0x0001, 2 ** -133],
  ["F8_E4M3", 0x7e, 448],
  ["F8_E4M3", 0x01, 2 ** -9],
  ["F8_E4M3", 0xff, Number.NaN],
  ["F8_E5M2", 0x7b, 57344],
  ["F8_E5M2", 0x7c, Number.POSITIVE_INFINITY],
] as const)("%s pattern %i is %d", (dtype, bits, value) => {
  expect(decodeBits(dtype, bits)).toBe(value);
});

test.each([
  ["F16", 65519.996, 0x7bff],
  ["F16", 65520, 0x7c00],
  ["F16", 2 ** -25, 0],
  ["F16", 3 * 2 ** -25, 2],
  ["F16", 2048 + 1, 0x6800],
  ["F16", 2048 + 3, 0x6802],
  ["F16", -0, 0x8000],
  ["BF16", 1 + 2 ** -8, 0x3f80],
  ["BF16", 1 + 3 * 2 ** -8, 0x3f82],
  ["BF16", 3.4028234663852886e38, 0x7f80],
  ["BF16", Number.NEGATIVE_INFINITY, 0xff80],
  ["BF16", Number.NaN, 0x7fc0],
] as const)("%s of %d is pattern %i", (dtype, value, bits) => {
  expect(encodeBits(dtype, value)).toBe(bits);
});

test("every 16-bit pattern survives decoding and encoding", () => {
  for (const dtype of ["F16", "BF16"] as const) {
    const lost: number[] = [];
    for (let bits = 0; bits < 65536; bits++) {
      const value = decodeBits(dtype, bits);
      if (!Number.isNaN(value) && encodeBits(dtype, value) !== bits) lost.push(bits);
    }
    expect(lost).toEqual([]);
  }
});

test("a program by hand: weighted sum, its total, and where its digits fall", () => {
  const values = Float32Array.of(1, -2, 3, -4);
  const result = runPlain(
    makeJob({
      ops: [
        { op: "input", slot: 0 },
        { op: "uniform", word: 0 },
        { op: "mul", a: 0, b: 1 },
        { op: "top", a: 0, word: 1 },
        { op: "mul", a: 2, b: 3 },
      ],
      words: [floatWord(0.5), floatWord(3), 2],
      inputs: [{ dtype: "F32", bytes: bytesOf(values) }],
      sums: [2, 3],
      histograms: [{ value: 0, digit: "high", word: null }],
    }),
  );
  expect([...new Float32Array(result.output!.buffer)]).toEqual([0, -0, 1.5, -2]);
  expect([...result.sums]).toEqual([-1, 2]);
  expect(result.histograms[0]?.[floatWord(3) >>> 15]).toBe(1);
  expect(result.histograms[0]?.reduce((sum, count) => sum + count)).toBe(4);
});
