/**
 * Decoding and encoding of float types in plain TypeScript, for small data: statistics, checks, tests. The engines have
 * their own, faster ones. Rounding is to nearest even, by integer arithmetic; NaN stays NaN.
 */
import { bytesPer, type FloatDtype, type OutputDtype } from "./dtype.ts";

/**
 * Values of `bytes` (little-endian, any alignment) as f32; F64 is rounded once, everything narrower is exact.
 * @param out where to put them; as many elements as `bytes` holds
 */
export function decode(
  dtype: FloatDtype,
  bytes: Uint8Array,
  out: Float32Array<ArrayBuffer> = new Float32Array(bytes.length / bytesPer(dtype)),
): Float32Array<ArrayBuffer> {
  const { length } = out;
  if (length * bytesPer(dtype) !== bytes.length)
    throw new RangeError(`Internal error: ${bytes.length} bytes of ${dtype} do not decode to ${length} values.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // Through the bits, because a NaN that passes through a JavaScript number may change.
  const bits = new Uint32Array(out.buffer, out.byteOffset, length);
  switch (dtype) {
    case "F64":
      for (let i = 0; i < length; i++) out[i] = view.getFloat64(8 * i, true);
      break;
    case "F32":
      for (let i = 0; i < length; i++) bits[i] = view.getUint32(4 * i, true);
      break;
    case "BF16":
      for (let i = 0; i < length; i++) bits[i] = view.getUint16(2 * i, true) << 16;
      break;
    case "F16":
      for (let i = 0; i < length; i++) bits[i] = fromF16(view.getUint16(2 * i, true));
      break;
    case "F8_E5M2":
      for (let i = 0; i < length; i++) bits[i] = fromF16(view.getUint8(i) << 8);
      break;
    case "F8_E4M3":
      for (let i = 0; i < length; i++) bits[i] = fromE4m3(view.getUint8(i));
      break;
    default:
      dtype satisfies never;
  }
  return out;
}

/** f32 bits of f16 bits. Same exponent layout, 5 bits instead of 8, so normals only shift and re-bias (127 - 15). */
function fromF16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return sign | 0x7f800000 | (magnitude << 13);
  if (magnitude >= 0x400) return sign | ((magnitude << 13) + (112 << 23));
  return sign | subnormal(magnitude, 10, 113);
}

/** f32 bits of E4M3 bits, the "fn" flavour: no infinity, all ones is NaN, bias 7. */
function fromE4m3(byte: number): number {
  const sign = (byte & 0x80) << 24;
  const magnitude = byte & 0x7f;
  if (magnitude === 0x7f) return sign | 0x7fc00000;
  if (magnitude >= 8) return sign | ((magnitude << 20) + (120 << 23));
  return sign | subnormal(magnitude, 3, 121);
}

/** A subnormal with `width` fraction bits, normalised; `exponent` is the f32 exponent of the smallest normal. */
function subnormal(fraction: number, width: number, exponent: number): number {
  if (fraction === 0) return 0;
  const shift = Math.clz32(fraction) - (31 - width);
  const rest = (fraction << shift) & ((1 << width) - 1);
  return ((exponent - shift) << 23) | (rest << (23 - width));
}

/** Bytes of `values` in `dtype`, little-endian. Beyond the largest value: infinity. */
export function encode(dtype: OutputDtype, values: Float32Array): Uint8Array<ArrayBuffer> {
  if (dtype === "F32") return new Uint8Array(values.slice().buffer as ArrayBuffer);
  const out = new Uint16Array(values.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const round = dtype === "BF16" ? toBf16 : toF16;
  for (let i = 0; i < out.length; i++) out[i] = round(bits[i]!);
  return new Uint8Array(out.buffer);
}

function toBf16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0x8000) | 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function toF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  const exponent = magnitude >>> 23;
  if (exponent < 102) return sign;
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - exponent;
  const whole = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (whole + (rest > tie || (rest === tie && (whole & 1) === 1) ? 1 : 0));
}
