/** Functions out of the graph's words, exact to a few units in the last place of f32. */
import { abs, add, div, exp, lt, max, min, mul, sub, type Tensor, where } from "../core/graph/tensor.ts";

/** A polynomial in x, lowest coefficient first, by Horner's rule. */
export const polynomial = (x: Tensor, [first = 0, ...rest]: readonly number[]): Tensor => {
  if (rest.length === 0) return mul(x, 0);
  const inner = rest.length === 1 ? mul(x, rest[0] ?? 0) : mul(x, polynomial(x, rest));
  return first === 0 ? inner : add(inner, first);
};

/** Hyperbolic tangent. Small arguments keep their relative precision: the series to x^9 below 0.35. */
export function tanh(x: Tensor): Tensor {
  const square = mul(x, x);
  const series = mul(x, polynomial(square, [1, -1 / 3, 2 / 15, -17 / 315, 62 / 2835]));
  // tanh(20) is 1 in f32, and e^40 fits.
  const grown = exp(mul(min(max(x, -20), 20), 2));
  return where(lt(abs(x), 0.35), series, div(sub(grown, 1), add(grown, 1)));
}

/** e^x - 1 - x, never below 0: how much e^x exceeds its tangent. Relative precision for small x. */
export function excess(x: Tensor): Tensor {
  const series = mul(mul(x, x), polynomial(x, [1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040]));
  return where(lt(abs(x), 0.35), series, sub(sub(exp(x), 1), x));
}
