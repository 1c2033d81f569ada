/**
 * An FP8 matrix times its scales, as a source of f32: element (r, c) is the stored number times the scale of the block it
 * lies in. Whatever range is asked for, only that part is computed.
 */
import { decode } from "./convert.ts";
import type { FloatDtype } from "./dtype.ts";
import { rowsOf } from "./lowrank.ts";
import { type ByteSource, checkRange } from "./source.ts";

/** One scale per block of `rows` by `columns` elements; blocks at the ends of a matrix may be smaller. */
export interface Blocks {
  readonly rows: number;
  readonly columns: number;
}

export interface ScaledOptions {
  /** What to call it in a sentence. */
  readonly name: string;
  /** Where the stored numbers are: the first byte, and their type. */
  readonly source: ByteSource;
  readonly start: number;
  readonly dtype: Extract<FloatDtype, "F8_E4M3" | "F8_E5M2">;
  /** Matrices one after another (experts), each of so many rows and columns. */
  readonly matrices: number;
  readonly rows: number;
  readonly columns: number;
  readonly blocks: Blocks;
  /** Matrix after matrix, row of blocks after row of blocks. Asked for once per read. */
  scales(signal?: AbortSignal): Promise<Float32Array>;
}

/** The products as f32, little-endian, each rounded once. Ranges may begin and end inside an element. */
export function scaledSource(options: ScaledOptions): ByteSource {
  const { name, source, start, dtype, matrices, rows, columns, blocks } = options;
  const size = 4 * matrices * rows * columns;
  const numbers = decode(
    dtype,
    Uint8Array.from({ length: 256 }, (_, byte) => byte),
  );
  const across = Math.ceil(columns / blocks.columns);
  const down = Math.ceil(rows / blocks.rows);
  return {
    name,
    size,
    read: async (range, signal, into) => {
      checkRange(name, size, range);
      const first = Math.floor(range.start / 4);
      const end = Math.ceil(range.end / 4);
      const length = end - first;
      const [bytes, scales] = await Promise.all([
        source.read({ start: start + first, end: start + end }, signal),
        options.scales(signal),
      ]);
      const room = into !== undefined && into.length >= 4 * length && into.byteOffset % 4 === 0;
      const whole = room ? into.subarray(0, 4 * length) : new Uint8Array(4 * length);
      const out = new Float32Array(whole.buffer, whole.byteOffset, length);
      for (const { row, column, at, length: span } of rowsOf(first, length, columns)) {
        const matrix = Math.floor(row / rows);
        const line = (matrix * down + Math.floor((row - matrix * rows) / blocks.rows)) * across;
        for (let c = column; c < column + span; ) {
          const block = Math.floor(c / blocks.columns);
          const stop = Math.min(column + span, (block + 1) * blocks.columns);
          const scale = scales[line + block]!;
          for (let i = at + c - column; c < stop; c++, i++) out[i] = numbers[bytes[i]!]! * scale;
        }
      }
      const cut = range.start - 4 * first;
      return cut === 0 && range.end === 4 * end ? whole : whole.slice(cut, cut + range.end - range.start);
    },
  };
}
