/**
 * Elementwise operations on registers. An operand is an address and a step: 64 bytes per sixteen
 * elements for a register, 0 for a uniform, whose slot holds sixteen copies of it. `d` may be the
 * register of an operand. Semantics are JavaScript's: min, max and sign keep NaN, and comparisons
 * (1 or 0) with NaN are false, except ne.
 */
import { ABS, ADD, DIV, EQ, GE, GT, KEEP, LE, LT, MAX, MIN, MUL, NE, NEG, SIGN, SQRT, SUB } from "../../core/engine/cpu/opcodes";

// @ts-ignore: decorator
@inline
function one(mask: v128): v128 {
  return v128.and(mask, f32x4.splat(1));
}

/** `op` is a literal at every call, so one line of this survives in each loop. */
// @ts-ignore: decorator
@inline
function apply1(op: i32, a: v128): v128 {
  if (op == NEG) return f32x4.neg(a);
  if (op == ABS) return f32x4.abs(a);
  if (op == SQRT) return f32x4.sqrt(a);
  // sign: +-1 where the number is not zero; zeros and NaN stay what they are.
  const unit = v128.or(v128.and(a, i32x4.splat(0x80000000)), f32x4.splat(1));
  return v128.bitselect(unit, a, f32x4.gt(f32x4.abs(a), f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
function apply2(op: i32, a: v128, b: v128): v128 {
  if (op == ADD) return f32x4.add(a, b);
  if (op == SUB) return f32x4.sub(a, b);
  if (op == MUL) return f32x4.mul(a, b);
  if (op == DIV) return f32x4.div(a, b);
  if (op == MIN) return f32x4.min(a, b);
  if (op == MAX) return f32x4.max(a, b);
  if (op == LT) return one(f32x4.lt(a, b));
  if (op == LE) return one(f32x4.le(a, b));
  if (op == GT) return one(f32x4.gt(a, b));
  if (op == GE) return one(f32x4.ge(a, b));
  if (op == EQ) return one(f32x4.eq(a, b));
  return one(f32x4.ne(a, b));
}

// @ts-ignore: decorator
@inline
export function each1(op: i32, d: usize, end: usize, a: usize, sa: usize): void {
  for (; d < end; d += 64, a += sa) {
    v128.store(d, apply1(op, v128.load(a)));
    v128.store(d, apply1(op, v128.load(a, 16)), 16);
    v128.store(d, apply1(op, v128.load(a, 32)), 32);
    v128.store(d, apply1(op, v128.load(a, 48)), 48);
  }
}

// @ts-ignore: decorator
@inline
export function each2(op: i32, d: usize, end: usize, a: usize, sa: usize, b: usize, sb: usize): void {
  for (; d < end; d += 64, a += sa, b += sb) {
    v128.store(d, apply2(op, v128.load(a), v128.load(b)));
    v128.store(d, apply2(op, v128.load(a, 16), v128.load(b, 16)), 16);
    v128.store(d, apply2(op, v128.load(a, 32), v128.load(b, 32)), 32);
    v128.store(d, apply2(op, v128.load(a, 48), v128.load(b, 48)), 48);
  }
}

// @ts-ignore: decorator
@inline
function multiplyAdd1(d: usize, a: usize, b: usize, c: usize): void {
  v128.store(d, f32x4.add(f32x4.mul(v128.load(a), v128.load(b)), v128.load(c)));
}

/** a * b + c, rounded after each, as the two operations would be. */
export function multiplyAdd(d: usize, end: usize, a: usize, sa: usize, b: usize, sb: usize, c: usize, sc: usize): void {
  for (; d < end; d += 64, a += sa, b += sb, c += sc) {
    multiplyAdd1(d, a, b, c);
    multiplyAdd1(d + 16, a + 16, b + 16, c + 16);
    multiplyAdd1(d + 32, a + 32, b + 32, c + 32);
    multiplyAdd1(d + 48, a + 48, b + 48, c + 48);
  }
}

// @ts-ignore: decorator
@inline
function choose1(d: usize, a: usize, b: usize, c: usize): void {
  v128.store(d, v128.bitselect(v128.load(b), v128.load(c), f32x4.ne(v128.load(a), f32x4.splat(0))));
}

/** b where a is not zero (NaN is not), else c. */
export function choose(d: usize, end: usize, a: usize, sa: usize, b: usize, sb: usize, c: usize, sc: usize): void {
  for (; d < end; d += 64, a += sa, b += sb, c += sc) {
    choose1(d, a, b, c);
    choose1(d + 16, a + 16, b + 16, c + 16);
    choose1(d + 32, a + 32, b + 32, c + 32);
    choose1(d + 48, a + 48, b + 48, c + 48);
  }
}

/** `op` is a literal at every call: TOP stores the mask, KEEP the value times the mask. */
// @ts-ignore: decorator
@inline
function top1(op: i32, d: usize, a: usize, below: v128, last: v128, at: v128): void {
  const value = v128.load(a);
  // A comparison is -1 where it holds, so past the last index kept the bar is one higher.
  const bar = i32x4.sub(below, i32x4.gt_s(at, last));
  const mask = one(i32x4.gt_s(v128.and(value, i32x4.splat(0x7fffffff)), bar));
  v128.store(d, op == KEEP ? f32x4.mul(value, mask) : mask);
}

/**
 * 1 where the magnitude bits exceed the word at `tau`, or equal it at an index (of the tile) of at
 * most the word at `cut`, or a times that; `index` is that of the first element.
 */
// @ts-ignore: decorator
@inline
export function top(op: i32, d: usize, end: usize, a: usize, sa: usize, tau: usize, cut: usize, index: i32): void {
  const least = load<u32>(tau);
  // Nothing reaches a threshold above 0x7fffffff: no magnitude exceeds that, and no index is kept.
  const reachable = least <= 0x7fffffff;
  const below = i32x4.splat(reachable ? <i32>least - 1 : 0x7ffffffe);
  const last = i32x4.splat(reachable ? load<i32>(cut) : -1);
  let at = i32x4.add(i32x4.splat(index), i32x4(0, 1, 2, 3));
  for (; d < end; d += 64, a += sa) {
    top1(op, d, a, below, last, at);
    top1(op, d + 16, a + 16, below, last, i32x4.add(at, i32x4.splat(4)));
    top1(op, d + 32, a + 32, below, last, i32x4.add(at, i32x4.splat(8)));
    top1(op, d + 48, a + 48, below, last, i32x4.add(at, i32x4.splat(12)));
    at = i32x4.add(at, i32x4.splat(16));
  }
}

/** 1 where the magnitude bits equal the word at `tau`. */
export function tied(d: usize, end: usize, a: usize, sa: usize, tau: usize): void {
  const least = v128.load32_splat(tau);
  for (; d < end; d += 64, a += sa) {
    for (let i: usize = 0; i < 64; i += 16) {
      const bits = v128.and(v128.load(a + i), i32x4.splat(0x7fffffff));
      v128.store(d + i, one(i32x4.eq(bits, least)));
    }
  }
}
