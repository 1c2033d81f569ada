/**
 * f32 to F16: to nearest, ties to even, by integer arithmetic; overflow becomes infinity, NaN becomes the
 * quiet NaN of the same sign. `a` is a register.
 */

// @ts-ignore: decorator
@inline
function f16(x: v128): v128 {
  const sign = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000));
  const bits = v128.and(x, i32x4.splat(0x7fffffff));
  // 2^16 and above are infinity; 65,520 up to there rounds to it by itself.
  const capped = v128.min<i32>(bits, i32x4.splat(0x47800000));
  const odd = v128.and(i32x4.shr_u(capped, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.sub(capped, i32x4.splat(0x38000000 - 0xfff)), odd), 13);
  // One unit in the last place of 0.5 is the smallest f16, so this addition rounds as f16 does.
  const tiny = i32x4.sub(f32x4.add(capped, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const finite = v128.bitselect(tiny, normal, i32x4.gt_s(i32x4.splat(0x38800000), bits));
  const nan = f32x4.ne(x, x);
  return v128.or(sign, v128.bitselect(i32x4.splat(0x7e00), finite, nan));
}

export function encodeF16(to: usize, end: usize, a: usize): void {
  for (; to < end; to += 32, a += 64) {
    v128.store(to, narrow(f16(v128.load(a)), f16(v128.load(a, 16))));
    v128.store(to, narrow(f16(v128.load(a, 32)), f16(v128.load(a, 48))), 16);
  }
}

/** The low halves of eight u32 lanes. */
// @ts-ignore: decorator
@inline
function narrow(low: v128, high: v128): v128 {
  return i16x8.narrow_i32x4_u(low, high);
}
