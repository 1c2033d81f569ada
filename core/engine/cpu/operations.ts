/**
 * A program's operations as instructions on four elements. Comparisons are kept as masks (all ones or all zeros) and become
 * 1 or 0 only where a number is wanted. Semantics are JavaScript's: min, max and sign keep NaN, and comparisons with
 * NaN are false, except ne.
 */
import { WeightloomError } from "../../errors.ts";
import type { Op, Program } from "../../graph/program.ts";
import { neededBy, operandsOf } from "../stages.ts";
import { exp, log, maxSame, minSame, sameOf, sign, tanh } from "./functions.ts";
import type { Lanes, Value } from "./lanes.ts";
import { type Body, I32, i32 } from "./wasm.ts";

const LEAST_NOTHING = 0x7ffffffe;

/** What the operations of one half of a turn share with the other: what is loaded before the loop. */
export interface Constants {
  /** A word of the program, four times. */
  uniform(word: number): Value;
  /** Of a uniform: see `minSame`. */
  same(word: number): Value;
  /** For `top`: magnitudes above `below` are kept, those one above it up to the index in the variable `last`. */
  threshold(word: number): { readonly below: Value; readonly last: number };
}

/**
 * @param v writes before the loop
 * @param base the variable with the address that words are at an offset from
 */
export function createConstants(begin: Body, v: Lanes, base: number, offsetOf: (word: number) => number): Constants {
  const uniforms = new Map<number, Value>();
  const sames = new Map<number, Value>();
  const thresholds = new Map<number, { below: Value; last: number }>();
  const word = (number: number) => {
    begin.get(base);
    begin.access(i32.load, offsetOf(number));
  };
  /** One of two, by whether the word is a magnitude's bits: nothing reaches a threshold above those. */
  const reachable = (number: number, then: () => void, otherwise: number) => {
    then();
    begin.i32(otherwise);
    word(number);
    begin.i32(0);
    begin.put(i32.geS, i32.select);
  };
  const uniform = (number: number): Value => {
    const known = uniforms.get(number) ?? v.splat(() => word(number));
    uniforms.set(number, known);
    return known;
  };
  return {
    uniform,
    same: (number) => {
      const known = sames.get(number) ?? sameOf(v, uniform(number));
      sames.set(number, known);
      return known;
    },
    threshold: (number) => {
      const known = thresholds.get(number);
      if (known !== undefined) return known;
      const less = () => {
        word(number);
        begin.i32(1);
        begin.put(i32.sub);
      };
      const last = begin.local(I32);
      const below = v.splat(() => reachable(number, less, LEAST_NOTHING));
      reachable(number, () => word(number + 1), -1);
      begin.set(last);
      const made = { below, last };
      thresholds.set(number, made);
      return made;
    },
  };
}

export interface Half {
  /** The number a value of the program has. */
  number(value: number): Value;
  /** Ones where it is not zero. */
  mask(value: number): Value;
}

/**
 * @param leaf writes what reads memory: inputs, random numbers, vectors
 * @param bar what magnitudes are kept above, for the threshold at a word
 * @param kept a value's bits in a plane as a mask
 */
