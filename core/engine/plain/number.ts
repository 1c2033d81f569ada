/**
 * Float formats by their definition (sign, exponent, significand), in plain arithmetic: slow, and
 * simple enough to be believed. The fast decoders and encoders are tested against these.
 */
import { bytesPer, type FloatDtype, type OutputDtype } from "../../bytes/dtype.ts";

interface Format {
  readonly exponentBits: number;
  readonly fractionBits: number;
  /** E4M3 has no infinity; only an all-ones pattern is NaN. */
  readonly finiteOnly: boolean;
}

const SMALL_FORMATS: Readonly<Record<"F16" | "BF16" | "F8_E4M3" | "F8_E5M2", Format>> = {
  F16: { exponentBits: 5, fractionBits: 10, finiteOnly: false },
  BF16: { exponentBits: 8, fractionBits: 7, finiteOnly: false },
  F8_E4M3: { exponentBits: 4, fractionBits: 3, finiteOnly: true },
  F8_E5M2: { exponentBits: 5, fractionBits: 2, finiteOnly: false },
};

/** The value of a bit pattern, exactly. */
export function decodeBits(dtype: keyof typeof SMALL_FORMATS, bits: number): number {
  const { exponentBits, fractionBits, finiteOnly } = SMALL_FORMATS[dtype];
  const sign = bits >>> (exponentBits + fractionBits) === 0 ? 1 : -1;
  const exponent = (bits >>> fractionBits) & (2 ** exponentBits - 1);
  const fraction = bits & (2 ** fractionBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  const allOnes = exponent === 2 ** exponentBits - 1;
  if (finiteOnly && allOnes && fraction === 2 ** fractionBits - 1) return Number.NaN;
  if (!finiteOnly && allOnes) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
}

/** The pattern nearest to an f32 value, ties to even; overflow is infinity, NaN the positive quiet NaN. */
export function encodeBits(dtype: "F16" | "BF16", value: number): number {
  const { exponentBits, fractionBits } = SMALL_FORMATS[dtype];
  const bias = 2 ** (exponentBits - 1) - 1;
  const signBit = value < 0 || Object.is(value, -0) ? 2 ** (exponentBits + fractionBits) : 0;
  const infinity = (2 ** exponentBits - 1) * 2 ** fractionBits;
  if (Number.isNaN(value)) return infinity + 2 ** (fractionBits - 1);
  const magnitude = Math.abs(value);
  if (magnitude === Number.POSITIVE_INFINITY) return signBit + infinity;
  // log2 may be off by its rounding, next to a power of two.
  let exponent = Math.max(1 - bias, Math.min(bias, Math.floor(Math.log2(magnitude))));
  if (exponent < bias && magnitude >= 2 ** (exponent + 1)) exponent++;
  if (exponent > 1 - bias && magnitude < 2 ** exponent) exponent--;
  // Counted in units of the last place, a power of two: the division is exact.
  const units = roundHalfEven(magnitude / 2 ** (exponent - fractionBits));
  // A normal number's hidden bit and a carry out of the fraction both land in the exponent field.
  const pattern = units + (exponent - (1 - bias)) * 2 ** fractionBits;
  return signBit + Math.min(pattern, infinity);
}

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return rest > 0.5 ? down + 1 : down;
  return down % 2 === 0 ? down : down + 1;
}

/** `count` little-endian elements as f32. */
export function decode(dtype: FloatDtype, bytes: Uint8Array, count: number): Float32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, count * bytesPer(dtype));
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = read(dtype, view, i * bytesPer(dtype));
  return out;
}

function read(dtype: FloatDtype, view: DataView, at: number): number {
  switch (dtype) {
    case "F64":
      return view.getFloat64(at, true);
    case "F32":
      return view.getFloat32(at, true);
    case "F16":
    case "BF16":
      return decodeBits(dtype, view.getUint16(at, true));
    case "F8_E4M3":
    case "F8_E5M2":
      return decodeBits(dtype, view.getUint8(at));
    default:
      return dtype satisfies never;
  }
}

/** f32 values as little-endian bytes. */
export function encode(dtype: OutputDtype, values: Float32Array): Uint8Array<ArrayBuffer> {
  const out = new DataView(new ArrayBuffer(values.length * bytesPer(dtype)));
  values.forEach((value, i) => {
    if (dtype === "F32") out.setFloat32(i * 4, value, true);
    else out.setUint16(i * 2, encodeBits(dtype, value), true);
  });
  return new Uint8Array(out.buffer);
}
