/**
 * The language a merge method is written in. A `Tensor` is a lazy, elementwise expression over the
 * models' tensors; a `Scalar` is a number that is known only after a pass over them (a sum, or
 * arithmetic on sums, done on the host in f64); a `Selection` is "the k largest magnitudes". Nothing
 * is computed here: `passes.ts` cuts the expression into as few sweeps over the data as it needs.
 *
 * Masks are tensors of 0 and 1.
 */
export type Unary = "neg" | "abs" | "sign" | "sqrt";
export type Binary = "add" | "sub" | "mul" | "div" | "min" | "max" | "lt" | "le" | "gt" | "ge" | "eq" | "ne";

export type Tensor =
  | { readonly type: "tensor"; readonly op: "input"; readonly index: number }
  | { readonly type: "tensor"; readonly op: "fill"; readonly value: Scalar }
  | { readonly type: "tensor"; readonly op: Unary; readonly a: Tensor }
  | { readonly type: "tensor"; readonly op: Binary; readonly a: Tensor; readonly b: Tensor }
  | { readonly type: "tensor"; readonly op: "where"; readonly a: Tensor; readonly b: Tensor; readonly c: Tensor }
  | { readonly type: "tensor"; readonly op: "random"; readonly stream: number }
  | { readonly type: "tensor"; readonly op: "top"; readonly selection: Selection };

export type Scalar =
  | { readonly type: "scalar"; readonly op: "constant"; readonly value: number }
  | { readonly type: "scalar"; readonly op: "sum"; readonly tensor: Tensor }
  | {
      readonly type: "scalar";
      readonly op: "map";
      readonly fn: (...values: number[]) => number;
      readonly args: readonly Scalar[];
    };

/** The `k` elements of largest magnitude; equal magnitudes go to the lowest index first. */
export interface Selection {
  readonly type: "selection";
  readonly key: Tensor;
  readonly k: number;
}

type Operand = Tensor | Scalar | number;

/** Model number `index`'s tensor, as f32. */
export const input = (index: number): Tensor => ({ type: "tensor", op: "input", index });
/** The same number everywhere. */
export const fill = (value: number | Scalar): Tensor => ({ type: "tensor", op: "fill", value: scalar(value) });

const lift = (x: Operand): Tensor => (typeof x === "object" && x.type === "tensor" ? x : fill(x));
const unary =
  (op: Unary) =>
  (a: Operand): Tensor => ({ type: "tensor", op, a: lift(a) });
const binary =
  (op: Binary) =>
  (a: Operand, b: Operand): Tensor => ({ type: "tensor", op, a: lift(a), b: lift(b) });

export const neg = unary("neg");
export const abs = unary("abs");
/** -1, 0 or 1. */
export const sign = unary("sign");
export const sqrt = unary("sqrt");
export const add = binary("add");
export const sub = binary("sub");
export const mul = binary("mul");
export const div = binary("div");
export const min = binary("min");
export const max = binary("max");
export const lt = binary("lt");
export const le = binary("le");
export const gt = binary("gt");
export const ge = binary("ge");
export const eq = binary("eq");
export const ne = binary("ne");

/** `a` where the mask is 1, `b` where it is 0. */
export const where = (mask: Tensor, a: Operand, b: Operand): Tensor => ({
  type: "tensor",
  op: "where",
  a: mask,
  b: lift(a),
  c: lift(b),
});

/** Sum of many tensors, in order. */
export const total = (terms: readonly Tensor[]): Tensor => terms.reduce((sum, term) => add(sum, term));

/**
 * Uniform numbers in [0, 1), one per element: Philox4x32-10 keyed by (run seed, tensor name, stream),
 * counted by element index, so independent of tiling, order and backend.
 */
export const random = (stream: number): Tensor => ({ type: "tensor", op: "random", stream });

/** 1 at the `k` elements of largest magnitude, else 0. Exact; ties go to the lowest index. */
export const top = (key: Tensor, k: number): Tensor => ({
  type: "tensor",
  op: "top",
  selection: { type: "selection", key, k },
});

export const scalar = (value: number | Scalar): Scalar =>
  typeof value === "number" ? { type: "scalar", op: "constant", value } : value;
/** The sum over all elements: f32 products, added per block, then f64 across blocks in order. */
export const sum = (tensor: Tensor): Scalar => ({ type: "scalar", op: "sum", tensor });
export const dot = (a: Tensor, b: Tensor): Scalar => sum(mul(a, b));
/** Host arithmetic in f64 on numbers that a pass produced. */
export const map = (fn: (...values: number[]) => number, ...args: readonly (number | Scalar)[]): Scalar => ({
  type: "scalar",
  op: "map",
  fn,
  args: args.map(scalar),
});
