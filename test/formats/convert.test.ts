/** Conversion of float types against formulas written another way, over every narrow value and every rounding case. */
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../core/bytes/convert.ts";
import type { FloatDtype } from "../../core/bytes/dtype.ts";

const HALVES = Uint16Array.from({ length: 65_536 }, (_, i) => i);
const BYTES = Uint8Array.from({ length: 256 }, (_, i) => i);
const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);
const halvesOf = (bytes: Uint8Array<ArrayBuffer>) => new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
const raw = (values: { buffer: ArrayBufferLike }) => new Uint8Array(values.buffer as ArrayBuffer);

/** IEEE-like value of `bits` with that many exponent and fraction bits; `ieee`: the top exponent is infinity and NaN. */
function value(bits: number, exponentBits: number, fractionBits: number, ieee: boolean): number {
  const sign = (bits >> (exponentBits + fractionBits)) & 1 ? -1 : 1;
  const exponent = (bits >> fractionBits) % 2 ** exponentBits;
  const fraction = (bits % 2 ** fractionBits) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const top = exponent === 2 ** exponentBits - 1;
  if (top && ieee) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (top && fraction === 1 - 2 ** -fractionBits) return Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

describe("decode", () => {
  test.each<[FloatDtype, Uint16Array | Uint8Array, number, number, boolean]>([
    ["F16", HALVES, 5, 10, true],
    ["BF16", HALVES, 8, 7, true],
    ["F8_E4M3", BYTES, 4, 3, false],
    ["F8_E5M2", BYTES, 5, 2, true],
  ])("%s: every value is the formula's", (dtype, all, exponentBits, fractionBits, ieee) => {
    const decoded = decode(dtype, raw(all));
    const wrong = Array.from(all).filter(
      (bits) => !Object.is(decoded[bits], value(bits, exponentBits, fractionBits, ieee)),
    );
    expect(decoded).toHaveLength(all.length);
    expect(wrong).toEqual([]);
  });

  test("known values", () => {
    expect([...decode("F8_E4M3", Uint8Array.of(0x38, 0x7e, 0x01, 0xc0))]).toEqual([1, 448, 2 ** -9, -2]);
    expect([...decode("F8_E5M2", Uint8Array.of(0x3c, 0x7b, 0x01, 0xfc))]).toEqual([1, 57344, 2 ** -16, -Infinity]);
    expect([...decode("F16", raw(Uint16Array.of(0x3c00, 0x7bff, 0x0001)))]).toEqual([1, 65504, 2 ** -24]);
  });

  test("F64 is rounded once, to nearest even", () => {
    const wide = Float64Array.of(0.1, 1 + 2 ** -24, 1 + 3 * 2 ** -24, 1e300, 2 ** -149.5, Number.NaN, -0);
    expect([...decode("F64", raw(wide))]).toEqual([...wide].map(Math.fround));
  });

  test("F32 keeps every bit, NaN payloads too, from any alignment, into given memory", () => {
    const bits = Uint32Array.of(0x7fa00001, 0xffc12345, 0x80000000, 1, 0x3f800000);
    const shifted = new Uint8Array(1 + 4 * bits.length);
    shifted.set(raw(bits), 1);
    const out = new Float32Array(bits.length);
    expect(decode("F32", shifted.subarray(1), out)).toBe(out);
    expect([...bitsOf(out)]).toEqual([...bits]);
  });

  test("memory of another length is refused", () => {
    expect(() => decode("F16", new Uint8Array(6), new Float32Array(2))).toThrow("6 bytes of F16");
  });
});

describe("encode", () => {
  test.each(["F16", "BF16"] as const)("%s: all 65,536 values come back, NaN as a NaN of the same sign", (dtype) => {
    const back = halvesOf(encode(dtype, decode(dtype, raw(HALVES))));
    const infinity = dtype === "F16" ? 0x7c00 : 0x7f80;
    const wrong = Array.from(HALVES).filter((bits) => {
      const got = back[bits] ?? 0;
      return (bits & 0x7fff) > infinity
        ? (got & 0x7fff) <= infinity || (got & 0x8000) !== (bits & 0x8000)
        : got !== bits;
    });
    expect(wrong).toEqual([]);
  });

  /** Between every two neighbours: the middle goes to the even one, a bit of f32 off it to the nearer one. */
  test.each(["F16", "BF16"] as const)("%s: to nearest, ties to even, between all neighbours", (dtype) => {
    const infinity = dtype === "F16" ? 0x7c00 : 0x7f80;
    for (const sign of [0, 0x8000]) {
      const low = Array.from({ length: infinity - 1 }, (_, i) => i);
      const values = decode(dtype, raw(Uint16Array.from(low.concat(infinity - 1), (bits) => bits | sign)));
      // Both have few enough bits for the middle to be exact in f32, down to the last f32 subnormals.
      const middles = Float32Array.from(low, (i) => (Number(values[i]) + Number(values[i + 1])) / 2);
      const below = new Float32Array(Uint32Array.from(bitsOf(middles), (bits) => bits - 1).buffer);
      const above = new Float32Array(Uint32Array.from(bitsOf(middles), (bits) => bits + 1).buffer);
      expect([...halvesOf(encode(dtype, middles))]).toEqual(low.map((i) => (i + (i & 1)) | sign));
      expect([...halvesOf(encode(dtype, below))]).toEqual(low.map((i) => i | sign));
      expect([...halvesOf(encode(dtype, above))]).toEqual(low.map((i) => (i + 1) | sign));
    }
  });

  test("past the largest value: infinity from half a step on", () => {
    const last = (dtype: "F16" | "BF16", bits: number) =>
      halvesOf(encode(dtype, new Float32Array(Uint32Array.of(bits).buffer)))[0];
    expect(last("F16", 0x477fefff)).toBe(0x7bff);
    expect(last("F16", 0x477ff000)).toBe(0x7c00);
    expect(last("BF16", 0x7f7f7fff)).toBe(0x7f7f);
    expect(last("BF16", 0x7f7f8000)).toBe(0x7f80);
    expect(last("BF16", 0xff7fffff)).toBe(0xff80);
    expect(last("F16", 0x7f7fffff)).toBe(0x7c00);
  });

  test("a NaN whose payload is in the low bits stays a NaN", () => {
    const nan = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer);
    expect([...halvesOf(encode("BF16", nan))]).toEqual([0x7fc0, 0xffc0]);
    expect([...halvesOf(encode("F16", nan))]).toEqual([0x7e00, 0xfe00]);
  });

  test("F32 is a copy of a view's own part", () => {
    const values = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const bytes = encode("F32", values);
    expect([...new Float32Array(bytes.buffer)]).toEqual([1, 2]);
    values[0] = 7;
    expect(new Float32Array(bytes.buffer)[0]).toBe(1);
  });
});
