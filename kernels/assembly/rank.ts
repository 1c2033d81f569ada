/**
 * Ranks in rows: the f32 at each place are replaced by how many of their row come before them in ascending order of
 * magnitude bits, equal ones in order of index. Short rows compare all pairs; longer ones are sorted by
 * digits, lowest first, which keeps equal keys in order. Rows of up to 16,384 are sorted as 32-bit words: with the
 * lowest digit gone, what is left of a key and the index fit into one.
 */

const MAGNITUDE: u32 = 0x7fffffff;
/** Rows no longer than this compare all pairs; up to the next, four short digits; up to the last, packed words. */
const PAIRS: u32 = 96;
const SHORT: u32 = 640; // at most 1,024: indices of 10 bits
const PACKED: u32 = 16384;
/** Bytes of counters: see core/engine/cpu/rank.ts, which makes room for them before two buffers of a row. */
const COUNTERS: usize = 65536;

/** `rows` rows of `n` elements at `at`; `scratch` has room for the counters and 16 bytes per element of a row. */
export function rank(at: usize, rows: u32, n: u32, scratch: usize): void {
  for (let row: u32 = 0; row < rows; row++, at += <usize>n << 2) rankRow(at, n, scratch);
}

/** One row of `n` elements. */
export function rankRow(at: usize, n: u32, scratch: usize): void {
  if (n <= PAIRS) compareAll(at, n, scratch);
  else if (n <= SHORT) sortShort(at, n, scratch);
  else if (n <= PACKED) sortPacked(at, n, scratch);
  else sortWide(at, n, scratch);
}

function compareAll(at: usize, n: u32, scratch: usize): void {
  const mask = i32x4.splat(MAGNITUDE);
  const end = at + (<usize>n << 2);
  const keys = scratch;
  const ranks = scratch + 512;
  // What lies past the row is ranked too, for nothing: it is not copied back.
  for (let p = at, k = keys; p < end; p += 16, k += 16) v128.store(k, v128.and(v128.load(p), mask));
  const last = keys + (<usize>n << 2);
  for (let mine = keys; mine < last; mine += 16) {
    const own = v128.load(mine);
    let r = i32x4.splat(0);
    let other = keys;
    for (; other < mine; other += 4) r = i32x4.sub(r, i32x4.le_s(v128.load32_splat(other), own));
    for (let lane = 0; lane < 4 && other < last; lane++, other += 4) {
      const before = i32x4.gt_s(i32x4(0, 1, 2, 3), i32x4.splat(lane));
      const value = v128.load32_splat(other);
      r = i32x4.sub(r, v128.or(i32x4.lt_s(value, own), v128.and(before, i32x4.eq(value, own))));
    }
    for (; other < last; other += 4) r = i32x4.sub(r, i32x4.lt_s(v128.load32_splat(other), own));
    v128.store(ranks + (mine - keys), f32x4.convert_i32x4_s(r));
  }
  memory.copy(at, ranks, <usize>n << 2);
}

// @ts-ignore: decorator
@inline
function increase(counters: usize, digit: u32): u32 {
  const slot = counters + (<usize>digit << 2);
  const count = load<u32>(slot);
  store<u32>(slot, count + 1);
  return count;
}

/** From counts to the place of each digit's first. */
function accumulate(counters: usize, bins: u32): void {
  let before: u32 = 0;
  const end = counters + (<usize>bins << 2);
  for (; counters < end; counters += 4) {
    const count = load<u32>(counters);
    store<u32>(counters, before);
    before += count;
  }
}

/** From one buffer of words to another, by `mask` bits from `shift`. */
function move(from: usize, to: usize, n: u32, counters: usize, shift: u32, mask: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    const word = load<u32>(from + (<usize>i << 2));
    store<u32>(to + (<usize>increase(counters, (word >> shift) & mask) << 2), word);
  }
}

/** The last digit: where a word would go is the rank of its index. */
function place(from: usize, at: usize, n: u32, counters: usize, shift: u32, index: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    const word = load<u32>(from + (<usize>i << 2));
    store<f32>(at + (<usize>(word & index) << 2), <f32>increase(counters, word >> shift));
  }
}

