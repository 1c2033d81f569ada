/**
 * A running checksum of bytes: four sums of words, and four sums of those sums, modulo 2^32 (Fletcher's, in lanes). It is
 * put together from parts by arithmetic, so it does not depend on tiles. The state: both sums, then room for a last part
 * of fewer than sixteen bytes, which counts as if zeros followed.
 */
export function checksum(state: usize, at: usize, bytes: usize): void {
  let words = v128.load(state);
  let sums = v128.load(state, 16);
  const end = at + (bytes & ~15);
  for (const most = at + (bytes & ~63); at < most; at += 64) {
    const one = i32x4.add(words, v128.load(at));
    const two = i32x4.add(one, v128.load(at, 16));
    const three = i32x4.add(two, v128.load(at, 32));
    words = i32x4.add(three, v128.load(at, 48));
    sums = i32x4.add(i32x4.add(sums, i32x4.add(one, two)), i32x4.add(three, words));
  }
  for (; at < end; at += 16) {
    words = i32x4.add(words, v128.load(at));
    sums = i32x4.add(sums, words);
  }
  const rest = bytes & 15;
  if (rest > 0) {
    v128.store(state, i32x4.splat(0), 32);
    memory.copy(state + 32, at, rest);
    words = i32x4.add(words, v128.load(state, 32));
    sums = i32x4.add(sums, words);
  }
  v128.store(state, words);
  v128.store(state, sums, 16);
}