export function createHalf(
  program: Program,
  v: Lanes,
  constants: Constants,
  leaf: (value: number, op: Op) => Value,
  bar: (word: number) => Value,
  kept: (value: number) => Value,
): Half {
  let numbers = new Map<number, Value>();
  let masks = new Map<number, Value>();

  const tangents = firstTangents(program);

  function number(value: number): Value {
    const known = numbers.get(value);
    if (known !== undefined) return known;
    const made = maskOf(value) === null ? compute(value, opAt(value)) : v.and(mask(value), v.floats(1));
    numbers.set(value, made);
    return made;
  }

  /** Ones where the value is not zero. */
  function mask(value: number): Value {
    const known = masks.get(value);
    if (known !== undefined) return known;
    const made = maskOf(value)?.() ?? v.ne(number(value), v.floats(0));
    masks.set(value, made);
    return made;
  }

  /** How a value that is only ever 1 or 0 comes about; null for other values. */
  function maskOf(value: number): (() => Value) | null {
    const op = opAt(value);
    switch (op.op) {
      case "lt":
      case "le":
      case "gt":
      case "ge":
      case "eq":
      case "ne":
        return () => v[op.op](number(op.a), number(op.b));
      case "top":
        return () => v.greaterI(v.and(number(op.a), v.bits(0x7fffffff)), bar(op.word));
      case "kept":
        return op.bits === 1 ? () => kept(value) : null;
      case "where":
        return masked(op.a, op.b, op.c);
      case "tied":
        return () => v.equalI(v.and(number(op.a), v.bits(0x7fffffff)), constants.uniform(op.word));
      default:
        return null;
    }
  }

  const isMask = (value: number) => maskOf(value) !== null;

  function compute(value: number, op: Op): Value {
    switch (op.op) {
      case "uniform":
        return op.is === undefined ? constants.uniform(op.word) : v.floats(op.is);
      case "where":
        return seldom(op.a, op.b, op.c) ?? chosen(mask(op.a), op.b, op.c);
      case "neg":
      case "sqrt":
        return v[op.op](number(op.a));
      // The machine's own makes the mask anew each time.
      case "abs":
        return v.and(number(op.a), v.bits(0x7fffffff));
      case "sign":
        return sign(v, number(op.a));
      case "exp":
        return exp(v, number(op.a));
      case "log":
        return log(v, number(op.a));
      case "tanh":
        return tangent(value);
      case "mul":
        return signed(op.a, op.b) ?? signed(op.b, op.a) ?? v.mul(number(op.a), number(op.b));
      case "add":
      case "sub":
      case "div":
        return v[op.op](number(op.a), number(op.b));
      case "min":
      case "max":
        return extreme(op.op, op.a, op.b);
      default:
        return leaf(value, op);
    }
  }

  /** One of two, where the second takes an exponential or a logarithm: that is made only where any of the four wants it. */
  function seldom(by: number, then: number, otherwise: number): Value | null {
    if (!isDear(otherwise)) return null;
    const usual = number(then);
    const chosen = mask(by);
    const [value] = v.whereAny(v.not(chosen), [usual], () => {
      // What is made in there is known nowhere else.
      const before = [new Map(numbers), new Map(masks)] as const;
      const value = v.select(usual, number(otherwise), chosen);
      [numbers, masks] = before;
      return [value];
    });
    return value!;
  }

  /** Whether there is still an exponential or a logarithm to be made for a value. */
  function isDear(value: number, seen = new Set<number>()): boolean {
    if (numbers.has(value) || seen.has(value)) return false;
    seen.add(value);
    const op = opAt(value);
    return op.op === "exp" || op.op === "log" || operandsOf(op).some((operand) => isDear(operand, seen));
  }

  /** A hyperbolic tangent, and with it all others, unless it is made of one itself: one look serves all. */
  function tangent(wanted: number): Value {
    const together = tangents.includes(wanted) ? tangents : [wanted];
    const made = tanh(
      v,
      together.map((value) => number(operandsOf(opAt(value))[0]!)),
    );
    for (const [i, value] of together.entries()) numbers.set(value, made[i]!);
    return numbers.get(wanted)!;
  }

  /** What the formula says a value is, wherever it is; null for others. */
  function fixed(value: number): number | null {
    const op = opAt(value);
    return op.op === "uniform" ? (op.is ?? null) : null;
  }

  /** One of two, by a mask: where one is 0, or both are known, it takes less than a selection does. */
  function chosen(mask: Value, then: number, otherwise: number): Value {
    const [one, other] = [fixed(then), fixed(otherwise)];
    if (one !== null && other !== null) {
      const difference = v.bits(bitsOf(one) ^ bitsOf(other));
      return v.xor(v.and(mask, difference), number(otherwise));
    }
    if (one === 0) return v.andNot(number(otherwise), mask);
    if (other === 0) return v.and(number(then), mask);
    return v.select(number(then), number(otherwise), mask);
  }

  /** A number times 1 or -1: its sign bit is turned around. */
  function signed(value: number, by: number): Value | null {
    const op = opAt(by);
    if (op.op !== "where" || fixed(op.b) !== 1 || fixed(op.c) !== -1) return null;
    return v.xor(number(value), v.andNot(v.bits(0x80000000), mask(op.a)));
  }

  /** The same as a mask, where the other of 0 is one. */
  function masked(by: number, then: number, otherwise: number): (() => Value) | null {
    if (fixed(then) === 0 && isMask(otherwise)) return () => v.andNot(mask(otherwise), mask(by));
    if (fixed(otherwise) === 0 && isMask(then)) return () => v.and(mask(then), mask(by));
    return null;
  }

  function extreme(how: "min" | "max", a: number, b: number): Value {
    // Below or above 0, and -0 is below 0: all zeros there, and NaN stays.
    if (fixed(b) === 0) {
      const x = number(a);
      return v.andNot(x, how === "max" ? v.le(x, v.floats(0)) : v.gt(x, v.floats(0)));
    }
    const same = (other: number, uniform: number): Value | null => {
      const op = opAt(uniform);
      if (op.op !== "uniform") return null;
      // A number of the formula needs no mending, but 0.
      if (op.is !== undefined && op.is !== 0)
        return (how === "min" ? v.lesser : v.greater)(number(other), number(uniform));
      const write = how === "min" ? minSame : maxSame;
      return write(v, number(other), number(uniform), constants.same(op.word));
    };
    return same(a, b) ?? same(b, a) ?? v[how](number(a), number(b));
  }

  function opAt(value: number): Op {
    const op = program.ops[value];
    if (op === undefined) throw malformed(program, `there is no value ${value}`);
    if (operandsOf(op).some((operand) => operand >= value)) {
      throw malformed(program, `value ${value} is made from what comes after it`);
    }
    return op;
  }

  return { number, mask };
}

/** The hyperbolic tangents that are not made of others. */
function firstTangents(program: Program): number[] {
  const made = new Set<number>();
  const first: number[] = [];
  for (const value of neededBy(program)) {
    const op = program.ops[value]!;
    const isOfOthers = operandsOf(op).some((operand) => made.has(operand));
    if (op.op === "tanh" && !isOfOthers) first.push(value);
    if (op.op === "tanh" || isOfOthers) made.add(value);
  }
  return first;
}

const bitsOf = (value: number) => new Int32Array(Float32Array.of(value).buffer)[0] ?? 0;

/** The error for a program that breaks its own rules; a bug, not a person's mistake. */
export function malformed(program: Program, why: string): WeightloomError {
  return new WeightloomError("DeviceError", `The program ${program.key} cannot run: ${why}. Report this as a bug.`);
}
