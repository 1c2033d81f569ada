/**
 * Stored floats to f32, exactly (F64 rounds to nearest even). `from` may have any alignment; `to` is
 * a register. Each turn of a loop decodes sixteen elements, so both sides have room for the last one.
 */

// @ts-ignore: decorator
@inline
function widenLow(x: v128): v128 {
  return v128.extend_low<u16>(x);
}

// @ts-ignore: decorator
@inline
function widenHigh(x: v128): v128 {
  return v128.extend_high<u16>(x);
}

// @ts-ignore: decorator
@inline
function store4(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(to, a);
  v128.store(to, b, 16);
  v128.store(to, c, 32);
  v128.store(to, d, 48);
}

export function decodeF64(to: usize, from: usize, end: usize): void {
  for (; to < end; to += 64, from += 128) {
    for (let i: usize = 0; i < 4; i++) {
      const low = f32x4.demote_f64x2_zero(v128.load(from + i * 32));
      const high = f32x4.demote_f64x2_zero(v128.load(from + i * 32, 16));
      v128.store(to + i * 16, v128.shuffle<f32>(low, high, 0, 1, 4, 5));
    }
  }
}

export function decodeF32(to: usize, from: usize, end: usize): void {
  for (; to < end; to += 64, from += 64) {
    store4(to, v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48));
  }
}

export function decodeBF16(to: usize, from: usize, end: usize): void {
  const zero = i32x4.splat(0);
  for (; to < end; to += 64, from += 32) {
    const x = v128.load(from);
    const y = v128.load(from, 16);
    store4(
      to,
      v128.shuffle<u16>(zero, x, 0, 8, 1, 9, 2, 10, 3, 11),
      v128.shuffle<u16>(zero, x, 4, 12, 5, 13, 6, 14, 7, 15),
      v128.shuffle<u16>(zero, y, 0, 8, 1, 9, 2, 10, 3, 11),
      v128.shuffle<u16>(zero, y, 4, 12, 5, 13, 6, 14, 7, 15),
    );
  }
}

/** Four f16 in the low halves of u32 lanes. */
// @ts-ignore: decorator
@inline
function f16(h: v128): v128 {
  const rebias = i32x4.splat(0x38000000);
  const sign = i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16);
  const bits = v128.and(h, i32x4.splat(0x7fff));
  const special = v128.and(i32x4.gt_s(bits, i32x4.splat(0x7bff)), rebias);
  const normal = i32x4.add(i32x4.add(i32x4.shl(bits, 13), rebias), special);
  // As if the exponent were 1 with a hidden bit; taking the hidden bit off again is exact.
  const tiny = f32x4.sub(i32x4.add(normal, i32x4.splat(0x00800000)), i32x4.splat(0x38800000));
  return v128.or(sign, v128.bitselect(tiny, normal, i32x4.gt_s(i32x4.splat(0x400), bits)));
}

export function decodeF16(to: usize, from: usize, end: usize): void {
  for (; to < end; to += 64, from += 32) {
    const x = v128.load(from);
    const y = v128.load(from, 16);
    store4(to, f16(widenLow(x)), f16(widenHigh(x)), f16(widenLow(y)), f16(widenHigh(y)));
  }
}

/** F8_E5M2 is the upper byte of an f16. */
export function decodeE5M2(to: usize, from: usize, end: usize): void {
  const zero = i32x4.splat(0);
  for (; to < end; to += 64, from += 16) {
    const v = v128.load(from);
    const x = v128.shuffle<u8>(zero, v, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const y = v128.shuffle<u8>(zero, v, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    store4(to, f16(widenLow(x)), f16(widenHigh(x)), f16(widenLow(y)), f16(widenHigh(y)));
  }
}

/** Four F8_E4M3 (no infinity; 0x7f and 0xff are NaN) in the low bytes of u32 lanes. */
// @ts-ignore: decorator
@inline
function e4m3(h: v128): v128 {
  const sign = i32x4.shl(v128.and(h, i32x4.splat(0x80)), 24);
  const bits = v128.and(h, i32x4.splat(0x7f));
  const normal = i32x4.add(i32x4.shl(bits, 20), i32x4.splat(0x3c000000));
  const tiny = f32x4.mul(f32x4.convert_i32x4_s(bits), f32x4.splat(0.001953125));
  const finite = v128.bitselect(tiny, normal, i32x4.gt_s(i32x4.splat(8), bits));
  const nan = v128.and(i32x4.eq(bits, i32x4.splat(0x7f)), i32x4.splat(0x7fc00000));
  return v128.or(sign, v128.or(finite, nan));
}

export function decodeE4M3(to: usize, from: usize, end: usize): void {
  for (; to < end; to += 64, from += 16) {
    const v = v128.load(from);
    const x = v128.extend_low<u8>(v);
    const y = v128.extend_high<u8>(v);
    store4(to, e4m3(widenLow(x)), e4m3(widenHigh(x)), e4m3(widenLow(y)), e4m3(widenHigh(y)));
  }
}
