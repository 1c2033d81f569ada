/**
 * Sums. Element i of a block goes to the f64 accumulator i mod 8, in order, and the eight are added
 * in a fixed tree at the end of the block: the partial depends on nothing but the block's elements.
 */

/** Adds `count` elements to the eight accumulators at `to`. */
export function sum(to: usize, a: usize, step: usize, count: i32): void {
  let s0 = v128.load(to);
  let s1 = v128.load(to, 16);
  let s2 = v128.load(to, 32);
  let s3 = v128.load(to, 48);
  for (; count >= 16; count -= 16, a += step) {
    for (let i: usize = 0; i < 64; i += 32) {
      const x = v128.load(a + i);
      const y = v128.load(a + i, 16);
      s0 = f64x2.add(s0, f64x2.promote_low_f32x4(x));
      s1 = f64x2.add(s1, f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3)));
      s2 = f64x2.add(s2, f64x2.promote_low_f32x4(y));
      s3 = f64x2.add(s3, f64x2.promote_low_f32x4(v128.shuffle<f32>(y, y, 2, 3, 2, 3)));
    }
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  for (let i = 0; i < count; i++) {
    const slot = to + ((<usize>i & 7) << 3);
    store<f64>(slot, load<f64>(slot) + <f64>load<f32>(a + (<usize>i << 2)));
  }
}

/** Writes the sum of the accumulators to `partial` and clears them. */
export function finish(to: usize, partial: usize): void {
  const low = (load<f64>(to) + load<f64>(to, 8)) + (load<f64>(to, 16) + load<f64>(to, 24));
  const high = (load<f64>(to, 32) + load<f64>(to, 40)) + (load<f64>(to, 48) + load<f64>(to, 56));
  store<f64>(partial, low + high);
  memory.fill(to, 0, 64);
}
