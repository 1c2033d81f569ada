/**
 * What a compiled program calls (core/engine/cpu/compile.ts): work on a register of numbers that is not the same for
 * four at a time, and formats that few files have. All addresses are absolute; nothing is allocated here.
 */
import { reduceColumns, reduceRows } from "./vectors";

export { checksum } from "./checksum";
export { decodeE4M3, decodeE5M2, decodeF16, decodeF64 } from "./decode";
export { encodeF16 } from "./encode";
export { histogramHigh, histogramLow, histogramWindow } from "./histogram";
export { multiply, widen } from "./lowrank";
export { outranks } from "./outranks";
export { random } from "./random";
export { rank } from "./rank";
export { finish } from "./reduce";
export { countEqual, largest } from "./search";
export { alongColumns, alongRows } from "./vectors";

/** First byte of memory that is free for a program. */
export const base: usize = __heap_base;

/** Sets bytes to 0. */
export function clear(at: usize, bytes: usize): void {
  memory.fill(at, 0, bytes);
}

export function rowSums(state: usize, a: usize, n: u32, columns: u32, ends: bool): void {
  reduceRows(true, state, a, n, columns, ends);
}

export function rowMaxima(state: usize, a: usize, n: u32, columns: u32, ends: bool): void {
  reduceRows(false, state, a, n, columns, ends);
}

export function columnSums(to: usize, a: usize, n: u32, columns: u32, at: u32): void {
  reduceColumns(true, to, a, n, columns, at);
}

export function columnMaxima(to: usize, a: usize, n: u32, columns: u32, at: u32): void {
  reduceColumns(false, to, a, n, columns, at);
}
