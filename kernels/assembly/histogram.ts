/**
 * Counts of one digit of the magnitude bits (f32 bits with the sign cleared): `high` is bits >>> 15,
 * `low` the 15 bits below it among elements with a given high digit.
 */

// @ts-ignore: decorator
@inline
function count1(bins: usize, offset: usize): void {
  store<u32>(bins + offset, load<u32>(bins + offset) + 1);
}

export function histogramHigh(bins: usize, a: usize, count: i32): void {
  for (; count >= 16; count -= 16, a += 64) {
    for (let i: usize = 0; i < 64; i += 8) {
      const pair = load<u64>(a + i) >> 13;
      count1(bins, <usize>pair & 0x3fffc);
      count1(bins, <usize>(pair >> 32) & 0x3fffc);
    }
  }
  for (let i = 0; i < count; i++) count1(bins, (<usize>load<u32>(a + (<usize>i << 2)) >> 13) & 0x3fffc);
}

export function histogramLow(bins: usize, a: usize, count: i32, word: usize): void {
  const digit = load<u32>(word);
  const wanted = i32x4.splat(digit);
  const mask = i32x4.splat(0xffff);
  for (; count >= 16; count -= 16, a += 64) {
    const p = i32x4.eq(v128.and(i32x4.shr_u(v128.load(a), 15), mask), wanted);
    const q = i32x4.eq(v128.and(i32x4.shr_u(v128.load(a, 16), 15), mask), wanted);
    const r = i32x4.eq(v128.and(i32x4.shr_u(v128.load(a, 32), 15), mask), wanted);
    const s = i32x4.eq(v128.and(i32x4.shr_u(v128.load(a, 48), 15), mask), wanted);
    // One bit per element, so that only those in the bin cost anything.
    let hits = i32x4.bitmask(p) | (i32x4.bitmask(q) << 4) | (i32x4.bitmask(r) << 8) | (i32x4.bitmask(s) << 12);
    for (; hits != 0; hits &= hits - 1) {
      const bits = load<u32>(a + (<usize>ctz(hits) << 2));
      count1(bins, <usize>(bits & 0x7fff) << 2);
    }
  }
  lowTail(bins, a, count, digit);
}

function lowTail(bins: usize, a: usize, count: i32, digit: u32): void {
  for (let i = 0; i < count; i++) {
    const bits = load<u32>(a + (<usize>i << 2)) & 0x7fffffff;
    if (bits >> 15 == digit) count1(bins, <usize>(bits & 0x7fff) << 2);
  }
}
