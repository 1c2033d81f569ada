/**
 * The language a merge method is written in. A `Tensor` is a lazy, elementwise expression over the
 * models' tensors; a `Scalar` is a number that is known only after a pass over them (a sum, or
 * arithmetic on sums, done on the host in f64); a `Selection` is "the k largest magnitudes". Nothing
 * is computed here: `passes.ts` cuts the expression into as few sweeps over the data as it needs.
 *
 * Masks are tensors of 0 and 1.
 */
export type Unary = "neg" | "abs" | "sign" | "sqrt" | "exp" | "log" | "tanh";
export type Binary = "add" | "sub" | "mul" | "div" | "min" | "max" | "lt" | "le" | "gt" | "ge" | "eq" | "ne";

export type Tensor =
  | { readonly type: "tensor"; readonly op: "input"; readonly index: number }
  | { readonly type: "tensor"; readonly op: "fill"; readonly value: Scalar }
  | { readonly type: "tensor"; readonly op: Unary; readonly a: Tensor }
  | { readonly type: "tensor"; readonly op: Binary; readonly a: Tensor; readonly b: Tensor }
  | { readonly type: "tensor"; readonly op: "where"; readonly a: Tensor; readonly b: Tensor; readonly c: Tensor }
  /** `seed`: the key when it is not the tensor's own. */
  | {
      readonly type: "tensor";
      readonly op: "random";
      readonly stream: number;
      readonly seed?: readonly [number, number];
    }
  | { readonly type: "tensor"; readonly op: "top"; readonly selection: Selection }
  | { readonly type: "tensor"; readonly op: "along"; readonly vector: Vector }
  | { readonly type: "tensor"; readonly op: "rank"; readonly key: Tensor; readonly columns: number }
  | {
      readonly type: "tensor";
      readonly op: "outranks";
      readonly key: Tensor;
      readonly drawn: DrawnPlace;
      readonly columns: number;
    };

/** A place in a row that is drawn for each element: (random number of `stream` - least) * per, where `per` is above 0. */
export interface DrawnPlace {
  readonly stream: number;
  /** The key when it is not the tensor's own. */
  readonly seed?: readonly [number, number];
  readonly least: Scalar;
  readonly per: Scalar;
}

export type Scalar =
  /** `fixed`: part of the formula, whatever the parameters are. */
  | { readonly type: "scalar"; readonly op: "constant"; readonly value: number; readonly fixed?: true }
  | { readonly type: "scalar"; readonly op: "sum"; readonly tensor: Tensor }
  /** Magnitude of the selection's last element: the k-th largest. */
  | { readonly type: "scalar"; readonly op: "kth"; readonly selection: Selection }
  /** A number of the whole model: see `overall` and `overallKth`. */
  | { readonly type: "scalar"; readonly op: "overall"; readonly id: string; readonly part: Scalar }
  | {
      readonly type: "scalar";
      readonly op: "overallKth";
      readonly id: string;
      readonly key: Tensor;
      readonly share: number;
    }
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
  /** 1 to the number of elements, or a number that a sweep yields (rounded down; below 1 nothing is selected). */
  readonly k: Scalar;
}

/**
 * The tensor as a matrix: rows of `columns` consecutive elements (the last axis). A tensor of one axis is one row.
 * A vector has one number per row or one per column.
 */
export type Axis = "rows" | "columns";
export type Vector =
  | {
      readonly type: "vector";
      readonly op: "reduce";
      readonly how: "sum" | "max";
      readonly axis: Axis;
      readonly columns: number;
      readonly tensor: Tensor;
    }
  | {
      readonly type: "vector";
      readonly op: "map";
      readonly axis: Axis;
      readonly columns: number;
      readonly fn: (...values: number[]) => number;
      readonly args: readonly (Vector | Scalar)[];
    };

type Operand = Tensor | Scalar | number;

/** Model number `index`'s tensor, as f32. */
export const input = (index: number): Tensor => ({ type: "tensor", op: "input", index });
/** The same number everywhere. */
export const fill = (value: number | Scalar): Tensor => ({ type: "tensor", op: "fill", value: scalar(value) });

/** A number of the formula itself: programs say it, and share it, where a parameter is only told to them. Made once for each. */
export const fixed = (value: number): Tensor => ({
  type: "tensor",
  op: "fill",
  value: { type: "scalar", op: "constant", value, fixed: true },
});
export const ZERO = fixed(0);
export const ONE = fixed(1);
export const MINUS_ONE = fixed(-1);

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
/** e to the power of; relative error below 2e-7 on every engine. */
export const exp = unary("exp");
/** Natural logarithm; relative error below 2e-7 on every engine. 0 gives -Infinity, a negative number NaN. */
export const log = unary("log");
/**
 * Hyperbolic tangent; relative error below 5e-7 on the CPU, 1e-6 on a GPU. Of magnitudes below 2^-12 it is the number itself, to the
 * bit, and free where all numbers around are so small.
 */