/** Digits of 8, 8, 8 and 7 bits, or 9, 8, 8 and 6: a key without the lowest and an index have 32. */
function sortShort(at: usize, n: u32, scratch: usize): void {
  const bits: u32 = 32 - clz(n - 1);
  const low: u32 = bits > 9 ? bits - 1 : 8;
  const h1 = scratch + 2048;
  const h2 = h1 + 1024;
  const h3 = h2 + 1024;
  memory.fill(scratch, 0, 2048 + 3 * 1024);
  const lowMask: u32 = (1 << low) - 1;
  for (let i: u32 = 0; i < n; i++) {
    const key = load<u32>(at + (<usize>i << 2)) & MAGNITUDE;
    increase(scratch, key & lowMask);
    increase(h1, (key >> low) & 255);
    increase(h2, (key >> (low + 8)) & 255);
    increase(h3, key >> (low + 16));
  }
  accumulate(scratch, 1 << low);
  accumulate(h1, 256);
  accumulate(h2, 256);
  accumulate(h3, 1 << (15 - low));
  const a = scratch + COUNTERS;
  const b = a + (<usize>n << 2);
  for (let i: u32 = 0; i < n; i++) {
    const key = load<u32>(at + (<usize>i << 2)) & MAGNITUDE;
    store<u32>(a + (<usize>increase(scratch, key & lowMask) << 2), ((key >> low) << bits) | i);
  }
  move(a, b, n, h1, bits, 255);
  move(b, a, n, h2, bits + 8, 255);
  place(a, at, n, h3, bits + 16, (1 << bits) - 1);
}

/** Three digits: 11 bits or as many as make room for the index, and twice half of what is left. */
function sortPacked(at: usize, n: u32, scratch: usize): void {
  const bits: u32 = 32 - clz(n - 1);
  const low: u32 = max<u32>(11, bits - 1);
  const middle: u32 = (32 - low) >> 1;
  const lowMask: u32 = (1 << low) - 1;
  const middleMask: u32 = (1 << middle) - 1;
  const h1 = scratch + (<usize>4 << low);
  const h2 = h1 + (<usize>4 << middle);
  const highBins: u32 = 1 << (31 - low - middle);
  memory.fill(scratch, 0, h2 + (<usize>highBins << 2) - scratch);
  for (let i: u32 = 0; i < n; i++) {
    const key = load<u32>(at + (<usize>i << 2)) & MAGNITUDE;
    increase(scratch, key & lowMask);
    increase(h1, (key >> low) & middleMask);
    increase(h2, key >> (low + middle));
  }
  accumulate(scratch, 1 << low);
  accumulate(h1, 1 << middle);
  accumulate(h2, highBins);
  const a = scratch + COUNTERS;
  const b = a + (<usize>n << 2);
  for (let i: u32 = 0; i < n; i++) {
    const key = load<u32>(at + (<usize>i << 2)) & MAGNITUDE;
    store<u32>(a + (<usize>increase(scratch, key & lowMask) << 2), ((key >> low) << bits) | i);
  }
  move(a, b, n, h1, bits, middleMask);
  place(b, at, n, h2, bits + middle, (1 << bits) - 1);
}

/** Three digits of 11, 10 and 10 bits; a word is a key above an index. */
function sortWide(at: usize, n: u32, scratch: usize): void {
  const h1 = scratch + (4 << 11);
  const h2 = h1 + (4 << 10);
  memory.fill(scratch, 0, (4 << 11) + (4 << 10) + (4 << 10));
  for (let i: u32 = 0; i < n; i++) {
    const key = load<u32>(at + (<usize>i << 2)) & MAGNITUDE;
    increase(scratch, key & 2047);
    increase(h1, (key >> 11) & 1023);
    increase(h2, key >> 21);
  }
  accumulate(scratch, 2048);
  accumulate(h1, 1024);
  accumulate(h2, 1024);
  const a = scratch + COUNTERS;
  const b = a + (<usize>n << 3);
  for (let i: u32 = 0; i < n; i++) {
    const key = load<u32>(at + (<usize>i << 2)) & MAGNITUDE;
    store<u64>(a + (<usize>increase(scratch, key & 2047) << 3), ((<u64>key) << 32) | i);
  }
  for (let i: u32 = 0; i < n; i++) {
    const word = load<u64>(a + (<usize>i << 3));
    store<u64>(b + (<usize>increase(h1, <u32>(word >> 43) & 1023) << 3), word);
  }
  for (let i: u32 = 0; i < n; i++) {
    const word = load<u64>(b + (<usize>i << 3));
    store<f32>(at + (<usize><u32>word << 2), <f32>increase(h2, <u32>(word >> 53)));
  }
}
