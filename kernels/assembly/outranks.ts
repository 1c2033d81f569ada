/**
 * Where the rank of an element in its row (see rank.ts) is above a level: the same answer as ranking and comparing, at
 * less cost. Most levels lie below or above all ranks there are. For most others it is enough to know how many elements
 * are smaller by more than a little: a row is counted into buckets by size. Only what the counts leave open is
 * compared with the whole row, and where that is too much of it, the row is sorted after all.
 */
import { rankRow } from "./rank";

const MAGNITUDE: u32 = 0x7fffffff;
/** 1 as BF16. */
const ONE: u32 = 0x3f80;
/** Rows no longer than this are not worth counting. */
const SHORT: u32 = 96;
/** Ranks below this are exact as f32. */
const EXACT: u32 = 1 << 24;
const MOST_BUCKETS: u32 = 8192;
/** What is larger than so many times the mean is in the last bucket: outliers do not crowd the rest. */
const MEANS: f32 = 5;
/** Comparing this many elements with the whole row takes about as long as sorting it by bucket. */
const SCANS: u32 = 32;
/** What is known of a bucket's keys. */
const UNKNOWN: u8 = 0;
const EQUAL: u8 = 1;
const MIXED: u8 = 2;
/** Bytes that may be read or written past a row. */
const SLACK: usize = 64;

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
 * `rows` rows of `n` f32 at `values` and as many levels at `levels` become BF16 at `to`: 1 where the element's rank is
 * above the level, else 0. Up to SLACK bytes more are read, and written at `to`. `scratch` has room for what
 * core/engine/cpu/rank.ts says.
 */
export function outranks(values: usize, levels: usize, rows: u32, n: u32, to: usize, scratch: usize): void {
  const bytes = <usize>n << 2;
  for (let row: u32 = 0; row < rows; row++, values += bytes, levels += bytes, to += bytes >> 1) {
    outrankRow(values, levels, n, to, scratch);
  }
}

function outrankRow(values: usize, levels: usize, n: u32, to: usize, scratch: usize): void {
  const keys = scratch;
  const buckets = keys + (<usize>n << 2) + SLACK;
  const open = buckets + (<usize>n << 2) + SLACK;
  const counts = open + (<usize>n << 2) + SLACK;
  const rest = counts + (<usize>(MOST_BUCKETS + 8) << 2);

  let end = settleOutside(values, levels, n, to, keys, open);
  if (end === open) return;
  // Past the row's end: not before any of it.
  v128.store(keys + (<usize>n << 2), i32x4.splat(MAGNITUDE));
  if (n > SHORT && n <= EXACT) {
    const bins: u32 = min<u32>(n >> 1, MOST_BUCKETS);
    count(keys, n, buckets, counts, bins);
    end = settleByCounts(buckets, counts, levels, to, open, end);
    end = settleZeros(keys, levels, to, open, end);
    if (<u32>(end - open) >> 2 > SCANS) {
      place(keys, n, buckets, counts, bins, rest);
      end = settleInBuckets(keys, n, buckets, counts, bins, rest, levels, to, open, end);
    }
  }
  if (n <= SHORT || <u32>(end - open) >> 2 <= SCANS) {
    compareOpen(keys, n, levels, to, open, end);
    return;
  }
  rankRow(keys, n, rest);
  for (let i: u32 = 0; i < n; i += 4) {
    const from = <usize>i << 2;
    const above = v128.and(f32x4.gt(v128.load(keys + from), v128.load(levels + from)), i32x4.splat(ONE));
    v128.store64_lane(to + (from >> 1), i16x8.narrow_i32x4_s(above, above), 0);
  }
}

/**
 * What is below 0 or not below the last rank is known. Leaves the magnitudes at `keys`, and at `open` the indices of the
 * others, in order. Returns their end.
 */
