/**
 * Cuts an expression into as few sweeps over the data as it needs. A number that a sweep yields (a
 * sum, a selection's threshold) is available to the sweeps after it; everything elementwise between
 * two such numbers is fused into one program.
 *
 * A selection of the k largest takes three sweeps: a histogram of the magnitude's high bits, one of
 * its low bits within the bin that holds the k-th, and, only when equal magnitudes straddle the cut, a
 * count of the equal ones per block followed by a look into a single block.
 */
import { type Builder, createBuilder } from "./builder.ts";
import type { Program } from "./program.ts";
import type { Scalar, Selection, Tensor } from "./tensor.ts";

/** What a uniform word of a program holds; settled on the host before the sweep. */
export type Uniform =
  | { readonly kind: "value"; readonly scalar: Scalar } // f32
  | { readonly kind: "threshold"; readonly selection: Selection } // magnitude bits of the k-th largest
  | { readonly kind: "cut"; readonly selection: Selection } // last index kept among equals, tile-relative, i32
  | { readonly kind: "digit"; readonly selection: Selection } // high digit of the threshold
  | { readonly kind: "key"; readonly stream: number; readonly half: 0 | 1 }; // Philox key

export type SumScalar = Extract<Scalar, { op: "sum" }>;

export interface Fused {
  readonly program: Program;
  readonly uniforms: readonly Uniform[];
}

export interface Pass extends Fused {
  /** What the program's sums are: sums of the expression first, then counts of equals. */
  readonly sums: readonly SumScalar[];
  readonly tied: readonly Selection[];
  /** What its histograms are: high digits first, then low digits. */
  readonly high: readonly Selection[];
  readonly low: readonly Selection[];
  /** For each of `tied`: a program whose output is the selection's key, for the look into one block. */
  readonly probes: readonly Fused[];
}

/**
 * @returns the sweeps in order; the last one yields the tensor. One sweep for purely elementwise methods.
 */
export function passesOf(output: Tensor): Pass[] {
  const demand = collect(output);
  const last = demand.level(output);
  return Array.from({ length: last + 1 }, (_, level) => passAt(level, last, output, demand));
}

function passAt(level: number, last: number, output: Tensor, demand: Demand): Pass {
  const builder = createBuilder();
  const sums = demand.sums.filter((sum) => demand.level(sum.tensor) === level);
  const at = (offset: number) => demand.selections.filter((s) => demand.level(s.key) + offset === level);
  const [high, low, tied] = [at(0), at(1), at(2)];
  const summed = [...sums.map((sum) => builder.value(sum.tensor)), ...tied.map((selection) => builder.tied(selection))];
  const histograms = [
    ...high.map((s) => ({ value: builder.value(s.key), digit: "high", word: null }) as const),
    ...low.map((s) => ({ value: builder.value(s.key), digit: "low", word: builder.digit(s) }) as const),
  ];
  const result = level === last ? builder.value(output) : null;
  return {
    ...builder.finish({ sums: summed, histograms, output: result }),
    sums,
    tied,
    high,
    low,
    probes: tied.map(probe),
  };
}

function probe(selection: Selection): Fused {
  const builder: Builder = createBuilder();
  const value = builder.value(selection.key);
  return builder.finish({ sums: [], histograms: [], output: value });
}

interface Demand {
  readonly sums: readonly SumScalar[];
  readonly selections: readonly Selection[];
  /** The first sweep in which a tensor's values can be computed. */
  level(tensor: Tensor): number;
}

/** Walks everything the output needs, once, and notes when each part becomes computable. */
function collect(output: Tensor): Demand {
  const levels = new Map<Tensor | Scalar | Selection, number>();
  const sums: SumScalar[] = [];
  const selections: Selection[] = [];

  function visit(node: Tensor | Scalar | Selection): number {
    const known = levels.get(node);
    if (known !== undefined) return known;
    const level = compute(node);
    levels.set(node, level);
    return level;
  }

  function compute(node: Tensor | Scalar | Selection): number {
    if (node.type === "selection") {
      selections.push(node);
      return visit(node.key) + 3;
    }
    switch (node.op) {
      case "input":
      case "random":
      case "constant":
        return 0;
      case "fill":
        return visit(node.value);
      case "top":
        return Math.max(visit(node.selection), visit(node.selection.key));
      case "sum":
        sums.push(node);
        return visit(node.tensor) + 1;
      case "map":
        return Math.max(0, ...node.args.map(visit));
      case "where":
        return Math.max(visit(node.a), visit(node.b), visit(node.c));
      case "neg":
      case "abs":
      case "sign":
      case "sqrt":
        return visit(node.a);
      default:
        return Math.max(visit(node.a), visit(node.b));
    }
  }

  visit(output);
  return { sums, selections, level: (tensor) => levels.get(tensor) ?? 0 };
}
