/**
 * Philox4x32-7 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), eight
 * counters side by side. Counter n = (n, 0, 0, 0) yields the numbers of elements 8n to 8n + 7: the
 * upper 24 bits of its four words, then of the same words turned by 16 bits, as f32 in [0, 1).
 */

/** Whole numbers below 2^24 over 2^24. */
// @ts-ignore: decorator
@inline
export function unit(numbers: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(numbers), f32x4.splat(5.9604644775390625e-8));
}

/** The words of one counter as eight numbers: `whole`, below 2^24, or those over 2^24. */
// @ts-ignore: decorator
@inline
function both(whole: bool, d: usize, words: v128): void {
  const straight = i32x4.shr_u(words, 8);
  v128.store(d, whole ? straight : unit(straight));
  // Turned and shifted in one: bytes 3, 0 and 1 of each word, and 0.
  const turned = v128.swizzle(words, i8x16(3, 0, 1, -1, 7, 4, 5, -1, 11, 8, 9, -1, 15, 12, 13, -1));
  v128.store(d, whole ? turned : unit(turned), 16);
}

/** The words of four counters, word by word, as 32 numbers in element order. */
// @ts-ignore: decorator
@inline
function spread(whole: bool, d: usize, c0: v128, c1: v128, c2: v128, c3: v128): void {
  const low01 = v128.shuffle<u32>(c0, c1, 0, 4, 1, 5);
  const high01 = v128.shuffle<u32>(c0, c1, 2, 6, 3, 7);
  const low23 = v128.shuffle<u32>(c2, c3, 0, 4, 1, 5);
  const high23 = v128.shuffle<u32>(c2, c3, 2, 6, 3, 7);
  both(whole, d, v128.shuffle<u64>(low01, low23, 0, 2));
  both(whole, d + 32, v128.shuffle<u64>(low01, low23, 1, 3));
  both(whole, d + 64, v128.shuffle<u64>(high01, high23, 0, 2));
  both(whole, d + 96, v128.shuffle<u64>(high01, high23, 1, 3));
}

/** The upper halves of four 64-bit products. The lower ones are multiplied again: shuffles are what there are most of. */
// @ts-ignore: decorator
@inline
function upper(low: v128, high: v128): v128 {
  return v128.shuffle<u32>(low, high, 1, 3, 5, 7);
}

/** `counter` is the index of the first element over 8; `k0` and `k1` are addresses of the key's words. */
export function random(d: usize, end: usize, k0: usize, k1: usize, counter: u32): void {
  draw(false, d, end, load<u32>(k0), load<u32>(k1), counter);
}

/** The numbers before they are divided by 2^24, as u32. */
export function randomWhole(d: usize, end: usize, key0: u32, key1: u32, counter: u32): void {
  draw(true, d, end, key0, key1, counter);
}

/**
 * Two sets of counters per turn hide the latency of the products; a register has room for both.
 *
 * Three words of a counter are 0, so half of the first round's products are; half of the second's are of the key alone; and
 * what is left of the first's grows evenly from turn to turn, as 64-bit numbers.
 */
// @ts-ignore: decorator
@inline
function draw(whole: bool, d: usize, end: usize, k0: u32, k1: u32, counter: u32): void {
  const m0 = i32x4.splat(0xd2511f53);
  const m1 = i32x4.splat(0xcd9e8d57);
  const w0 = i32x4.splat(0x9e3779b9);
  const w1 = i32x4.splat(0xbb67ae85);
  const first0 = i32x4.splat(k0);
  const first1 = i32x4.splat(k1);
  const second0 = i32x4.add(first0, w0);
  const second1 = i32x4.add(first1, w1);
  const third0 = i32x4.add(second0, w0);
  const third1 = i32x4.add(second1, w1);
  const ofKey = i64x2.extmul_low_i32x4_u(first0, m0);
  const ofKeyUpper = v128.xor(upper(ofKey, ofKey), second1);
  const ofKeyLower = i32x4.mul(first0, m0);
  const n = i32x4.add(i32x4.splat(counter), i32x4(0, 1, 2, 3));
  const four = i64x2.splat(4 * 0xd2511f53);
  const eight = i64x2.splat(8 * 0xd2511f53);
  let p = i64x2.extmul_low_i32x4_u(n, m0);
  let q = i64x2.extmul_high_i32x4_u(n, m0);
  const fourLower = i32x4.splat(4 * 0xd2511f53);
  let low = i32x4.mul(n, m0);
  for (; d < end; d += 256) {
    const yp = i64x2.add(p, four);
    const yq = i64x2.add(q, four);
    let x2 = v128.xor(upper(p, q), first1);
    let y2 = v128.xor(upper(yp, yq), first1);
    const xr = i64x2.extmul_low_i32x4_u(x2, m1);
    const xs = i64x2.extmul_high_i32x4_u(x2, m1);
    const yr = i64x2.extmul_low_i32x4_u(y2, m1);
    const ys = i64x2.extmul_high_i32x4_u(y2, m1);
    let x0 = v128.xor(upper(xr, xs), second0);
    let x1 = i32x4.mul(x2, m1);
    x2 = v128.xor(ofKeyUpper, low);
    let x3 = ofKeyLower;
    let y0 = v128.xor(upper(yr, ys), second0);
    let y1 = i32x4.mul(y2, m1);
    y2 = v128.xor(ofKeyUpper, i32x4.add(low, fourLower));
    let y3 = ofKeyLower;
    let key0 = third0;
    let key1 = third1;
    for (let round = 2; round < 7; round++) {
      const xp = i64x2.extmul_low_i32x4_u(x0, m0);
      const xq = i64x2.extmul_high_i32x4_u(x0, m0);
      const xr = i64x2.extmul_low_i32x4_u(x2, m1);
      const xs = i64x2.extmul_high_i32x4_u(x2, m1);
      const xNext = i32x4.mul(x0, m0);
      x0 = v128.xor(v128.xor(upper(xr, xs), x1), key0);
      x1 = i32x4.mul(x2, m1);
      x2 = v128.xor(v128.xor(upper(xp, xq), x3), key1);
      x3 = xNext;
      const yp = i64x2.extmul_low_i32x4_u(y0, m0);
      const yq = i64x2.extmul_high_i32x4_u(y0, m0);
      const yr = i64x2.extmul_low_i32x4_u(y2, m1);
      const ys = i64x2.extmul_high_i32x4_u(y2, m1);
      const yNext = i32x4.mul(y0, m0);
      y0 = v128.xor(v128.xor(upper(yr, ys), y1), key0);
      y1 = i32x4.mul(y2, m1);
      y2 = v128.xor(v128.xor(upper(yp, yq), y3), key1);
      y3 = yNext;
      key0 = i32x4.add(key0, w0);
      key1 = i32x4.add(key1, w1);
    }
    spread(whole, d, x0, x1, x2, x3);
    spread(whole, d + 128, y0, y1, y2, y3);
    p = i64x2.add(p, eight);
    q = i64x2.add(q, eight);
    low = i32x4.add(i32x4.add(low, fourLower), fourLower);
  }
}
