/** Tensors that are in no file: a source of f32 whose elements are computed when they are asked for. */
import { type ByteRange, type ByteSource, checkRange } from "./source.ts";

export interface ComputedOptions {
  /** What to call it in a sentence. */
  readonly name: string;
  /** Elements. */
  readonly count: number;
  /**
   * Reads what elements `first` to `end` are made of, and returns what writes as many of them into the array it is given,
   * whatever that held before.
   */
  prepare(first: number, end: number, signal?: AbortSignal): Promise<(out: Float32Array<ArrayBuffer>) => void>;
  /** The stored numbers its elements are made of, one each: `width` bytes per element from byte `start` on. */
  readonly from: { readonly source: ByteSource; readonly start: number; readonly width: number };
}

/** The elements as f32, little-endian. Ranges may begin and end inside an element. */
export function computedSource({ name, count, prepare, from }: ComputedOptions): ByteSource {
  const size = 4 * count;
  return {
    name,
    size,
    ...(from.source.isFar === true ? { isFar: true } : {}),
    expect: (ranges) => {
      const stored = ({ start, end }: ByteRange) => ({
        start: from.start + Math.floor(start / 4) * from.width,
        end: from.start + Math.ceil(end / 4) * from.width,
      });
      from.source.expect?.(ranges === null ? null : ranges.map(stored));
    },
    read: async (range, signal, into) => {
      checkRange(name, size, range);
      const first = Math.floor(range.start / 4);
      const end = Math.ceil(range.end / 4);
      const length = end - first;
      const write = await prepare(first, end, signal);
      const room = into !== undefined && into.length >= 4 * length && into.byteOffset % 4 === 0;
      const whole = room ? into.subarray(0, 4 * length) : new Uint8Array(4 * length);
      write(new Float32Array(whole.buffer, whole.byteOffset, length));
      // Only a range that cuts an element has to be moved to where its owner expects it.
      const cut = range.start - 4 * first;
      return cut === 0 && range.end === 4 * end ? whole : whole.slice(cut, cut + range.end - range.start);
    },
  };
}
