/** Counting values that are no numbers, or none that can be computed with: NaN and infinity. */
import { decode } from "./convert.ts";
import type { FloatDtype } from "./dtype.ts";

/** How many are NaN or infinite: exponent all ones, read off the bits. */
export function countNotFinite(dtype: FloatDtype, bytes: Uint8Array<ArrayBuffer>): number {
  const { buffer, byteOffset, length } = bytes;
  let count = 0;
  if (dtype === "BF16" || dtype === "F16") {
    const mask = dtype === "BF16" ? 0x7f80 : 0x7c00;
    for (const bits of new Uint16Array(buffer, byteOffset, length / 2)) if ((bits & mask) === mask) count++;
  } else if (dtype === "F32") {
    for (const bits of new Uint32Array(buffer, byteOffset, length / 4)) if ((bits & 0x7f800000) === 0x7f800000) count++;
  } else {
    for (const value of decode(dtype, bytes)) if (!Number.isFinite(value)) count++;
  }
  return count;
}