function settleOutside(values: usize, levels: usize, n: u32, to: usize, keys: usize, open: usize): usize {
  const magnitude = i32x4.splat(MAGNITUDE);
  const one = i32x4.splat(ONE);
  const none = i32x4.splat(0);
  const lastRank = f32x4.splat(<f32>(n - 1));
  let place = i32x4(0, 1, 2, 3);
  let end = open;
  // Eight per turn: with four it takes twice as long.
  for (const last = values + (<usize>n << 2); values < last; values += 32, levels += 32, keys += 32, to += 16) {
    v128.store(keys, v128.and(v128.load(values), magnitude));
    v128.store(keys, v128.and(v128.load(values, 16), magnitude), 16);
    const first = v128.load(levels);
    const second = v128.load(levels, 16);
    const firstBelow = f32x4.lt(first, none);
    const secondBelow = f32x4.lt(second, none);
    v128.store(to, i16x8.narrow_i32x4_s(v128.and(firstBelow, one), v128.and(secondBelow, one)));
    // As integers, numbers below 0 are below all others.
    end = gather(end, place, v128.andnot(i32x4.lt_s(first, lastRank), firstBelow));
    place = i32x4.add(place, i32x4.splat(4));
    end = gather(end, place, v128.andnot(i32x4.lt_s(second, lastRank), secondBelow));
    place = i32x4.add(place, i32x4.splat(4));
  }
  while (end > open && load<u32>(end - 4) >= n) end -= 4;
  return end;
}

/** Writes the lanes of `place` where the mask is set. Returns their end. */
// @ts-ignore: decorator
@inline
function gather(to: usize, place: v128, mask: v128): usize {
  const lanes = i32x4.bitmask(mask);
  v128.store(to, v128.swizzle(place, v128.load(FRONT + (<usize>lanes << 4))));
  return to + (<usize>popcnt(lanes) << 2);
}

/** What a key is multiplied with to find its bucket: any number keeps the order, but this one spreads the keys. */
function scaleOf(keys: usize, n: u32, bins: u32): f32 {
  const end = keys + (<usize>(n & ~3) << 2);
  // A sample; all of them where the sample is all zeros.
  let step: usize = <usize>max<u32>(1, n >> 7) << 4;
  let scale: f32 = 0;
  while (!(scale > 0 && scale < Infinity)) {
    if (step === 0) return 1;
    let sums = f32x4.splat(0);
    let counts = i32x4.splat(0);
    for (let p = keys; p < end; p += step) {
      const key = v128.load(p);
      sums = f32x4.add(sums, key);
      counts = i32x4.sub(counts, i32x4.gt_s(key, i32x4.splat(0)));
    }
    const s = f32x4.add(sums, v128.shuffle<u32>(sums, sums, 2, 3, 0, 1));
    const c = i32x4.add(counts, v128.shuffle<u32>(counts, counts, 2, 3, 0, 1));
    const sum = f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1);
    const total = i32x4.extract_lane(c, 0) + i32x4.extract_lane(c, 1);
    scale = <f32>bins * <f32>total / (sum * MEANS);
    step = step > 16 ? 16 : 0;
  }
  return scale;
}

/**
 * Zeros are bucket 0, the others are in buckets 1 to `bins` by size. Leaves each element's bucket at `buckets`, and of each bucket
 * and the one past the last, as f32, how many elements are in buckets before.
 */
function count(keys: usize, n: u32, buckets: usize, counts: usize, bins: u32): void {
  memory.fill(counts, 0, (<usize>bins << 2) + 32);
  const scales = f32x4.splat(scaleOf(keys, n, bins));
  const last = i32x4.splat(bins - 1);
  const none = i32x4.splat(0);
  // Above this number f32 are whole, and the bits of the next are one more.
  const whole = f32x4.splat(8388608);
  const end = keys + (<usize>n << 2);
  for (; keys < end; keys += 16, buckets += 16) {
    const key = v128.load(keys);
    const sum = v128.and(f32x4.add(f32x4.mul(key, scales), whole), i32x4.splat(MAGNITUDE));
    const bucket = i32x4.sub(i32x4.min_s(i32x4.sub(sum, whole), last), i32x4.gt_s(key, none));
    v128.store(buckets, bucket);
    increase(counts + (<usize>i32x4.extract_lane(bucket, 0) << 2));
    increase(counts + (<usize>i32x4.extract_lane(bucket, 1) << 2));
    increase(counts + (<usize>i32x4.extract_lane(bucket, 2) << 2));
    increase(counts + (<usize>i32x4.extract_lane(bucket, 3) << 2));
  }
  let before = none;
  const stop = counts + (<usize>(bins + 2) << 2);
  for (; counts < stop; counts += 16) {
    const own = v128.load(counts);
    const pairs = i32x4.add(own, v128.shuffle<u32>(own, none, 4, 0, 1, 2));
    const through = i32x4.add(i32x4.add(pairs, v128.shuffle<u32>(pairs, none, 4, 4, 0, 1)), before);
    v128.store(counts, f32x4.convert_i32x4_s(i32x4.sub(through, own)));
    before = v128.shuffle<u32>(through, through, 3, 3, 3, 3);
  }
}

