/**
 * Which values are worth keeping between sweeps: what is made of random numbers, ranks or exponentials and read by more
 * than one sweep of a round. A mask takes one bit per element, other values 32.
 */
import type { PlaneBits } from "./program.ts";
import type { Tensor } from "./tensor.ts";

export interface Plane {
  readonly number: number;
  /** The sweep that makes it. */
  readonly level: number;
  /** Tiles, and planes with them, are held within a round. */
  readonly round: number;
  readonly bits: PlaneBits;
}

/** Bits that a plane may have at most: 1 keeps masks alone, 0 nothing. */
export type Widest = 0 | PlaneBits;

/** About how many simple operations an operation is. */
const COST = { random: 30, outranks: 40, rank: 100, exp: 20, log: 20, tanh: 20 } as const;
/** From here on a value is dearer than its bits in memory. */
const DEAR = { 1: 20, 32: 40 } as const;

/** @param sweeps of each sweep in order: its round, and the tensors it is asked for */
export function planesOf(
  sweeps: readonly { readonly round: number; readonly roots: readonly Tensor[] }[],
  widest: Widest,
): Map<Tensor, Plane> {
  const first = new Map<Tensor, Omit<Plane, "number">>();
  const planes = new Map<Tensor, Plane>();
  if (widest === 0) return planes;
  for (const [level, { round, roots }] of sweeps.entries()) {
    const seen = new Set<Tensor>();
    const visit = (tensor: Tensor): void => {
      if (seen.has(tensor)) return;
      seen.add(tensor);
      const bits = dear(tensor, widest);
      const before = first.get(tensor);
      if (bits !== null && before === undefined) first.set(tensor, { level, round, bits });
      else if (bits !== null && before?.round === round && before.level < level) {
        if (!planes.has(tensor)) planes.set(tensor, { ...before, number: planes.size });
        return;
      }
      // What a mask hides is not asked for by itself; what a number hides may be, in a later sweep, where the number is not.
      if (bits !== 1) for (const operand of operandsOf(tensor)) visit(operand);
    };
    for (const root of roots) visit(root);
  }
  return planes;
}

/** The bits of its plane, if a value is worth one. */
function dear(tensor: Tensor, widest: PlaneBits): PlaneBits | null {
  if (MASKS.has(tensor.op)) return costOf(tensor) >= DEAR[1] ? 1 : null;
  return widest === 32 && costOf(tensor) >= DEAR[32] ? 32 : null;
}

const MASKS: ReadonlySet<string> = new Set(["lt", "le", "gt", "ge", "eq", "ne", "outranks"]);

const costs = new WeakMap<Tensor, number>();

/** Operations it takes to make a tensor from stored ones; dear masks are stored. */
function costOf(tensor: Tensor): number {
  const known = costs.get(tensor);
  if (known !== undefined) return known;
  let cost = 0;
  const seen = new Set<Tensor>();
  const visit = (one: Tensor): void => {
    if (seen.has(one)) return;
    seen.add(one);
    if (one !== tensor && MASKS.has(one.op) && costOf(one) >= DEAR[1]) return;
    cost += one.op in COST ? COST[one.op as keyof typeof COST] : 1;
    for (const operand of operandsOf(one)) visit(operand);
  };
  visit(tensor);
  costs.set(tensor, cost);
  return cost;
}

export function operandsOf(tensor: Tensor): readonly Tensor[] {
  if (tensor.op === "rank" || tensor.op === "outranks") return [tensor.key];
  if (tensor.op === "top") return [tensor.selection.key];
  if ("c" in tensor) return [tensor.a, tensor.b, tensor.c];
  if ("b" in tensor) return [tensor.a, tensor.b];
  return "a" in tensor ? [tensor.a] : [];
}
