/**
 * Counts of one digit of the magnitude bits (f32 bits with the sign cleared): `high` is bits >>> 15,
 * `low` the 15 bits below it among elements with a given high digit. `window` counts what is above, and lists what is
 * inside, two bounds; where what lies is in WINDOW of core/graph/program.ts.
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

/**
 * Words of a window: how much is listed, whether there was no room, how many marks there are, how much may be listed, where
 * marks and the list begin.
 */
const LISTED: usize = 12 * 4;
const FULL: usize = 13 * 4;
const MARKED: usize = 14 * 4;
const ROOM: usize = 15 * 4;
const MARKS: usize = 16 * 4;
const MOST: u32 = 2048;
const LIST: usize = MARKS + 16 * <usize>MOST;

@inline
function four(a: v128): u32 {
  return (
    i32x4.extract_lane(a, 0) + i32x4.extract_lane(a, 1) + i32x4.extract_lane(a, 2) + i32x4.extract_lane(a, 3)
  );
}

/** How 16 magnitudes compare with a bound: one byte each, below 0, 0 or above. What does not fit a byte is as near as can be. */
@inline
function compared(p: v128, q: v128, r: v128, s: v128, bound: v128): v128 {
  return i8x16.narrow_i16x8_s(
    i16x8.narrow_i32x4_s(i32x4.sub(p, bound), i32x4.sub(q, bound)),
    i16x8.narrow_i32x4_s(i32x4.sub(r, bound), i32x4.sub(s, bound)),
  );
}

/** Adds 16 counts of one byte to four of one word. */
@inline
function addTo(to: usize, counts: v128): void {
  v128.store(
    to,
    i32x4.add(v128.load(to), i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(counts))),
  );
}

/**
 * @param count at most 16 times 255: what is counted fits a byte
 * @param word address of the lower bound; the upper one is behind it
 */
export function histogramWindow(bins: usize, a: usize, count: i32, word: usize): void {
  const low = v128.load32_splat(word);
  const high = v128.load32_splat(word, 4);
  const none = i8x16.splat(0);
  const minusOne = i8x16.splat(-1);
  const bits = i32x4.splat(0x7fffffff);
  let above = i32x4.splat(0);
  let reached = i32x4.splat(0);
  let within = i32x4.splat(0);
  let listed = load<u32>(bins + LISTED);
  // There is room for all that may come, or what is listed last does not count.
  const room = load<u32>(bins + ROOM);
  if (listed + <u32>count > room) {
    listed = room - <u32>count;
    store<u32>(bins + FULL, 1);
  }
  let to = bins + LIST + (<usize>listed << 2);
  if (load<u32>(word, 4) == 0) {
    // Everything is within, and reaches it: what is above is all there is to know.
    const whole = count >> 4;
    for (let i = 0; i < whole; i++, a += 64) {
      const p = v128.and(v128.load(a), bits);
      const q = v128.and(v128.load(a, 16), bits);
      const r = v128.and(v128.load(a, 32), bits);
      const s = v128.and(v128.load(a, 48), bits);
      above = i8x16.sub(above, i8x16.gt_s(compared(p, q, r, s, high), none));
    }
    reached = within = i8x16.splat(<i8>whole);
    count &= 15;
  }
  // Hardly anything is in a window of the largest: what does not reach it is stepped over.
  const isTop = load<u32>(word, 4) == 0x7fffffff;
  const belowLow = i32x4.sub(low, i32x4.splat(1));
  // Sixty-four at a time: how many are to be listed is guessed once, not four times.
  for (; count >= 64; count -= 64) {
    let hits: u64 = 0;
    for (let shift = 0; shift < 64; shift += 16, a += 64) {
      const p = v128.and(v128.load(a), bits);
      const q = v128.and(v128.load(a, 16), bits);
      const r = v128.and(v128.load(a, 32), bits);
      const s = v128.and(v128.load(a, 48), bits);
      if (isTop && !v128.any_true(i32x4.gt_s(i32x4.max_s(i32x4.max_s(p, q), i32x4.max_s(r, s)), belowLow))) continue;
      const toLow = compared(p, q, r, s, low);
      const toHigh = compared(p, q, r, s, high);
      const isReached = i8x16.gt_s(toHigh, minusOne);
      // A comparison is -1 where it holds.
      above = i8x16.sub(above, i8x16.gt_s(toHigh, none));
      reached = i8x16.sub(reached, isReached);
      within = i8x16.sub(within, i8x16.gt_s(toLow, minusOne));
      hits |= (<u64>i8x16.bitmask(v128.andnot(i8x16.gt_s(toLow, none), isReached))) << shift;
    }
    for (; hits != 0; hits &= hits - 1) {
      store<u32>(to, load<u32>(a - 256 + (<usize>ctz(hits) << 2)) & 0x7fffffff);
      to += 4;
    }
  }
  addTo(bins, above);
  addTo(bins + 16, reached);
  addTo(bins + 32, within);
  to = windowTail(bins, to, a, count, word);
  listed = <u32>((to - bins - LIST) >> 2);
  store<u32>(bins + LISTED, listed);
  const marked = load<u32>(bins + MARKED);
  if (marked < MOST) {
    const mark = bins + MARKS + (<usize>marked << 4);
    store<u32>(mark, four(v128.load(bins)));
    store<u32>(mark, four(v128.load(bins, 16)), 4);
    store<u32>(mark, four(v128.load(bins, 32)), 8);
    store<u32>(mark, listed, 12);
    store<u32>(bins + MARKED, marked + 1);
  } else store<u32>(bins + FULL, 1);
}

function windowTail(bins: usize, to: usize, a: usize, count: i32, word: usize): usize {
  const low = load<u32>(word);
  const high = load<u32>(word, 4);
  for (let i = 0; i < count; i++) {
    const bits = load<u32>(a + (<usize>i << 2)) & 0x7fffffff;
    if (bits > high) count1(bins, 0);
    if (bits >= high) count1(bins, 16);
    if (bits >= low) count1(bins, 32);
    if (bits > low && bits < high) {
      store<u32>(to, bits);
      to += 4;
    }
  }
  return to;
}
