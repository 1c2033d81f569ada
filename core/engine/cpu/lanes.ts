/**
 * Arithmetic on four numbers at once, as instructions: each function writes one and returns the local variable that holds
 * its result. Numbers of the instructions: WebAssembly core specification 2.0, section 5.4.7.
 */
import { type Body, V128 } from "./wasm.ts";

export const simd = {
  load: 0,
  store: 11,
  const: 12,
  shuffle: 13,
  splatI32: 17,
  anyTrue: 83,
  bitmask: 164,
} as const;

/** Of two operands. */
const BINARY = {
  eq: 65,
  ne: 66,
  lt: 67,
  gt: 68,
  le: 69,
  ge: 70,
  equalI: 55,
  lessI: 57,
  greaterI: 59,
  greaterU: 60,
  greaterOrEqualI: 63,
  and: 78,
  andNot: 79,
  or: 80,
  xor: 81,
  addI: 174,
  subI: 177,
  add: 228,
  sub: 229,
  mul: 230,
  div: 231,
  min: 232,
  max: 233,
  lesser: 234,
  greater: 235,
  addF64: 240,
  narrow: 134,
} as const;

const UNARY = { not: 77, abs: 224, neg: 225, sqrt: 227, fromI32: 250, toF64: 95 } as const;

/** By a constant. */
const SHIFT = { shiftLeft: 171, shiftRight: 172, shiftRightU: 173 } as const;

/** A local variable of four lanes. */
export type Value = number;

type Written<Table, Arguments extends unknown[]> = { readonly [name in keyof Table]: (...values: Arguments) => Value };

export interface Lanes
  extends Written<typeof BINARY, [Value, Value]>,
    Written<typeof UNARY, [Value]>,
    Written<typeof SHIFT, [Value, number]> {
  /** The same four numbers, made once, before the loop. */
  floats(value: number): Value;
  bits(...lanes: readonly number[]): Value;
  /** Bits of `then` where `mask` has ones, of `otherwise` elsewhere. */
  select(then: Value, otherwise: Value, mask: Value): Value;
  /** `otherwise` where the mask is all zeros, which costs nothing more; else what `write` makes instead, as many. */
  whereAny(mask: Value, otherwise: readonly Value[], write: () => readonly Value[]): Value[];
  /** What the first makes of the four where the mask is all zeros, else what the second does. */
  unlessAny(mask: Value, usual: () => Value, write: () => Value): Value;
  /** The lower or upper four of eight 16-bit numbers, as the upper halves of 32 bits. */
  widenLow(a: Value): Value;
  widenHigh(a: Value): Value;
  /** The upper two numbers, below. */
  upper(a: Value): Value;
  /** Four times the i32 that `write` leaves on the stack. */
  splat(write: () => void): Value;
}

/** @param begin writes what runs before all loops */
export function createLanes(body: Body, begin: Body): Lanes {
  const known = new Map<string, Value>();
  const result = (): Value => {
    const value = body.local(V128);
    body.set(value);
    return value;
  };
  const bits = (...lanes: readonly number[]): Value => {
    const four = [0, 1, 2, 3].map((lane) => lanes[lane % lanes.length] ?? 0);
    const key = four.join();
    const before = known.get(key);
    if (before !== undefined) return before;
    const value = body.local(V128);
    begin.simd(simd.const, ...new Uint8Array(Int32Array.from(four).buffer));
    begin.set(value);
    known.set(key, value);
    return value;
  };
  const written = <Table extends Record<string, number>, Arguments extends number[]>(
    table: Table,
    write: (instruction: number, ...values: Arguments) => void,
  ) =>
    Object.fromEntries(
      Object.entries(table).map(([name, instruction]) => [
        name,
        (...values: Arguments) => {
          write(instruction, ...values);
          return result();
        },
      ]),
    ) as unknown as Written<Table, Arguments>;

  /** Pairs of bytes from `from` on behind two zeros each: one instruction of the machine. */
  const widened = (a: Value, from: number): Value => {
    body.get(bits(0));
    body.get(a);
    body.simd(simd.shuffle, ...[0, 2, 4, 6].flatMap((at) => [at, at + 1, at + 16, at + 17]).map((at) => at + from));
    return result();
  };

  return {
    ...written(BINARY, (instruction, a: Value, b: Value) => {
      body.get(a);
      body.get(b);
      body.simd(instruction);
    }),
    ...written(UNARY, (instruction, a: Value) => {
      body.get(a);
      body.simd(instruction);
    }),
    ...written(SHIFT, (instruction, a: Value, by: number) => {
      body.get(a);
      body.i32(by);
      body.simd(instruction);
    }),
    floats: (value) => bits(new Int32Array(Float32Array.of(value).buffer)[0] ?? 0),
    bits,
    select: (then, otherwise, mask) => {
      body.get(then);
      body.get(otherwise);
      body.get(mask);
      body.simd(82);
      return result();
    },
    whereAny: (mask, otherwise, write) => {
      const values = otherwise.map((value) => {
        body.get(value);
        return result();
      });
      body.get(mask);
      body.simd(simd.anyTrue);
      body.branch(() => {
        for (const [i, made] of write().entries()) {
          body.get(made);
          body.set(values[i]!);
        }
      });
      return values;
    },
    unlessAny: (mask, usual, write) => {
      const value = body.local(V128);
      const into = (make: () => Value) => () => {
        body.get(make());
        body.set(value);
      };
      body.get(mask);
      body.simd(simd.anyTrue);
      body.branch(into(write), into(usual));
      return value;
    },
    splat: (write) => {
      write();
      body.simd(simd.splatI32);
      return result();
    },
    widenLow: (a) => widened(a, 0),
    widenHigh: (a) => widened(a, 8),
    upper: (a) => {
      body.get(a);
      body.get(a);
      body.simd(simd.shuffle, ...[8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
      return result();
    },
  };
}
