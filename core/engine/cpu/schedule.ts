/**
 * In which order a program's operations are worked off, which are left out because nobody needs them, and
 * which are swallowed by the only operation that reads them: a product by an addition, a stored number by a
 * subtraction, a mask of the largest by the product with what it was made from.
 */

import type { FloatDtype } from "../../bytes/dtype.ts";
import { WeightloomError } from "../../errors.ts";
import type { Op, Program } from "../../graph/program.ts";

export interface Scheduled {
  readonly value: number;
  /** The operation it swallows (computed nowhere else), or null. */
  readonly fused: number | null;
}

/**
 * The order of work: operations as the program lists them, without those nobody needs, and with
 * inputs and random numbers put off until their first use, so that few values are alive at once.
 */
export function schedule(program: Program, dtypes: readonly FloatDtype[]): Scheduled[] {
  const { ops } = program;
  const results = [
    ...program.sums,
    ...program.histograms.map(({ value }) => value),
    ...program.reductions.map(({ value }) => value),
  ];
  if (program.output !== null) results.push(program.output);
  const readers = new Map<number, number>();
  const count = (value: number): void => {
    const seen = readers.get(value) ?? 0;
    readers.set(value, seen + 1);
    if (seen === 0) for (const source of sourcesOf(program, value)) count(source);
  };
  for (const value of results) count(value);

  const once = (value: number): boolean => readers.get(value) === 1;
  const product = (value: number): boolean => ops[value]?.op === "mul" && once(value) && masked(value) === null;
  const masked = (value: number): number | null => {
    const op = ops[value]!;
    if (op.op !== "mul") return null;
    const maskOf = (mask: number, of: number) => {
      const top = ops[mask]!;
      return top.op === "top" && top.a === of && once(mask);
    };
    return maskOf(op.b, op.a) ? op.b : maskOf(op.a, op.b) ? op.a : null;
  };
  const stored = (value: number): boolean => {
    const op = ops[value]!;
    return op.op === "input" && dtypes[op.slot] === "BF16" && once(value);
  };
  const fusedInto = (value: number): number | null => {
    const op = ops[value]!;
    if (op.op === "mul") return masked(value);
    if (op.op === "sub") return stored(op.a) ? op.a : null;
    if (op.op !== "add") return null;
    // When both sides are products, the later one is swallowed: the earlier has its register already.
    const [early, late] = op.a < op.b ? [op.a, op.b] : [op.b, op.a];
    if (product(late)) return late;
    return product(early) ? early : null;
  };
  const swallowed = new Set<number>();
  for (const value of readers.keys()) {
    const fused = fusedInto(value);
    if (fused !== null) swallowed.add(fused);
  }

  const order: Scheduled[] = [];
  const placed = new Set<number>();
  const place = (value: number): void => {
    if (placed.has(value)) return;
    placed.add(value);
    const fused = fusedInto(value);
    for (const source of operandsOf(program, value, fused)) if (sourcesOf(program, source).length === 0) place(source);
    order.push({ value, fused });
  };
  ops.forEach((op, value) => {
    const isLeaf = op.op === "input" || op.op === "random" || op.op === "uniform" || op.op === "along";
    if (readers.has(value) && !swallowed.has(value) && (!isLeaf || results.includes(value))) place(value);
  });
  return order;
}

/** Values an operation reads, after fusing: a * b + c reads three. */
export function operandsOf(program: Program, value: number, fused: number | null): readonly number[] {
  const sources = sourcesOf(program, value);
  if (fused === null) return sources;
  const [a, b] = sources;
  return [...sourcesOf(program, fused), a === fused ? b! : a!];
}

function sourcesOf(program: Program, value: number): readonly number[] {
  const op: Op | undefined = program.ops[value];
  if (op === undefined) throw malformed(program, `there is no value ${value}`);
  switch (op.op) {
    case "input":
    case "uniform":
    case "random":
    case "along":
      return [];
    case "where":
      return [op.a, op.b, op.c];
    case "top":
    case "tied":
    case "rank":
    case "neg":
    case "abs":
    case "sign":
    case "sqrt":
    case "exp":
    case "log":
      return [op.a];
    default:
      return [op.a, op.b];
  }
}

/** How often each value is read by an instruction. */
export function countUses(program: Program, order: readonly Scheduled[]): Map<number, number> {
  const uses = new Map<number, number>();
  const use = (value: number): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const { value, fused } of order) operandsOf(program, value, fused).forEach(use);
  for (const value of program.sums) use(value);
  for (const { value } of [...program.histograms, ...program.reductions]) use(value);
  if (program.output !== null) use(program.output);
  return uses;
}

/** The error for a program that breaks its own rules; a bug, not a person's mistake. */
export function malformed(program: Program, why: string): WeightloomError {
  return new WeightloomError("DeviceError", `The program ${program.key} cannot run: ${why}. Report this as a bug.`);
}
