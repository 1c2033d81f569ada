/**
 * Philox4x32-10, a counter-based generator: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011. Ten rounds of two 32x32 -> 64 bit products.
 */
type Words4 = readonly [number, number, number, number];

/** The four words (u32) of a counter under a key, all words u32. */
export function philox(counter: Words4, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const p = BigInt(c0) * 0xd2511f53n;
    const q = BigInt(c2) * 0xcd9e8d57n;
    [c0, c1, c2, c3] = [(high(q) ^ c1 ^ k0) >>> 0, low(q), (high(p) ^ c3 ^ k1) >>> 0, low(p)];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

const high = (product: bigint): number => Number(product >> 32n);
const low = (product: bigint): number => Number(product & 0xffffffffn);

/** The number in [0, 1) of element `index` of a tensor: 24 bits of word index & 3 of counter index >> 2. */
export function uniformAt(index: number, key: readonly [number, number]): number {
  const words = philox([Math.floor(index / 4), 0, 0, 0], key);
  return (words[index % 4]! >>> 8) * 2 ** -24;
}
