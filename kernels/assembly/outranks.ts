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
/** 1 less the bits of 2^23 as f32: added to a whole number below it, that number is in its lowest bits. */
const FIRST: i32 = 1 - 0x4b000000;

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
  const one = i16x8.splat(<i16>ONE);
  const none = i32x4.splat(0);
  const others = f32x4.splat(<f32>(n - 1));
  let index = packed ? i32x4(FIRST, FIRST + 0x10000, FIRST + 0x20000, FIRST + 0x30000) : i32x4(0, 1, 2, 3);
  const more = i32x4.splat(packed ? 0x40000 : 4);
  let float = f32x4(0, 1, 2, 3);
  const four = f32x4.splat(4);
  let end = open;
  // Eight per turn: with four it takes twice as long.
  for (const last = places + (<usize>n << 2); places < last; places += 32, to += 16) {
    const first = v128.load(places);
    const second = v128.load(places, 16);
    const firstBelow = f32x4.lt(first, none);
    const secondBelow = f32x4.lt(second, none);
    v128.store(to, v128.and(i16x8.narrow_i32x4_s(firstBelow, secondBelow), one));
    const low = packed ? pair(first, index, float) : index;
    index = i32x4.add(index, more);
    float = f32x4.add(float, four);
    const high = packed ? pair(second, index, float) : index;
    index = i32x4.add(index, more);
    float = f32x4.add(float, four);
    end = gather(end, low, v128.andnot(f32x4.lt(first, others), firstBelow));
    end = gather(end, high, v128.andnot(f32x4.lt(second, others), secondBelow));
  }
  return end;
}

/** The index of the other that a place points to, below the upper half of `index`. */
// @ts-ignore: decorator
@inline
function pair(place: v128, index: v128, float: v128): v128 {
  const other = f32x4.add(f32x4.floor(place), f32x4.splat(8388608));
  // One further, which `index` holds, where the place is not before the element: a comparison that holds is -1.
  return i32x4.add(i32x4.add(index, other), f32x4.lt(place, float));
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
  for (; open + 4 < end; open += 8) {
    const both = load<u64>(open);
    compareOne(values, to, <u32>both);
    compareOne(values, to, <u32>(both >> 32));
  }
  if (open < end) compareOne(values, to, load<u32>(open));
}

// @ts-ignore: decorator
@inline
function compareOne(values: usize, to: usize, pair: u32): void {
  const i = pair >> 16;
  const other = pair & 0xffff;
  const mine = load<u32>(values + (<usize>i << 2)) & MAGNITUDE;
  const its = load<u32>(values + (<usize>other << 2)) & MAGNITUDE;
  // Below 0 where its is smaller, or equal with a lower index.
  const difference = <i32>(its - mine - u32(other < i));
  store<u16>(to + (<usize>i << 1), (difference >> 31) & ONE);
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
