/**
 * Looking through lists of magnitude bits (f32 bits, of which the sign does not count): how often some occur, and the k-th
 * largest of several lists, found digit by digit. What lies where: core/engine/cpu/search.ts.
 */

/** Bits of a digit, and its counters. */
const DIGIT: u32 = 11;
const BINS: usize = 4 << <usize>DIGIT;
const MAGNITUDE: u32 = 0x7fffffff;

/** How many of a list are these bits. */
export function countEqual(list: usize, length: u32, bits: u32): u32 {
  const wanted = i32x4.splat(bits);
  const mask = i32x4.splat(MAGNITUDE);
  let counts = i32x4.splat(0);
  for (; length >= 16; length -= 16, list += 64) {
    // A comparison is -1 where it holds.
    const p = i32x4.eq(v128.and(v128.load(list), mask), wanted);
    const q = i32x4.eq(v128.and(v128.load(list, 16), mask), wanted);
    const r = i32x4.eq(v128.and(v128.load(list, 32), mask), wanted);
    const s = i32x4.eq(v128.and(v128.load(list, 48), mask), wanted);
    counts = i32x4.sub(counts, i32x4.add(i32x4.add(p, q), i32x4.add(r, s)));
  }
  let count: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    if ((load<u32>(list + (<usize>i << 2)) & MAGNITUDE) == bits) count++;
  }
  return (
    count +
    i32x4.extract_lane(counts, 0) +
    i32x4.extract_lane(counts, 1) +
    i32x4.extract_lane(counts, 2) +
    i32x4.extract_lane(counts, 3)
  );
}

@inline
function countOne(bins: usize, bits: u32, low: u32, shift: u32): void {
  const bin = bins + (<usize>(((bits & MAGNITUDE) - low) >> shift) << 2);
  store<u32>(bin, load<u32>(bin) + 1);
}

/** Counts the digits that begin `shift` bits up of what exceeds `low` by. */
function countDigits(bins: usize, list: usize, length: u32, low: u32, shift: u32): void {
  for (; length >= 4; length -= 4, list += 16) {
    countOne(bins, load<u32>(list), low, shift);
    countOne(bins, load<u32>(list, 4), low, shift);
    countOne(bins, load<u32>(list, 8), low, shift);
    countOne(bins, load<u32>(list, 12), low, shift);
  }
  for (; length > 0; length--, list += 4) countOne(bins, load<u32>(list), low, shift);
}

/** Puts those from `low` to before `low + span` to `to`, which may be the list itself; returns where they end. */
function pick(to: usize, list: usize, length: u32, low: u32, span: u32): usize {
  const first = i32x4.splat(low);
  const spans = i32x4.splat(span);
  const mask = i32x4.splat(MAGNITUDE);
  for (; length >= 16; length -= 16, list += 64) {
    const p = i32x4.lt_u(i32x4.sub(v128.and(v128.load(list), mask), first), spans);
    const q = i32x4.lt_u(i32x4.sub(v128.and(v128.load(list, 16), mask), first), spans);
    const r = i32x4.lt_u(i32x4.sub(v128.and(v128.load(list, 32), mask), first), spans);
    const s = i32x4.lt_u(i32x4.sub(v128.and(v128.load(list, 48), mask), first), spans);
    const inside = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(p, q), i16x8.narrow_i32x4_s(r, s));
    for (let hits = i8x16.bitmask(inside); hits != 0; hits &= hits - 1) {
      store<u32>(to, load<u32>(list + (<usize>ctz(hits) << 2)) & MAGNITUDE);
      to += 4;
    }
  }
  for (; length > 0; length--, list += 4) {
    const bits = load<u32>(list) & MAGNITUDE;
    if (bits - low >= span) continue;
    store<u32>(to, bits);
    to += 4;
  }
  return to;
}

/** The bin that holds the k-th largest, k from 1; `rest` becomes which of the bin's it is. */
let rest: u32 = 0;
function binOf(bins: usize, k: u32): u32 {
  let bin = bins + BINS - 4;
  rest = k;
  for (; bin > bins && rest > load<u32>(bin); bin -= 4) rest -= load<u32>(bin);
  return <u32>((bin - bins) >> 2);
}

/**
 * The k-th largest of all lists, for some k from 1.
 * @param lists address and length of each
 * @param low the range that all are in, with `high`
 * @param found for each k: the bits, which of those that equal it it is, how many there are
 * @param scratch two sets of counters, and room for all lists together
 */
export function largest(
  lists: usize,
  many: u32,
  ks: usize,
  wanted: u32,
  low: u32,
  high: u32,
  found: usize,
  scratch: usize,
): void {
  const range: u32 = 32 - clz(high - low);
  const shift: u32 = range > DIGIT ? range - DIGIT : 0;
  const bins = scratch;
  const inner = scratch + BINS;
  const picked = inner + BINS;
  memory.fill(bins, 0, BINS);
  const end = lists + (<usize>many << 3);
  for (let one = lists; one < end; one += 8) countDigits(bins, load<u32>(one), load<u32>(one, 4), low, shift);
  for (let w: u32 = 0; w < wanted; w++, ks += 4, found += 12) {
    let bin = binOf(bins, load<u32>(ks));
    let from = low + (bin << shift);
    let left = shift;
    let counts = bins;
    if (left > 0) {
      let to = picked;
      for (let one = lists; one < end; one += 8) to = pick(to, load<u32>(one), load<u32>(one, 4), from, 1 << left);
      let length = <u32>((to - picked) >> 2);
      counts = inner;
      do {
        const next = left > DIGIT ? left - DIGIT : 0;
        memory.fill(inner, 0, BINS);
        countDigits(inner, picked, length, from, next);
        bin = binOf(inner, rest);
        from += bin << next;
        if (next > 0) length = <u32>((pick(picked, picked, length, from, 1 << next) - picked) >> 2);
        left = next;
      } while (left > 0);
    }
    store<u32>(found, from);
    store<u32>(found, rest, 4);
    store<u32>(found, load<u32>(counts + (<usize>bin << 2)), 8);
  }
}
