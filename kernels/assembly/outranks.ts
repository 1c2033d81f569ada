/**
 * Whether elements come behind another of their row (see rank.ts for the order): most random numbers say yes or no by
 * themselves; the others draw the element to compare with. Which those are is gathered first, so that nothing is guessed.
 */
import { randomWhole, unit } from "./random";

const MAGNITUDE: u32 = 0x7fffffff;
/** 1 as BF16. */
const ONE: u32 = 0x3f80;
/** Random numbers drawn at once; a multiple of what a turn of random.ts makes. */
const DRAWN: u32 = 1024;
/** Elements looked at together: an index among them and a random number fit into one word. */
const BLOCK: u32 = 256;
const NUMBER: u32 = 0xffffff;

/** For each set of lanes out of four: the bytes that bring its lanes to the front. */
// biome-ignore format: one line for each set
const FRONT = memory.data<u8>([
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  0, 1, 2, 3, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  4, 5, 6, 7, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  0, 1, 2, 3, 4, 5, 6, 7, 16, 16, 16, 16, 16, 16, 16, 16,
  8, 9, 10, 11, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  0, 1, 2, 3, 8, 9, 10, 11, 16, 16, 16, 16, 16, 16, 16, 16,
  4, 5, 6, 7, 8, 9, 10, 11, 16, 16, 16, 16, 16, 16, 16, 16,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 16, 16, 16,
  12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  0, 1, 2, 3, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16,
  4, 5, 6, 7, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16,
  0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16, 16, 16, 16,
  8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16,
  0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16,
  4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
], 16);

/**
 * `rows` rows of `n` f32 at `values`, n at least 2, become BF16 at `to`: with p = (u - least) * per, u the element's random number, 1
 * where p is below 0; where it is below n - 1, 1 if the element comes behind the floor(p)-th of its row's others; else 0.
 * `first` is the index in the tensor of the first element, `key0` and `key1` the key. Up to 64 bytes more are written at `to`;
 * `scratch` has room for OUTRANKS_SCRATCH bytes (core/engine/cpu/rank.ts).
 */
export function outranks(
  values: usize, rows: u32, n: u32, first: u32, key0: u32, key1: u32, least: f32, per: f32, to: usize, scratch: usize,
): void {
  const yes = firstAt(0, least, per);
  const no = firstAt(<f32>(n - 1), least, per);
  const numbers = scratch;
  const open = scratch + (DRAWN << 2) + 64;
  let at: u64 = first;
  const end = at + <u64>rows * n;
  let place: u32 = 0;
  while (at < end) {
    const begin = at & ~7;
    const stop = min<u64>(end, begin + DRAWN);
    randomWhole(numbers, numbers + (<usize>(stop - begin) << 2), key0, key1, <u32>(begin >> 3));
    while (at < stop) {
      const count = min<u32>(min<u32>(<u32>(stop - at), n - place), BLOCK);
      const drawn = numbers + (<usize>(at - begin) << 2);
      const last = settle(drawn, count, yes, no, to, open);
      point(open, last, values, place, least, per);
      compare(to, open, last);
      at += count;
      to += <usize>count << 1;
      place += count;
      if (place === n) {
        place = 0;
        values += <usize>n << 2;
      }
    }
  }
}

/** The place that a number below 2^24 draws; as in `point`, for one. */
// @ts-ignore: decorator
@inline
function placeOf(number: u32, least: f32, per: f32): f32 {
  return (<f32>number * 5.9604644775390625e-8 - least) * per;
}

/** The first number whose place is `place` or beyond, or 2^24. */
function firstAt(place: f32, least: f32, per: f32): u32 {
  let low: u32 = 0;
  let high: u32 = NUMBER + 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placeOf(middle, least, per) >= place) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Marks what the numbers alone decide: those below `yes`, and from `no` on. Leaves the others at `open`, in order, their index in
 * the upper 8 bits, and returns their end.
 */
