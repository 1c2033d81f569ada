/**
 * Checksums that are put together from those of parts: four sums of 32-bit words, and four sums of those sums, modulo
 * 2^32 (Fletcher's, in four lanes). Any changed, moved or swapped bytes show; it is no protection against somebody who
 * means to deceive. Cheap enough to be taken of every byte that a merge writes.
 */

export interface Checksum {
  /** Four sums of words, then four sums of sums. */
  readonly words: Uint32Array;
  /** Of how many groups of sixteen bytes; the last may be short. */
  readonly groups: number;
}

/** Bytes that parts must be a multiple of, all but the last. */
export const GROUP = 16;

export const groupsIn = (bytes: number): number => Math.ceil(bytes / GROUP);

export function checksumOf(bytes: Uint8Array): Checksum {
  const whole = bytes.length - (bytes.length % GROUP);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const values = new Int32Array(aligned.buffer, aligned.byteOffset, whole / 4);
  let [a0, a1, a2, a3, b0, b1, b2, b3] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < values.length; i += 4) {
    a0 = (a0 + values[i]!) | 0;
    a1 = (a1 + values[i + 1]!) | 0;
    a2 = (a2 + values[i + 2]!) | 0;
    a3 = (a3 + values[i + 3]!) | 0;
    b0 = (b0 + a0) | 0;
    b1 = (b1 + a1) | 0;
    b2 = (b2 + a2) | 0;
    b3 = (b3 + a3) | 0;
  }
  const most = { words: Uint32Array.of(a0, a1, a2, a3, b0, b1, b2, b3), groups: whole / GROUP };
  if (whole === bytes.length) return most;
  const rest = new Uint8Array(GROUP);
  rest.set(bytes.subarray(whole));
  return joined(most, checksumOf(rest));
}

/** Of `first` followed by `second`; `first` must end with a whole group. */
export function joined(first: Checksum, second: Checksum): Checksum {
  const words = new Uint32Array(8);
  for (let lane = 0; lane < 4; lane++) {
    words[lane] = first.words[lane]! + second.words[lane]!;
    words[lane + 4] = first.words[lane + 4]! + Math.imul(second.groups, first.words[lane]!) + second.words[lane + 4]!;
  }
  return { words, groups: first.groups + second.groups };
}

export const NOTHING: Checksum = { words: new Uint32Array(8), groups: 0 };

export const toHex = ({ words }: Checksum): string =>
  [...words].map((word) => word.toString(16).padStart(8, "0")).join("");
