/**
 * Which masks are worth keeping between sweeps: those made of random numbers, ranks or exponentials that more than one
 * sweep of a round reads. A plane of them takes one bit per element.
 */
import type { Tensor } from "./tensor.ts";

export interface Plane {
  readonly number: number;
  /** The sweep that makes it. */
  readonly level: number;
  /** Tiles, and planes with them, are held within a round. */
  readonly round: number;
}

/** About how many simple operations an operation is. */
const COST = { random: 30, rank: 100, exp: 20, log: 20 } as const;
/** From here on a mask is dearer than a bit in memory. */
const DEAR = 20;

/** @param sweeps of each sweep in order: its round, and the tensors it is asked for */
export function planesOf(
  sweeps: readonly { readonly round: number; readonly roots: readonly Tensor[] }[],
): Map<Tensor, Plane> {
  const first = new Map<Tensor, Omit<Plane, "number">>();
  const planes = new Map<Tensor, Plane>();
  for (const [level, { round, roots }] of sweeps.entries()) {
    const seen = new Set<Tensor>();
    const visit = (tensor: Tensor): void => {
      if (seen.has(tensor)) return;
      seen.add(tensor);
      if (!isMask(tensor) || costOf(tensor) < DEAR) {
        for (const operand of operandsOf(tensor)) visit(operand);
        return;
      }
      const before = first.get(tensor);
      if (before === undefined) first.set(tensor, { level, round });
      else if (before.round === round && !planes.has(tensor)) planes.set(tensor, { ...before, number: planes.size });
    };
    for (const root of roots) visit(root);
  }
  return planes;
}

const MASKS: ReadonlySet<string> = new Set(["lt", "le", "gt", "ge", "eq", "ne"]);
const isMask = ({ op }: Tensor) => MASKS.has(op);

const costs = new WeakMap<Tensor, number>();

/** Operations it takes to make a tensor from stored ones. */
function costOf(tensor: Tensor): number {
  const known = costs.get(tensor);
  if (known !== undefined) return known;
  const own = tensor.op in COST ? COST[tensor.op as keyof typeof COST] : 1;
  const cost = operandsOf(tensor).reduce((sum, operand) => sum + costOf(operand), own);
  costs.set(tensor, cost);
  return cost;
}

function operandsOf(tensor: Tensor): readonly Tensor[] {
  if (tensor.op === "rank") return [tensor.key];
  if (tensor.op === "top") return [tensor.selection.key];
  if ("c" in tensor) return [tensor.a, tensor.b, tensor.c];
  if ("b" in tensor) return [tensor.a, tensor.b];
  return "a" in tensor ? [tensor.a] : [];
}