// @ts-ignore: decorator
@inline
function increase(slot: usize): void {
  store<u32>(slot, load<u32>(slot) + 1);
}

/** Marks the open elements whose level is below or above all ranks of their bucket; the others stay open. Returns their end. */
function settleByCounts(
  buckets: usize,
  counts: usize,
  levels: usize,
  to: usize,
  open: usize,
  end: usize,
): usize {
  let left = open;
  for (; open < end; open += 4) {
    const i = load<u32>(open);
    const level = load<f32>(levels + (<usize>i << 2));
    const bucket = counts + (<usize>load<u32>(buckets + (<usize>i << 2)) << 2);
    const least = load<f32>(bucket);
    store<u16>(to + (<usize>i << 1), i32(level < least) * ONE);
    if ((i32(level >= least) & i32(level < load<f32>(bucket, 4) - 1)) !== 0) {
      store<u32>(left, i);
      left += 4;
    }
  }
  return left;
}

/** Marks the open zeros: the rank of one is how many come before it. The others stay open. Returns their end. */
function settleZeros(keys: usize, levels: usize, to: usize, open: usize, end: usize): usize {
  let left = open;
  let zeros: u32 = 0;
  let counted: u32 = 0;
  const none = i32x4.splat(0);
  for (; open < end; open += 4) {
    const i = load<u32>(open);
    if (load<u32>(keys + (<usize>i << 2)) > 0) {
      store<u32>(left, i);
      left += 4;
      continue;
    }
    for (; counted + 4 <= i; counted += 4) {
      zeros += popcnt(i32x4.bitmask(i32x4.eq(v128.load(keys + (<usize>counted << 2)), none)));
    }
    const four = i32x4.bitmask(i32x4.eq(v128.load(keys + (<usize>counted << 2)), none));
    const rank = zeros + popcnt(four & ((1 << (i - counted)) - 1));
    store<u16>(to + (<usize>i << 1), i32(load<f32>(levels + (<usize>i << 2)) < <f32>rank) * ONE);
  }
  return left;
}

/**
 * Sorts by bucket. Leaves the keys in that order at `sorted` and after them the place of each element in it; `counts`
 * become whole numbers, of each bucket where it ends.
 */
function place(keys: usize, n: u32, buckets: usize, counts: usize, bins: u32, sorted: usize): void {
  const stop = counts + (<usize>(bins + 1) << 2);
  for (let p = counts; p < stop; p += 16) v128.store(p, i32x4.trunc_sat_f32x4_s(v128.load(p)));
  const places = sorted + (<usize>n << 2) + SLACK;
  for (let i: usize = 0; i < <usize>n << 2; i += 4) {
    const bucket = counts + (<usize>load<u32>(buckets + i) << 2);
    const at = load<u32>(bucket);
    store<u32>(bucket, at + 1);
    store<u32>(places + i, at);
    store<u32>(sorted + (<usize>at << 2), load<u32>(keys + i));
  }
}

/**
 * Marks the open elements by what `place` left. Where a bucket's keys are all equal, places are ranks; else an element is
 * compared with its bucket. Stops where that gets too much: what is left stays open. Returns its end.
 */
function settleInBuckets(
  keys: usize,
  n: u32,
  buckets: usize,
  counts: usize,
  bins: u32,
  sorted: usize,
  levels: usize,
  to: usize,
  open: usize,
  end: usize,
): usize {
  const places = sorted + (<usize>n << 2) + SLACK;
  const kinds = places + (<usize>n << 2) + SLACK;
  memory.fill(kinds, UNKNOWN, bins + 1);
  let budget: i32 = n << 3;
  const first = open;
  for (; open < end && budget >= 0; open += 4) {
    const i = load<u32>(open);
    const bucket = load<u32>(buckets + (<usize>i << 2));
    const own = load<u32>(keys + (<usize>i << 2));
    const from = load<u32>(counts + (<usize>(bucket - 1) << 2));
    const until = load<u32>(counts + (<usize>bucket << 2));
    let rank = load<u32>(places + (<usize>i << 2));
    if (load<u8>(kinds + bucket) === UNKNOWN) {
      store<u8>(kinds + bucket, allEqual(sorted, from, until, own) ? EQUAL : MIXED);
    }
    if (load<u8>(kinds + bucket) === MIXED) {
      rank = from + countBefore(sorted, from, until, own, rank);
      budget -= until - from;
    }
    store<u16>(to + (<usize>i << 1), i32(load<f32>(levels + (<usize>i << 2)) < <f32>rank) * ONE);
  }
  const left = end - open;
  memory.copy(first, open, left);
  return first + left;
}