// @ts-ignore: decorator
@inline
function settle(numbers: usize, count: u32, yes: u32, no: u32, to: usize, open: usize): usize {
  const one = i16x8.splat(<i16>ONE);
  const below = i32x4.splat(yes);
  const within = i32x4.splat(no);
  let index = i32x4(0, 1 << 24, 2 << 24, 3 << 24);
  const four = i32x4.splat(4 << 24);
  let end = open;
  for (const last = numbers + (<usize>count << 2); numbers < last; numbers += 32, to += 16) {
    const x = v128.load(numbers);
    const y = v128.load(numbers, 16);
    const xBelow = i32x4.lt_s(x, below);
    const yBelow = i32x4.lt_s(y, below);
    v128.store(to, v128.and(i16x8.narrow_i32x4_s(xBelow, yBelow), one));
    end = gather(end, v128.or(x, index), v128.andnot(i32x4.lt_s(x, within), xBelow));
    index = i32x4.add(index, four);
    end = gather(end, v128.or(y, index), v128.andnot(i32x4.lt_s(y, within), yBelow));
    index = i32x4.add(index, four);
  }
  // What lies past the elements was looked at, too.
  while (count < BLOCK && end > open && load<u32>(end - 4) >> 24 >= count) end -= 4;
  return end;
}

/** Writes the lanes of `words` where the mask is set. Returns their end. */
// @ts-ignore: decorator
@inline
function gather(to: usize, words: v128, mask: v128): usize {
  const lanes = i32x4.bitmask(mask);
  v128.store(to, v128.swizzle(words, v128.load(FRONT + (<usize>lanes << 4))));
  return to + (<usize>popcnt(lanes) << 2);
}

/** Bytes of a list about a block's open words, and of what is written past it. Four lie behind each other: the words and three more. */
const LIST: usize = (<usize>BLOCK << 2) + 64;

/** For each open word: the addresses of its element and of the one that it draws, and ones where that has the lower index. */
// @ts-ignore: decorator
@inline
function point(open: usize, end: usize, values: usize, place: u32, least: f32, per: f32): void {
  const leasts = f32x4.splat(least);
  const pers = f32x4.splat(per);
  const row = i32x4.splat(<i32>values);
  const block = i32x4.splat(place);
  // Four at a time: the last are filled up with the first.
  v128.store(end, v128.load32_splat(open));
  for (; open < end; open += 16) {
    const words = v128.load(open);
    const number = unit(v128.and(words, i32x4.splat(NUMBER)));
    const drawn = i32x4.trunc_sat_f32x4_s(f32x4.mul(f32x4.sub(number, leasts), pers));
    const index = i32x4.add(i32x4.shr_u(words, 24), block);
    const isLower = i32x4.lt_s(drawn, index);
    // One further from the element itself on; a comparison that holds is -1.
    const other = i32x4.add(drawn, i32x4.add(isLower, i32x4.splat(1)));
    v128.store(open, i32x4.add(i32x4.shl(index, 2), row), LIST);
    v128.store(open, i32x4.add(i32x4.shl(other, 2), row), 2 * LIST);
    v128.store(open, isLower, 3 * LIST);
  }
}

/** The results of the open words, of a block whose results are at `to`. */
// @ts-ignore: decorator
@inline
function compare(to: usize, open: usize, end: usize): void {
  const one = i32x4.splat(ONE);
  for (; open < end; open += 16) {
    const mine = magnitudes(open + LIST);
    const its = magnitudes(open + 2 * LIST);
    const ties = v128.and(i32x4.eq(its, mine), v128.load(open, 3 * LIST));
    const behind = v128.and(v128.or(i32x4.lt_s(its, mine), ties), one);
    v128.store_lane<u16>(to + (<usize>load<u8>(open, 3) << 1), behind, 0);
    v128.store_lane<u16>(to + (<usize>load<u8>(open, 7) << 1), behind, 2);
    v128.store_lane<u16>(to + (<usize>load<u8>(open, 11) << 1), behind, 4);
    v128.store_lane<u16>(to + (<usize>load<u8>(open, 15) << 1), behind, 6);
  }
}

/** Bits of the magnitudes at four addresses. */
// @ts-ignore: decorator
@inline
function magnitudes(addresses: usize): v128 {
  const a = v128.load32_zero(load<u32>(addresses));
  const b = v128.load_lane<u32>(load<u32>(addresses, 4), a, 1);
  const c = v128.load_lane<u32>(load<u32>(addresses, 8), b, 2);
  return v128.and(v128.load_lane<u32>(load<u32>(addresses, 12), c, 3), i32x4.splat(MAGNITUDE));
}
