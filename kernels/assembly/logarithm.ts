/**
 * Exponential and natural logarithm in f32, after the range reductions and polynomials of Cephes' expf and
 * logf (Moshier): shaders/logarithm.wgsl line by line. A result too small for a normal number is 0.
 */

// @ts-ignore: decorator
@inline
function splat(x: f32): v128 {
  return f32x4.splat(x);
}

// @ts-ignore: decorator
@inline
function step(y: v128, x: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(y, x), f32x4.splat(c));
}

/** e^a = 2^n e^r with |r| <= ln(2) / 2; ln(2) in two parts, so that n times the first is exact. */
// @ts-ignore: decorator
@inline
function exp4(a: v128): v128 {
  const n = f32x4.floor(f32x4.add(f32x4.mul(a, splat(1.44269504)), splat(0.5)));
  const r = f32x4.sub(f32x4.sub(a, f32x4.mul(n, splat(0.693359375))), f32x4.mul(n, splat(-2.12194440e-4)));
  let y = splat(1.9875691500e-4);
  y = step(y, r, 1.3981999507e-3);
  y = step(y, r, 8.3334519073e-3);
  y = step(y, r, 4.1665795894e-2);
  y = step(y, r, 1.6666665459e-1);
  y = step(y, r, 5.0000001201e-1);
  y = f32x4.add(f32x4.add(f32x4.mul(y, f32x4.mul(r, r)), r), splat(1));
  y = i32x4.add(y, i32x4.shl(i32x4.trunc_sat_f32x4_s(n), 23));
  y = v128.bitselect(splat(f32.reinterpret_i32(0x7f800000)), y, f32x4.gt(a, splat(f32.reinterpret_i32(0x42b17217))));
  y = v128.andnot(y, f32x4.lt(a, splat(f32.reinterpret_i32(0xc2aeac50))));
  return v128.bitselect(y, a, f32x4.eq(a, a));
}

/** ln(a) = e ln(2) + ln(1 + x) with 1 + x between sqrt(1/2) and sqrt(2). */
// @ts-ignore: decorator
@inline
function log4(a: v128): v128 {
  // A subnormal's bits, as a number, are the number times 2^149.
  const tiny = i32x4.lt_s(a, i32x4.splat(0x00800000));
  const bits = v128.bitselect(f32x4.convert_i32x4_s(a), a, tiny);
  const above = i32x4.sub(bits, i32x4.splat(0x3f3504f3));
  const power = i32x4.sub(i32x4.shr_s(above, 23), v128.and(tiny, i32x4.splat(149)));
  const e = f32x4.convert_i32x4_s(power);
  const m = i32x4.add(v128.and(above, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3));
  const x = f32x4.sub(m, splat(1));
  const z = f32x4.mul(x, x);
  let y = splat(7.0376836292e-2);
  y = step(y, x, -1.1514610310e-1);
  y = step(y, x, 1.1676998740e-1);
  y = step(y, x, -1.2420140846e-1);
  y = step(y, x, 1.4249322787e-1);
  y = step(y, x, -1.6668057665e-1);
  y = step(y, x, 2.0000714765e-1);
  y = step(y, x, -2.4999993993e-1);
  y = step(y, x, 3.3333331174e-1);
  y = f32x4.mul(f32x4.mul(y, x), z);
  y = f32x4.add(y, f32x4.mul(e, splat(-2.12194440e-4)));
  y = f32x4.sub(y, f32x4.mul(z, splat(0.5)));
  y = f32x4.add(f32x4.add(x, y), f32x4.mul(e, splat(0.693359375)));
  // Infinity and NaN stay; zeros give -Infinity; what is below gives NaN.
  y = v128.bitselect(a, y, i32x4.ge_s(a, i32x4.splat(0x7f800000)));
  y = v128.bitselect(splat(f32.reinterpret_i32(0xff800000)), y, f32x4.eq(a, splat(0)));
  return v128.bitselect(splat(f32.reinterpret_i32(0x7fc00000)), y, i32x4.gt_u(a, i32x4.splat(0x80000000)));
}

export function exp(d: usize, end: usize, a: usize, sa: usize): void {
  for (; d < end; d += 64, a += sa) {
    for (let i: usize = 0; i < 64; i += 16) v128.store(d + i, exp4(v128.load(a + i)));
  }
}

export function log(d: usize, end: usize, a: usize, sa: usize): void {
  for (; d < end; d += 64, a += sa) {
    for (let i: usize = 0; i < 64; i += 16) v128.store(d + i, log4(v128.load(a + i)));
  }
}
