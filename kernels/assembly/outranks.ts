/**
 * Whether elements come behind another of their row (see rank.ts for the order): most places say yes or no by
 * themselves; the others point to the element to compare with. Which those are is gathered first, so that nothing is guessed.
 */

const MAGNITUDE: u32 = 0x7fffffff;
/** 1 as BF16. */
const ONE: u32 = 0x3f80;

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

/** Rows no longer than this have two indices in one word. */
const PACKED: u32 = 65536;
/** 2^23 as f32: added to a whole number below it, that number is in the lowest bits. */
const WHOLE: u32 = 0x4b000000;

/**
 * `rows` rows of `n` f32 at `values`, n at least 2, and as many places at `places` become BF16 at `to`: 1 where the place is
 * below 0; where it is below n - 1, 1 if the element comes behind that one of its row's others; else 0. Up to 64 bytes
 * more are read, and written at `to`. `scratch` has room for a row of u32 and 64 bytes more.
 */
export function outranks(values: usize, places: usize, rows: u32, n: u32, to: usize, scratch: usize): void {
  const bytes = <usize>n << 2;
  for (let row: u32 = 0; row < rows; row++, values += bytes, places += bytes, to += bytes >> 1) {
    if (n <= PACKED) {
      let end = settle(true, places, n, to, scratch);
      while (end > scratch && load<u32>(end - 4) >> 16 >= n) end -= 4;
      comparePacked(values, to, scratch, end);
    } else {
      let end = settle(false, places, n, to, scratch);
      while (end > scratch && load<u32>(end - 4) >= n) end -= 4;
      compare(values, places, to, scratch, end);
    }
  }
}

/**
 * Marks what the places alone decide. Leaves at `open` the indices of the others, in order, and returns their end; packed, the
 * index is the upper half of a word and that of the element to compare with the lower.
 */
// @ts-ignore: decorator
@inline
function settle(packed: bool, places: usize, n: u32, to: usize, open: usize): usize {
  const one = i32x4.splat(ONE);
  const none = i32x4.splat(0);
  const others = f32x4.splat(<f32>(n - 1));
  const more = i32x4.splat(4);
  let index = i32x4(0, 1, 2, 3);
  let end = open;
  // Eight per turn: with four it takes twice as long.
  for (const last = places + (<usize>n << 2); places < last; places += 32, to += 16) {
    const first = v128.load(places);
    const second = v128.load(places, 16);
    const firstBelow = f32x4.lt(first, none);
    const secondBelow = f32x4.lt(second, none);
    v128.store(to, i16x8.narrow_i32x4_s(v128.and(firstBelow, one), v128.and(secondBelow, one)));
    end = gather(end, packed ? pair(first, index) : index, v128.andnot(f32x4.lt(first, others), firstBelow));
    index = i32x4.add(index, more);
    end = gather(end, packed ? pair(second, index) : index, v128.andnot(f32x4.lt(second, others), secondBelow));
    index = i32x4.add(index, more);
  }
  return end;
}

/** Indices above those of the others that the places point to. */
// @ts-ignore: decorator
@inline
function pair(place: v128, index: v128): v128 {
  const other = i32x4.sub(f32x4.add(f32x4.floor(place), f32x4.splat(8388608)), i32x4.splat(WHOLE));
  const past = i32x4.gt_s(index, other);
  return i32x4.add(i32x4.add(other, i32x4.splat(1)), i32x4.add(past, i32x4.shl(index, 16)));
}

/** Writes the lanes of `place` where the mask is set. Returns their end. */
// @ts-ignore: decorator
@inline
function gather(to: usize, place: v128, mask: v128): usize {
  const lanes = i32x4.bitmask(mask);
  v128.store(to, v128.swizzle(place, v128.load(FRONT + (<usize>lanes << 4))));
  return to + (<usize>popcnt(lanes) << 2);
}

function comparePacked(values: usize, to: usize, open: usize, end: usize): void {
  for (; open < end; open += 4) {
    const both = load<u32>(open);
    const i = both >> 16;
    const other = both & 0xffff;
    const mine = load<u32>(values + (<usize>i << 2)) & MAGNITUDE;
    const its = load<u32>(values + (<usize>other << 2)) & MAGNITUDE;
    // Below 0 where its is smaller, or equal with a lower index.
    const difference = <i32>(its - mine - u32(other < i));
    store<u16>(to + (<usize>i << 1), (difference >> 31) & ONE);
  }
}

function compare(values: usize, places: usize, to: usize, open: usize, end: usize): void {
  for (; open < end; open += 4) {
    const i = load<u32>(open);
    const place = <u32>load<f32>(places + (<usize>i << 2));
    const other = place + u32(place >= i);
    const mine = load<u32>(values + (<usize>i << 2)) & MAGNITUDE;
    const its = load<u32>(values + (<usize>other << 2)) & MAGNITUDE;
    store<u16>(to + (<usize>i << 1), (u32(its < mine) | (u32(its === mine) & u32(other < i))) * ONE);
  }
}
