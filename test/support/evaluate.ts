/**
 * What every word of core/graph/tensor.ts means, the shortest way: one expression over small arrays in f64, no
 * sweeps, no tiles. Methods are held against it, and so are the engines. Random numbers are the caller's.
 * Numbers of the whole model are those of the one tensor.
 */
import type { Scalar, Selection, Tensor, Vector } from "../../core/graph/tensor.ts";

export interface Given {
  readonly inputs: readonly (readonly number[])[];
  /** Uniform numbers in [0, 1) of a stream. */
  readonly random?: (stream: number, index: number) => number;
}

export function evaluate(tensor: Tensor, given: Given): number[] {
  return createEvaluator(given).tensor(tensor);
}

export function createEvaluator({ inputs, random }: Given) {
  const count = inputs[0]?.length ?? 0;
  const known = new Map<Tensor | Scalar | Vector | Selection, unknown>();
  const once =
    <N extends Tensor | Scalar | Vector | Selection, V>(compute: (node: N) => V) =>
    (node: N): V => {
      if (!known.has(node)) known.set(node, compute(node));
      return known.get(node) as V;
    };
  const each = (value: (i: number) => number) => Array.from({ length: count }, (_, i) => value(i));

  const tensor = once((node: Tensor): number[] => {
    switch (node.op) {
      case "input":
        return [...(inputs[node.index] ?? [])];
      case "fill": {
        const value = scalar(node.value);
        return each(() => value);
      }
      case "random":
        return each((i) => random?.(node.stream, i) ?? Number.NaN);
      case "top": {
        const chosen = new Set(largest(node.selection));
        return each((i) => Number(chosen.has(i)));
      }
      case "rank": {
        const key = tensor(node.key).map(Math.abs);
        const { columns } = node;
        return each((i) => {
          const start = i - (i % columns);
          let before = 0;
          for (let j = start; j < start + columns; j++) {
            if (key[j]! < key[i]! || (key[j] === key[i] && j < i)) before++;
          }
          return before;
        });
      }
      case "outranks": {
        const key = tensor(node.key).map(Math.abs);
        const { columns, drawn } = node;
        const [least, per] = [scalar(drawn.least), scalar(drawn.per)];
        return each((i) => {
          const place = ((random?.(drawn.stream, i) ?? Number.NaN) - least) * per;
          if (!(place >= 0)) return Number(place < 0);
          if (place >= columns - 1) return 0;
          const start = i - (i % columns);
          const others = Array.from({ length: columns }, (_, j) => start + j).filter((j) => j !== i);
          const other = others[Math.floor(place)]!;
          return Number(key[other]! < key[i]! || (key[other] === key[i] && other < i));
        });
      }
      case "along": {
        const { axis, columns } = node.vector;
        const values = vector(node.vector);
        return each((i) => values[axis === "rows" ? Math.floor(i / columns) : i % columns]!);
      }
      case "where": {
        const [a, b, c] = [tensor(node.a), tensor(node.b), tensor(node.c)];
        return each((i) => (a[i] !== 0 ? b[i]! : c[i]!));
      }
      case "neg":
      case "abs":
      case "sign":
      case "sqrt":
      case "exp":
      case "log":
      case "tanh": {
        const a = tensor(node.a);
        const of = {
          neg: (x: number) => -x,
          abs: Math.abs,
          sign: Math.sign,
          sqrt: Math.sqrt,
          exp: Math.exp,
          log: Math.log,
          tanh: Math.tanh,
        };
        return each((i) => of[node.op](a[i]!));
      }
      default: {
        const [a, b] = [tensor(node.a), tensor(node.b)];
        return each((i) => BINARY[node.op](a[i]!, b[i]!));
      }
    }
  });

  const scalar = once((node: Scalar): number => {
    switch (node.op) {
      case "constant":
        return node.value;
      case "sum":
        return tensor(node.tensor).reduce((a, b) => a + b, 0);
      case "map":
        return node.fn(...node.args.map(scalar));
      case "overall":
        return scalar(node.part);
      case "kth":
        return Math.abs(tensor(node.selection.key)[largest(node.selection).at(-1) ?? -1] ?? Number.POSITIVE_INFINITY);
      case "overallKth": {
        const sizes = tensor(node.key)
          .map(Math.abs)
          .sort((a, b) => b - a);
        return sizes[Math.max(1, Math.floor(node.share * count)) - 1] ?? Number.NaN;
      }
      default:
        return node satisfies never;
    }
  });

  const vector = once((node: Vector): number[] => {
    const { axis, columns } = node;
    const length = axis === "rows" ? Math.ceil(count / columns) : columns;
    if (node.op === "map") {
      const args = node.args.map((arg) => {
        if (arg.type === "vector") return vector(arg);
        const value = scalar(arg);
        return Array.from({ length }, () => value);
      });
      return Array.from({ length }, (_, i) => node.fn(...args.map((arg) => arg[i]!)));
    }
    const values = tensor(node.tensor);
    const groups = Array.from({ length }, (): number[] => []);
    for (const [i, value] of values.entries())
      groups[axis === "rows" ? Math.floor(i / columns) : i % columns]!.push(value);
    return groups.map((group) => (node.how === "max" ? Math.max(...group) : group.reduce((a, b) => a + b, 0)));
  });

  /** Indices of the k largest magnitudes, largest first. */
  const largest = once((node: Selection): number[] => {
    const key = tensor(node.key).map(Math.abs);
    const order = key.map((_, i) => i).sort((a, b) => key[b]! - key[a]! || a - b);
    return order.slice(0, Math.max(0, Math.floor(scalar(node.k))));
  });

  return { tensor, scalar, vector };
}

const BINARY = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  min: Math.min,
  max: Math.max,
  lt: (a: number, b: number) => Number(a < b),
  le: (a: number, b: number) => Number(a <= b),
  gt: (a: number, b: number) => Number(a > b),
  ge: (a: number, b: number) => Number(a >= b),
  eq: (a: number, b: number) => Number(a === b),
  ne: (a: number, b: number) => Number(a !== b),
};