export const tanh = unary("tanh");
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
 * Uniform numbers in [0, 1), one per element: Philox4x32-7 keyed by (run seed, tensor name, stream),
 * counted by element index, so independent of tiling, order and backend.
 */
export const random = (stream: number): Tensor => ({ type: "tensor", op: "random", stream });

/** 1 at the `k` elements of largest magnitude, else 0. Exact; ties go to the lowest index. */
export const top = (key: Tensor, k: number | Scalar): Tensor => ({
  type: "tensor",
  op: "top",
  selection: select(key, k),
});

const select = (key: Tensor, k: number | Scalar): Selection => ({ type: "selection", key, k: scalar(k) });

/** Magnitude of the k-th largest element (k from 1), exact. */
export const kth = (key: Tensor, k: number | Scalar): Scalar => ({
  type: "scalar",
  op: "kth",
  selection: select(key, k),
});

/**
 * Position of each element among its row in ascending order of magnitude, from 0; equal magnitudes in order of index.
 * @param columns elements of a row
 */
export const rank = (key: Tensor, columns: number): Tensor => ({ type: "tensor", op: "rank", key, columns });

/**
 * 1 where an element comes behind one of its row's others, in the order of `rank`; else 0. Which one is drawn: the place
 * (u - least) * per, u the element's number of `random(stream)`, is rounded down and counts the others in order of index, from 0 to
 * columns - 2. 1 where it is below 0, 0 from columns - 1 on.
 *
 * So with `per` = (columns - 1) / range an element of rank r has 1 with probability least + range * r / (columns - 1), and nobody has
 * to find a rank.
 * @param columns elements of a row, at least 2
 */
export const outranks = (
  key: Tensor,
  { stream, least, per }: { readonly stream: number; readonly least: number; readonly per: number },
  columns: number,
): Tensor => ({
  type: "tensor",
  op: "outranks",
  key,
  drawn: { stream, least: scalar(least), per: scalar(per) },
  columns,
});

const reduce =
  (how: "sum" | "max", axis: Axis) =>
  (tensor: Tensor, columns: number): Vector => ({ type: "vector", op: "reduce", how, axis, columns, tensor });

/** One sum per row (over its columns), f64. */
export const rowSums = reduce("sum", "rows");
/** One maximum per row. */
export const rowMaxima = reduce("max", "rows");
/** One sum per column (over all rows), f64. */
export const columnSums = reduce("sum", "columns");

/** Host arithmetic in f64 on vectors of one axis, element by element; scalars count for every element. */
export function mapVector(
  fn: (...values: number[]) => number,
  first: Vector,
  ...more: readonly (Vector | Scalar | number)[]
): Vector {
  const { axis, columns } = first;
  const args = [first, ...more].map((arg) => (typeof arg === "number" ? scalar(arg) : arg));
  return { type: "vector", op: "map", axis, columns, fn, args };
}

/** The number of its row or column, at every element, as f32. */
export const along = (vector: Vector): Tensor => ({ type: "tensor", op: "along", vector });

/**
 * The sum of `part` over all tensors of the result that name the same `id`: a number of the whole model. Costs one
 * reading of all of them before the first is written.
 */
export const overall = (id: string, part: Scalar): Scalar => ({ type: "scalar", op: "overall", id, part });

/** Magnitude such that `share` of all elements of the tensors that name the same `id` are as large or larger. */
export const overallKth = (id: string, key: Tensor, share: number): Scalar => ({
  type: "scalar",
  op: "overallKth",
  id,
  key,
  share,
});

export const scalar = (value: number | Scalar): Scalar =>
  typeof value === "number" ? { type: "scalar", op: "constant", value } : value;
/** The sum over all elements: f32 products, added per block (two and two in f32 or not at all, then in f64), then f64 across blocks in order. */
export const sum = (tensor: Tensor): Scalar => ({ type: "scalar", op: "sum", tensor });
export const dot = (a: Tensor, b: Tensor): Scalar => sum(mul(a, b));
/** Host arithmetic in f64 on numbers that a pass produced. */
export const map = (fn: (...values: number[]) => number, ...args: readonly (number | Scalar)[]): Scalar => ({
  type: "scalar",
  op: "map",
  fn,
  args: args.map(scalar),
});
