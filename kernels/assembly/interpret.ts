/**
 * The interpreter: a strip of a tile, in steps short enough for every register to stay in the cache,
 * and for each step one loop per instruction. All addresses are absolute and were laid out by
 * core/engine/cpu/assemble.ts; nothing is allocated here.
 */
import * as code from "../../core/engine/cpu/opcodes";
import { choose, each1, each2, multiplyAdd, tied, top } from "./arithmetic";
import { decodeBF16, decodeE4M3, decodeE5M2, decodeF16, decodeF32, decodeF64, subtractBF16 } from "./decode";
import { encodeBF16, encodeF16, encodeF32 } from "./encode";
import { histogramHigh, histogramLow } from "./histogram";
import { exp, log } from "./logarithm";
import { random } from "./random";
import { finish, sum } from "./reduce";
import { alongColumns, alongRows, reduceColumns, reduceRows } from "./vectors";

export { multiply, widen } from "./lowrank";

const BLOCK: i32 = 4096;

export { rank } from "./rank";

/** First byte of memory that is free for a program. */
export const base: usize = __heap_base;

// @ts-ignore: decorator
@inline
function endsBlock(last: i32, count: i32): bool {
  return last == count || (last & (BLOCK - 1)) == 0;
}

/**
 * Runs the instructions from `start` to `stop` over `count` elements, `step` at a time (a divisor of
 * BLOCK). `index` is the strip's first element in its tile, a multiple of BLOCK, and `counter` its
 * first element in the tensor over 4. Sum partials go to consecutive f64 from the instruction's `b`.
 */
export function run(start: usize, stop: usize, count: i32, step: i32, index: i32, counter: u32): void {
  for (let at = 0; at < count; at += step) {
    const n = min(step, count - at);
    const bytes = (<usize>(n + 15) >> 4) << 6;
    const offset = <usize>at;
    for (let pc = start; pc < stop; pc += code.INSTRUCTION_BYTES) {
      const d = <usize>load<u32>(pc, 4);
      const a = <usize>load<u32>(pc, 8);
      const sa = <usize>load<u32>(pc, 12);
      const b = <usize>load<u32>(pc, 16);
      const sb = <usize>load<u32>(pc, 20);
      const c = <usize>load<u32>(pc, 24);
      const sc = <usize>load<u32>(pc, 28);
      const end = d + bytes;
      switch (load<i32>(pc)) {
        case code.DECODE_F64: decodeF64(d, a + (offset << 3), end); break;
        case code.DECODE_F32: decodeF32(d, a + (offset << 2), end); break;
        case code.DECODE_F16: decodeF16(d, a + (offset << 1), end); break;
        case code.DECODE_BF16: decodeBF16(d, a + (offset << 1), end); break;
        case code.DECODE_F8_E4M3: decodeE4M3(d, a + offset, end); break;
        case code.DECODE_F8_E5M2: decodeE5M2(d, a + offset, end); break;
        case code.ENCODE_F32: encodeF32(d + (offset << 2), end + (offset << 2), a, sa); break;
        case code.ENCODE_F16: encodeF16(d + (offset << 1), d + (offset << 1) + (bytes >> 1), a, sa); break;
        case code.ENCODE_BF16: encodeBF16(d + (offset << 1), d + (offset << 1) + (bytes >> 1), a, sa); break;
        case code.NEG: each1(code.NEG, d, end, a, sa); break;
        case code.ABS: each1(code.ABS, d, end, a, sa); break;
        case code.SIGN: each1(code.SIGN, d, end, a, sa); break;
        case code.SQRT: each1(code.SQRT, d, end, a, sa); break;
        case code.EXP: exp(d, end, a, sa); break;
        case code.LOG: log(d, end, a, sa); break;
        case code.ADD: each2(code.ADD, d, end, a, sa, b, sb); break;
        case code.SUB: each2(code.SUB, d, end, a, sa, b, sb); break;
        case code.MUL: each2(code.MUL, d, end, a, sa, b, sb); break;
        case code.DIV: each2(code.DIV, d, end, a, sa, b, sb); break;
        case code.MIN: each2(code.MIN, d, end, a, sa, b, sb); break;
        case code.MAX: each2(code.MAX, d, end, a, sa, b, sb); break;
        case code.LT: each2(code.LT, d, end, a, sa, b, sb); break;
        case code.LE: each2(code.LE, d, end, a, sa, b, sb); break;
        case code.GT: each2(code.GT, d, end, a, sa, b, sb); break;
        case code.GE: each2(code.GE, d, end, a, sa, b, sb); break;
        case code.EQ: each2(code.EQ, d, end, a, sa, b, sb); break;
        case code.NE: each2(code.NE, d, end, a, sa, b, sb); break;
        case code.WHERE: choose(d, end, a, sa, b, sb, c, sc); break;
        case code.SUB_BF16: subtractBF16(d, end, a + (offset << 1), b, sb); break;
        case code.KEEP: top(code.KEEP, d, end, a, sa, b, c, index + at); break;
        case code.MUL_ADD: multiplyAdd(d, end, a, sa, b, sb, c, sc); break;
        case code.RANDOM: random(d, end, a, b, counter + (<u32>at >> 2)); break;
        case code.TOP: top(code.TOP, d, end, a, sa, b, c, index + at); break;
        case code.TIED: tied(d, end, a, sa, b); break;
        case code.SUM: {
          sum(d, a, sa, n);
          const last = at + n;
          if (endsBlock(last, count)) finish(d, b + (<usize>(last - 1) / BLOCK) * 8);
          break;
        }
        case code.HISTOGRAM_HIGH: histogramHigh(d, a, sa, n); break;
        case code.HISTOGRAM_LOW: histogramLow(d, a, sa, n, b); break;
        case code.ALONG_ROWS: alongRows(d, n, a, <u32>b, index + at); break;
        case code.ALONG_COLUMNS: alongColumns(d, n, a, <u32>b, index + at); break;
        case code.ROW_SUMS: reduceRows(true, d, a, n, <u32>b, endsBlock(at + n, count)); break;
        case code.ROW_MAXIMA: reduceRows(false, d, a, n, <u32>b, endsBlock(at + n, count)); break;
        case code.COLUMN_SUMS: reduceColumns(true, d, a, n, <u32>b, index + at); break;
        case code.COLUMN_MAXIMA: reduceColumns(false, d, a, n, <u32>b, index + at); break;
        default: unreachable();
      }
    }
  }
}
