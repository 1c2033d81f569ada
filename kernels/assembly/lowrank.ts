/**
 * Products with a short or a narrow factor: C += scale * (L R), where L is [rows, rank] and R is [rank, columns]. Every
 * element is summed over the rank in order, each product and each sum rounded to f32, so that the result
 * depends neither on how the rows are cut nor on which of the loops below had the element.
 * core/bytes/lowrank.ts is the same in TypeScript.
 */
import { decodeBF16, decodeE4M3, decodeE5M2, decodeF16, decodeF32, decodeF64 } from "./decode";

/** Stored floats to f32, sixteen at a time; the types are numbered as in core/bytes/simd.ts. */
export function widen(type: i32, to: usize, from: usize, end: usize): void {
  switch (type) {
    case 1: decodeF64(to, from, end); break;
    case 2: decodeF32(to, from, end); break;
    case 3: decodeF16(to, from, end); break;
    case 4: decodeBF16(to, from, end); break;
    case 5: decodeE4M3(to, from, end); break;
    case 6: decodeE5M2(to, from, end); break;
    default: unreachable();
  }
}

// @ts-ignore: decorator
@inline
function put(c: usize, sum: v128, scale: v128): void {
  v128.store(c, f32x4.add(v128.load(c), f32x4.mul(scale, sum)));
}

// @ts-ignore: decorator
@inline
function step(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/** Four rows by eight columns: eight sums stay in registers while the rank goes by. */
// @ts-ignore: decorator
@inline
function block(c: usize, cs: usize, l: usize, ls: usize, r: usize, rs: usize, rank: i32, scale: v128): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (let k = 0; k < rank; k++) {
    const x = v128.load(r);
    const y = v128.load(r, 16);
    const p = v128.load32_splat(l);
    const q = v128.load32_splat(l + ls);
    const s = v128.load32_splat(l + 2 * ls);
    const t = v128.load32_splat(l + 3 * ls);
    a0 = step(a0, p, x);
    a1 = step(a1, p, y);
    b0 = step(b0, q, x);
    b1 = step(b1, q, y);
    c0 = step(c0, s, x);
    c1 = step(c1, s, y);
    d0 = step(d0, t, x);
    d1 = step(d1, t, y);
    r += rs;
    l += 4;
  }
  put(c, a0, scale);
  put(c + 16, a1, scale);
  put(c + cs, b0, scale);
  put(c + cs + 16, b1, scale);
  put(c + 2 * cs, c0, scale);
  put(c + 2 * cs + 16, c1, scale);
  put(c + 3 * cs, d0, scale);
  put(c + 3 * cs + 16, d1, scale);
}

/** One row by four columns. */
// @ts-ignore: decorator
@inline
function four(c: usize, l: usize, r: usize, rs: usize, rank: i32, scale: v128): void {
  let sum = f32x4.splat(0);
  for (let k = 0; k < rank; k++) {
    sum = step(sum, v128.load32_splat(l), v128.load(r));
    r += rs;
    l += 4;
  }
  put(c, sum, scale);
}

// @ts-ignore: decorator
@inline
function one(c: usize, l: usize, r: usize, rs: usize, rank: i32, scale: f32): void {
  let sum: f32 = 0;
  for (let k = 0; k < rank; k++) {
    sum += load<f32>(l) * load<f32>(r);
    r += rs;
    l += 4;
  }
  store<f32>(c, load<f32>(c) + scale * sum);
}

/** Strides `cs`, `ls` and `rs` are bytes from row to row; elements of a row follow each other. */
export function multiply(
  c: usize, cs: usize, l: usize, ls: usize, r: usize, rs: usize, rows: i32, columns: i32, rank: i32, scale: f32,
): void {
  const scales = f32x4.splat(scale);
  let row = 0;
  for (; row + 4 <= rows; row += 4, c += 4 * cs, l += 4 * ls) {
    let j: usize = 0;
    const wide = <usize>(columns & ~7) << 2;
    for (; j < wide; j += 32) block(c + j, cs, l, ls, r + j, rs, rank, scales);
    for (let i: usize = 0; i < 4; i++) rest(c + i * cs, l + i * ls, r, rs, j, columns, rank, scale);
  }
  for (; row < rows; row++, c += cs, l += ls) rest(c, l, r, rs, 0, columns, rank, scale);
}

/** What is left of a row from byte `j` on. */
function rest(c: usize, l: usize, r: usize, rs: usize, j: usize, columns: i32, rank: i32, scale: f32): void {
  const scales = f32x4.splat(scale);
  const even = <usize>(columns & ~3) << 2;
  for (; j < even; j += 16) four(c + j, l, r + j, rs, rank, scales);
  for (const end = <usize>columns << 2; j < end; j += 4) one(c + j, l, r + j, rs, rank, scale);
}
