/**
 * Rows and columns: vectors looked up by an element's place, and reductions along an axis. The tensor is a matrix
 * of `columns` columns; a step of `n` elements lies anywhere in it and may hold many rows or part of one.
 */
import { finish } from "./reduce";

/** A table's entries follow its header, whose first word is the tile's first element modulo `columns`. */
const HEADER: usize = 64;

// @ts-ignore: decorator
@inline
function address(a: usize, i: u32): usize {
  return a + (<usize>i << 2);
}

/** Each element its row's entry; `at` is the first element's index in the tile. */
export function alongRows(d: usize, n: u32, table: usize, columns: u32, at: u32): void {
  const place = load<u32>(table) + at;
  let entry = address(table + HEADER, place / columns);
  let run = min(n, columns - (place % columns));
  for (; n > 0; n -= run, run = min(n, columns), entry += 4) {
    const value = v128.load32_splat(entry);
    const end = address(d, run);
    for (; d + 16 <= end; d += 16) v128.store(d, value);
    for (; d < end; d += 4) store<f32>(d, f32x4.extract_lane(value, 0));
  }
}

/** Each element its column's entry; the entries begin with the tile's first column. */
export function alongColumns(d: usize, n: u32, table: usize, columns: u32, at: u32): void {
  let column = at % columns;
  for (; n > 0; column = 0) {
    const run = min(n, columns - column);
    memory.copy(d, address(table + HEADER, column), <usize>run << 2);
    d = address(d, run);
    n -= run;
  }
}

/**
 * The state of a reduction of rows: 64 bytes of accumulators, then the position in the row and the address of
 * the next partial. Elements are added as in a sum over all, but those of an eight that a row ends in by themselves.
 */
const POSITION: usize = 64;
const NEXT: usize = 68;

/** One f64 per row and block; `ends` says that a block or the tile ends with this step. */
// @ts-ignore: decorator
@inline
export function reduceRows(isSum: bool, state: usize, a: usize, n: u32, columns: u32, ends: bool): void {
  let position = load<u32>(state, POSITION);
  let next = <usize>load<u32>(state, NEXT);
  for (let i: u32 = 0; i < n; ) {
    const run = min(n - i, columns - position);
    if (isSum) addRun(state, a, i, i + run);
    else maxRun(state, a, i, i + run);
    i += run;
    position += run;
    const full = position == columns;
    if (full) position = 0;
    if (full || (ends && i == n)) {
      if (isSum) finish(state, next);
      else finishMax(state, next);
      next += 8;
    }
  }
  store<u32>(state, position, POSITION);
  store<u32>(state, <u32>next, NEXT);
}

function addRun(state: usize, a: usize, i: u32, end: u32): void {
  for (; i < end && (i & 7) != 0; i++) add1(state, a, i);
  let s0 = v128.load(state);
  let s1 = v128.load(state, 16);
  for (; i + 8 <= end; i += 8) {
    const both = f32x4.add(v128.load(address(a, i)), v128.load(address(a, i), 16));
    s0 = f64x2.add(s0, f64x2.promote_low_f32x4(both));
    s1 = f64x2.add(s1, f64x2.promote_low_f32x4(v128.shuffle<f32>(both, both, 2, 3, 2, 3)));
  }
  v128.store(state, s0);
  v128.store(state, s1, 16);
  for (; i < end; i++) add1(state, a, i);
}

// @ts-ignore: decorator
@inline
function add1(state: usize, a: usize, i: u32): void {
  const slot = state + ((<usize>i & 7) << 3);
  store<f64>(slot, load<f64>(slot) + <f64>load<f32>(address(a, i)));
}

function maxRun(state: usize, a: usize, i: u32, end: u32): void {
  let most = v128.load(state);
  for (; i + 4 <= end; i += 4) most = f32x4.max(most, v128.load(address(a, i)));
  for (; i < end; i++) most = f32x4.max(most, v128.load32_splat(address(a, i)));
  v128.store(state, most);
}

function finishMax(state: usize, partial: usize): void {
  const most = v128.load(state);
  const pairs = f32x4.max(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  store<f64>(partial, <f64>max<f32>(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1)));
  v128.store(state, f32x4.splat(-Infinity));
}

/** One f64 accumulator per column, at `to`; `at` is the first element's index in the tile. */
// @ts-ignore: decorator
@inline
export function reduceColumns(isSum: bool, to: usize, a: usize, n: u32, columns: u32, at: u32): void {
  let column = at % columns;
  for (; n > 0; column = 0) {
    const run = min(n, columns - column);
    let slot = to + (<usize>column << 3);
    const end = address(a, run);
    for (; a + 16 <= end; a += 16, slot += 32) {
      const x = v128.load(a);
      combine2(isSum, slot, f64x2.promote_low_f32x4(x));
      combine2(isSum, slot + 16, f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3)));
    }
    for (; a < end; a += 4, slot += 8) {
      const x = <f64>load<f32>(a);
      store<f64>(slot, isSum ? load<f64>(slot) + x : max<f64>(load<f64>(slot), x));
    }
    n -= run;
  }
}

// @ts-ignore: decorator
@inline
function combine2(isSum: bool, slot: usize, x: v128): void {
  const known = v128.load(slot);
  v128.store(slot, isSum ? f64x2.add(known, x) : f64x2.max(known, x));
}
