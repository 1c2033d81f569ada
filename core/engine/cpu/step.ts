/** What the parts of a program's function share: its parameters, the kernels it calls, and addresses. */

import type { Layout, Shape } from "./layout.ts";
import { type Body, i32 } from "./wasm.ts";

/** The function's parameters, as local variables. */
export const [BASE, COUNT, INDEX, COUNTER] = [0, 1, 2, 3];

/** Kernels by name, and how many parameters they take. */
export const KERNELS = {
  decodeF64: 3,
  decodeF16: 3,
  decodeE4M3: 3,
  decodeE5M2: 3,
  encodeF16: 3,
  random: 5,
  alongRows: 5,
  alongColumns: 5,
  histogramHigh: 3,
  histogramLow: 4,
  histogramWindow: 4,
  rowSums: 5,
  rowMaxima: 5,
  columnSums: 5,
  columnMaxima: 5,
  finish: 2,
  checksum: 3,
} as const;
export type Kernel = keyof typeof KERNELS;

/** An address that is known from the program's base on. */
export function address(body: Body, from: number): void {
  body.get(BASE);
  body.i32(from);
  body.put(i32.add);
}

/** Where the strip of an input or of the output begins, or a histogram. */
export function placeOf(body: Body, layout: Layout, place: number): void {
  body.get(BASE);
  body.access(i32.load, layout.places.at + 4 * place);
}

export function sum(body: Body, a: number, b: number): void {
  body.get(a);
  body.get(b);
  body.put(i32.add);
}

/** The address of element `at` of an input, or of the output, of elements of 2^shift bytes. */
export function offset(body: Body, layout: Layout, place: number, at: number, shift: number): void {
  placeOf(body, layout, place);
  body.get(at);
  body.i32(shift);
  body.put(i32.shl, i32.add);
}

/** A step of at most STEP elements. */
export interface Step {
  readonly body: Body;
  readonly shape: Shape;
  readonly layout: Layout;
  /** Local variables: the step's first element in the strip, and how many it has. */
  readonly at: number;
  readonly n: number;
}
