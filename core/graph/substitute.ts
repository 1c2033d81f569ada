/**
 * An expression over other inputs: every `input` replaced, everything else rebuilt around it, shared parts once. It is
 * how the result of one merge becomes part of the next without being written in between.
 */
import type { DrawnPlace, Scalar, Selection, Tensor, Vector } from "./tensor.ts";

export interface Substitution {
  /** What stands for input number `index`. */
  readonly input: (index: number) => Tensor;
  /** Key of the random numbers drawn in it, so that they are the same wherever the expression ends up. */
  readonly seed: readonly [number, number];
}

/** One function for any number of expressions, so that what they share stays shared. */
export function substitution({ input, seed }: Substitution): {
  readonly tensor: (tensor: Tensor) => Tensor;
  readonly scalar: (scalar: Scalar) => Scalar;
} {
  const done = new Map<object, object>();
  const once =
    <T extends object>(rebuild: (node: T) => T) =>
    (node: T): T => {
      const known = done.get(node) as T | undefined;
      if (known !== undefined) return known;
      const made = rebuild(node);
      done.set(node, made);
      return made;
    };

  const tensor: (node: Tensor) => Tensor = once((node) => {
    switch (node.op) {
      case "input":
        return input(node.index);
      case "fill":
        return { ...node, value: scalar(node.value) };
      case "random":
        return { ...node, seed: node.seed ?? seed };
      case "top":
        return { ...node, selection: selection(node.selection) };
      case "along":
        return { ...node, vector: vector(node.vector) };
      case "rank":
        return { ...node, key: tensor(node.key) };
      case "outranks":
        return { ...node, key: tensor(node.key), drawn: drawn(node.drawn) };
      case "where":
        return { ...node, a: tensor(node.a), b: tensor(node.b), c: tensor(node.c) };
      case "neg":
      case "abs":
      case "sign":
      case "sqrt":
      case "exp":
      case "log":
      case "tanh":
        return { ...node, a: tensor(node.a) };
      default:
        return { ...node, a: tensor(node.a), b: tensor(node.b) };
    }
  });
  const drawn = (place: DrawnPlace): DrawnPlace => ({
    ...place,
    seed: place.seed ?? seed,
    least: scalar(place.least),
    per: scalar(place.per),
  });
  const scalar: (node: Scalar) => Scalar = once((node) => {
    switch (node.op) {
      case "constant":
        return node;
      case "sum":
        return { ...node, tensor: tensor(node.tensor) };
      case "kth":
        return { ...node, selection: selection(node.selection) };
      case "overall":
        return { ...node, part: scalar(node.part) };
      case "overallKth":
        return { ...node, key: tensor(node.key) };
      case "map":
        return { ...node, args: node.args.map(scalar) };
      default:
        return node satisfies never;
    }
  });
  const selection: (node: Selection) => Selection = once((node) => ({
    ...node,
    key: tensor(node.key),
    k: scalar(node.k),
  }));
  const vector: (node: Vector) => Vector = once((node) =>
    node.op === "reduce"
      ? { ...node, tensor: tensor(node.tensor) }
      : { ...node, args: node.args.map((arg) => (arg.type === "vector" ? vector(arg) : scalar(arg))) },
  );
  return { tensor, scalar };
}
