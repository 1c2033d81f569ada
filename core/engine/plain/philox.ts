/**
 * Philox4x32-7, a counter-based generator: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011. Seven rounds of two 32x32 -> 64 bit products: the
 * fewest that pass all tests of BigCrush.
 */
type Words4 = readonly [number, number, number, number];

/** The four words (u32) of a counter under a key, all words u32. */
export function philox(counter: Words4, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 7; round++) {
    const [p, q] = [product(c0, 0xd2511f53), product(c2, 0xcd9e8d57)];
    [c0, c1, c2, c3] = [(q.high ^ c1 ^ k0) >>> 0, q.low, (p.high ^ c3 ^ k1) >>> 0, p.low];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Both halves of a 64-bit product; every intermediate is an integer below 2^49, so exact in f64. */
function product(a: number, b: number): { readonly high: number; readonly low: number } {
  const carry = Math.floor((a * (b & 0xffff)) / 2 ** 16);
  return { high: Math.floor((a * (b >>> 16) + carry) / 2 ** 16), low: Math.imul(a, b) >>> 0 };
}

/**
 * The number in [0, 1) of element `index` of a tensor: 24 bits of word index & 3 of counter index >> 3. Its second four elements
 * take the words turned by 16 bits: all 24 bits of each number are random, and of two that share a word only the last 8 bits
 * of one are the first 8 of the other, so what is decided by them goes together in at most 1 of 65,536 cases.
 */
export function uniformAt(index: number, key: readonly [number, number]): number {
  const words = philox([Math.floor(index / 8), 0, 0, 0], key);
  const word = words[index % 4]!;
  const turned = index % 8 < 4 ? word : ((word << 16) | (word >>> 16)) >>> 0;
  return (turned >>> 8) * 2 ** -24;
}
