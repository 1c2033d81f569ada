/** Functions out of the graph's words, exact to a few units in the last place of f32. */
import { abs, add, exp, lt, mul, ONE, sub, type Tensor, where } from "../core/graph/tensor.ts";

/** A polynomial in x, lowest coefficient first, by Horner's rule. */
export const polynomial = (x: Tensor, [first = 0, ...rest]: readonly number[]): Tensor => {
  if (rest.length === 0) return mul(x, 0);
  const inner = rest.length === 1 ? mul(x, rest[0] ?? 0) : mul(x, polynomial(x, rest));
  return first === 0 ? inner : add(inner, first);
};

/** e^x - 1 - x, never below 0: how much e^x exceeds its tangent. Relative precision for small x; the smaller, the fewer terms. */
export function excess(x: Tensor): Tensor {
  const [size, square] = [abs(x), mul(x, x)];
  const near = mul(square, polynomial(x, [1 / 2, 1 / 6, 1 / 24]));
  const series = mul(square, polynomial(x, [1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040]));
  return where(lt(size, 2 ** -7), near, where(lt(size, 0.35), series, sub(sub(exp(x), ONE), x)));
}

/**
 * e^x for x from 0 to `most`, 2 to 4 being usual, at less than half of what `exp` costs, which serves all numbers: a polynomial fitted to e^y
 * for y up to 1/2 (relative error 1.2e-8, 1 at 0), squared until y is x. In f32 the relative error is below 1e-6; where that does
 * not suffice, because there would be much to square, `exp` it is.
 * @param x is asked for the number times a power of two, which may cost nothing where it is made
 */
export function expUpTo(x: (scale: number) => Tensor, most: number): Tensor {
  const squarings = Math.max(0, Math.ceil(Math.log2(2 * most)));
  if (squarings > 3) return exp(x(1));
  const y = x(2 ** -squarings);
  const square = mul(y, y);
  // Pairs of terms first: half as long a chain as Horner's, which the processor would wait for.
  const pair = (high: number, low: number) => add(mul(y, high), low);
  const upper = add(mul(pair(0.01063258, 0.04038077), square), pair(0.16698422, 0.49996635));
  let power = add(add(mul(upper, square), mul(y, 1.00000114)), ONE);
  for (let i = 0; i < squarings; i++) power = mul(power, power);
  return power;
}
