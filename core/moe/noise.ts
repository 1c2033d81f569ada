/**
 * Random numbers as a file would hold them: a source whose bytes are computed when asked for. Any range can be read,
 * in any order, and is the same again under the same key, so noise is an input of a plan like a model's tensor.
 * Philox4x32-7 counts in fours; Box and Muller's transform (Annals of Mathematical Statistics, 1958) makes
 * two normal numbers of two uniform ones.
 */
import { type ByteSource, checkRange } from "../bytes/source.ts";
import { philox } from "../engine/plain/philox.ts";

export type Key = readonly [number, number];

/** Standard normal numbers as little-endian F32. */
export function normalSource(name: string, count: number, key: Key): ByteSource {
  const size = 4 * count;
  return {
    name,
    size,
    read: async (range) => {
      checkRange(name, size, range);
      const first = Math.floor(range.start / 4);
      const values = normals(first, Math.ceil(range.end / 4) - first, key);
      return new Uint8Array(values.buffer, range.start - 4 * first, range.end - range.start);
    },
  };
}

/** `count` standard normal numbers from element `first` of a stream. */
export function normals(first: number, count: number, key: Key): Float32Array<ArrayBuffer> {
  return generate(first, count, key, ([a, b, c, d]) => [...pair(a, b), ...pair(c, d)]);
}

/** `count` numbers, uniform in [0, 1), from element `first` of a stream. */
export function uniforms(first: number, count: number, key: Key): Float32Array<ArrayBuffer> {
  return generate(first, count, key, (words) => words.map((word) => (word >>> 8) * 2 ** -24));
}

function generate(
  first: number,
  count: number,
  key: Key,
  four: (words: readonly [number, number, number, number]) => readonly number[],
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(count);
  for (let block = Math.floor(first / 4); 4 * block < first + count; block++) {
    // The counter's second word holds what a tensor of more than 16 billion elements would need.
    const values = four(philox([block >>> 0, Math.floor(block / 2 ** 32), 0, 0], key));
    for (let i = 0; i < 4; i++) {
      const at = 4 * block + i - first;
      if (at >= 0 && at < count) out[at] = values[i]!;
    }
  }
  return out;
}

function pair(a: number, b: number): readonly [number, number] {
  const radius = Math.sqrt(-2 * Math.log((a + 1) * 2 ** -32));
  const angle = 2 * Math.PI * b * 2 ** -32;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}
