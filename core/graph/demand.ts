/**
 * What an expression needs, and when each part of it can be computed. A level is a number of sweeps: what has
 * level n is computable in sweep n (tensors) or known before it (numbers).
 */
import type { Overall, OverallKth, Reduced, SumScalar } from "./passes.ts";
import type { Scalar, Selection, Tensor, Vector } from "./tensor.ts";

export interface Demand {
  readonly sums: readonly SumScalar[];
  /** Sums that are settled with a selection: see `mass.ts`. */
  readonly masses: readonly { readonly sum: SumScalar; readonly selection: Selection }[];
  /** Keys whose high digits are counted, each once however many selections look at it. */
  readonly keys: readonly Tensor[];
  readonly selections: readonly Selection[];
  /** Whether a selection takes one sweep, by a window, or two, digit by digit. */
  readonly windowed: boolean;
  /** Selections whose mask is wanted, not only their threshold. */
  readonly topped: readonly Selection[];
  readonly reduced: readonly Reduced[];
  readonly overalls: readonly Overall[];
  readonly overallKths: readonly OverallKth[];
  /** Of a selection: the sweep that yields it, which counts its low digits or its window. */
  level(node: Tensor | Scalar | Selection | Vector): number;
  /** The sweep that yields the output. */
  readonly last: number;
  /** Levels before which all tensors must have come so far, ascending. */
  readonly barriers: readonly number[];
}

/**
 * Walks everything the output and the watched numbers need, once.
 * @param windowed see Demand
 */
export function collect(output: Tensor, watched: readonly Scalar[], windowed = false): Demand {
  const levels = new Map<Tensor | Scalar | Selection | Vector, number>();
  const sums: SumScalar[] = [];
  const masses: { sum: SumScalar; selection: Selection }[] = [];
  const keys = new Set<Tensor>();
  const selections: Selection[] = [];
  const topped = new Set<Selection>();
  const reduced: Reduced[] = [];
  const overalls: Overall[] = [];
  const overallKths: OverallKth[] = [];

  function visit(node: Tensor | Scalar | Selection | Vector): number {
    const known = levels.get(node);
    if (known !== undefined) return known;
    const level = compute(node);
    levels.set(node, level);
    return level;
  }

  function compute(node: Tensor | Scalar | Selection | Vector): number {
    if (node.type === "selection") {
      selections.push(node);
      if (!windowed) keys.add(node.key);
      return Math.max(visit(node.key) + (windowed ? 0 : 1), visit(node.k));
    }
    if (node.type === "vector") {
      if (node.op === "map") return Math.max(0, ...node.args.map(visit));
      reduced.push(node);
      return visit(node.tensor) + 1;
    }
    switch (node.op) {
      case "input":
      case "random":
      case "constant":
        return 0;
      case "fill":
        return visit(node.value);
      case "top":
        topped.add(node.selection);
        return visit(node.selection) + 1;
      case "kth":
        return visit(node.selection) + 1;
      case "sum": {
        const selection = windowed ? chosenIn(node) : null;
        if (selection !== null) {
          masses.push({ sum: node, selection });
          topped.add(selection);
          return visit(selection) + 1;
        }
        sums.push(node);
        return visit(node.tensor) + 1;
      }
      case "overall":
        overalls.push(node);
        return Math.max(1, visit(node.part));
      case "overallKth":
        overallKths.push(node);
        keys.add(node.key);
        return visit(node.key) + 2;
      case "map":
        return Math.max(0, ...node.args.map(visit));
      case "where":
        return Math.max(visit(node.a), visit(node.b), visit(node.c));
      case "neg":
      case "abs":
      case "sign":
      case "sqrt":
      case "exp":
      case "log":
      case "tanh":
        return visit(node.a);
      case "along":
        return visit(node.vector);
      case "rank":
        return visit(node.key);
      case "outranks":
        return Math.max(visit(node.key), visit(node.drawn.least), visit(node.drawn.per));
      default:
        return Math.max(visit(node.a), visit(node.b));
    }
  }

  const last = Math.max(visit(output), ...watched.map((scalar) => visit(scalar) - 1));
  const level = (node: Tensor | Scalar | Selection | Vector) => levels.get(node) ?? 0;
  const barriers = new Set([
    ...overalls.map(level),
    ...overallKths.flatMap((one) => [level(one.key) + 1, level(one.key) + 2]),
  ]);
  return {
    sums,
    masses,
    keys: [...keys],
    selections,
    windowed,
    topped: [...topped],
    reduced,
    overalls,
    overallKths,
    level,
    last,
    barriers: [...barriers].sort((a, b) => a - b),
  };
}

/** The selection, where a sum is that of the magnitudes which it chooses from its key. However it is made, it is exact (mass.ts). */
export function chosenIn({ tensor }: SumScalar): Selection | null {
  const kept = tensor.op === "abs" ? tensor.a : null;
  if (kept?.op !== "where" || kept.a.op !== "top" || kept.c.op !== "fill") return null;
  const { value } = kept.c;
  const isRest0 = value.op === "constant" && value.fixed === true && value.value === 0;
  return isRest0 && kept.a.selection.key === kept.b ? kept.a.selection : null;
}