function allEqual(sorted: usize, from: u32, until: u32, own: u32): bool {
  for (let i = from; i < until; i++) if (load<u32>(sorted + (<usize>i << 2)) !== own) return false;
  return true;
}

/** How many keys of a bucket are smaller than `own`, or equal and before `place`. */
function countBefore(sorted: usize, from: u32, until: u32, own: u32, place: u32): u32 {
  const key = i32x4.splat(own);
  let sums = i32x4.splat(0);
  let at = i32x4.add(i32x4.splat(from), i32x4(0, 1, 2, 3));
  for (let i = from; i < until; i += 4) {
    const four = v128.load(sorted + (<usize>i << 2));
    const earlier = v128.and(i32x4.eq(four, key), i32x4.lt_s(at, i32x4.splat(place)));
    const before = v128.or(i32x4.lt_s(four, key), earlier);
    sums = i32x4.sub(sums, v128.and(before, i32x4.lt_s(at, i32x4.splat(until))));
    at = i32x4.add(at, i32x4.splat(4));
  }
  const pairs = i32x4.add(sums, v128.shuffle<u32>(sums, sums, 2, 3, 0, 1));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}

/** Marks the open elements by comparing them with the whole row, four at a time. */
function compareOpen(keys: usize, n: u32, levels: usize, to: usize, open: usize, end: usize): void {
  const last = keys + (<usize>((n + 3) & ~3) << 2);
  const one = i32x4.splat(1);
  // Where fewer than four are left, the last is compared several times.
  if (end > open) v128.store(end, v128.load32_splat(end - 4));
  for (; open < end; open += 16) {
    let bar0 = v128.load32_splat(keys + (<usize>load<u32>(open) << 2));
    let bar1 = v128.load32_splat(keys + (<usize>load<u32>(open, 4) << 2));
    let bar2 = v128.load32_splat(keys + (<usize>load<u32>(open, 8) << 2));
    let bar3 = v128.load32_splat(keys + (<usize>load<u32>(open, 12) << 2));
    let after0 = i32x4.splat(0);
    let after1 = i32x4.splat(0);
    let after2 = i32x4.splat(0);
    let after3 = i32x4.splat(0);
    let other = keys;
    // Of equal ones, those up to an element come before it and later ones after it: from its own four on the bar is lower.
    for (let turn: usize = 0; turn < 5; turn++) {
      const stop = turn < 4 ? keys + (<usize>(load<u32>(open + (turn << 2)) & ~3) << 2) : last;
      for (; other < stop; other += 16) {
        const four = v128.load(other);
        after0 = i32x4.sub(after0, i32x4.gt_s(four, bar0));
        after1 = i32x4.sub(after1, i32x4.gt_s(four, bar1));
        after2 = i32x4.sub(after2, i32x4.gt_s(four, bar2));
        after3 = i32x4.sub(after3, i32x4.gt_s(four, bar3));
      }
      if (turn === 0) bar0 = i32x4.sub(bar0, one);
      else if (turn === 1) bar1 = i32x4.sub(bar1, one);
      else if (turn === 2) bar2 = i32x4.sub(bar2, one);
      else bar3 = i32x4.sub(bar3, one);
    }
    mark(keys, last, levels, to, load<u32>(open), after0);
    mark(keys, last, levels, to, load<u32>(open, 4), after1);
    mark(keys, last, levels, to, load<u32>(open, 8), after2);
    mark(keys, last, levels, to, load<u32>(open, 12), after3);
  }
}

/** Marks one element, of which the sum of `after` counts what comes after it, itself and equal ones of its own four. */
// @ts-ignore: decorator
@inline
function mark(keys: usize, last: usize, levels: usize, to: usize, i: u32, after: v128): void {
  const pairs = i32x4.add(after, v128.shuffle<u32>(after, after, 2, 3, 0, 1));
  const later = i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
  const four = v128.load(keys + (<usize>(i & ~3) << 2));
  const equal = i32x4.bitmask(i32x4.eq(four, v128.load32_splat(keys + (<usize>i << 2))));
  const rank = (<u32>(last - keys) >> 2) - later + popcnt(equal & ((1 << (i & 3)) - 1));
  store<u16>(to + (<usize>i << 1), i32(load<f32>(levels + (<usize>i << 2)) < <f32>rank) * ONE);
}
