/**
 * An FP8 matrix times its scales, as a source of f32: element (r, c) is the stored number times the scale of the block it
 * lies in. Whatever range is asked for, only that part is computed.
 */
import { computedSource } from "./computed.ts";
import { decode } from "./convert.ts";
import type { FloatDtype } from "./dtype.ts";
import { rowsOf } from "./lowrank.ts";
import type { ByteSource } from "./source.ts";

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

/** The products as f32, each rounded once. */
export function scaledSource(options: ScaledOptions): ByteSource {
  const { name, source, start, dtype, matrices, rows, columns, blocks } = options;
  const numbers = decode(
    dtype,
    Uint8Array.from({ length: 256 }, (_, byte) => byte),
  );
  const across = Math.ceil(columns / blocks.columns);
  const down = Math.ceil(rows / blocks.rows);
  return computedSource({
    name,
    count: matrices * rows * columns,
    from: { source, start, width: 1 },
    prepare: async (first, end, signal) => {
      const [bytes, scales] = await Promise.all([
        source.read({ start: start + first, end: start + end }, signal),
        options.scales(signal),
      ]);
      return (out) => {
        for (const { row, column, at, length } of rowsOf(first, end - first, columns)) {
          const matrix = Math.floor(row / rows);
          const line = (matrix * down + Math.floor((row - matrix * rows) / blocks.rows)) * across;
          for (let c = column; c < column + length; ) {
            const block = Math.floor(c / blocks.columns);
            const stop = Math.min(column + length, (block + 1) * blocks.columns);
            const scale = scales[line + block]!;
            for (let i = at + c - column; c < stop; c++, i++) out[i] = numbers[bytes[i]!]! * scale;
          }
        }
      };
    },
  });
}
