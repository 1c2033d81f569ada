/**
 * Functions of f32. Exponential and natural logarithm are made after the range reductions and polynomials of Cephes' expf and
 * logf (Moshier), as in shaders/logarithm.wgsl; a result too small for a normal number is 0.
 */
import type { Lanes, Value } from "./lanes.ts";

/** Horner's rule, highest coefficient first. */
function polynomial(v: Lanes, x: Value, [highest = 0, ...rest]: readonly number[]): Value {
  return rest.reduce((y, c) => v.add(v.mul(y, x), v.floats(c)), v.floats(highest));
}

/** Up to here n is 0. */
const UNREDUCED = 0.34;

/**
 * e^a = 2^n e^r with |r| <= ln(2) / 2; ln(2) in two parts, so that n times the first is exact. Where n is 0 for all four, as it is for
 * weights, e^r is all there is to make, and r is a to the bit.
 */
export function exp(v: Lanes, a: Value): Value {
  const far = v.greaterI(v.and(a, v.bits(0x7fffffff)), v.floats(UNREDUCED));
  return v.unlessAny(
    far,
    () => expNear(v, a),
    () => {
      // With 1.5 * 2^23 added a number is rounded to a whole one, which its lowest bits are. Out of range it is anything, see below.
      const whole = v.add(v.mul(a, v.floats(Math.LOG2E)), v.floats(12582912));
      const n = v.sub(whole, v.floats(12582912));
      const r = v.sub(v.sub(a, v.mul(n, v.floats(0.693359375))), v.mul(n, v.floats(-2.1219444e-4)));
      const scaled = v.addI(expNear(v, r), v.shiftLeft(whole, 23));
      const capped = v.select(v.bits(0x7f800000), scaled, v.gt(a, v.bits(0x42b17217)));
      const floored = v.andNot(capped, v.lt(a, v.bits(0xc2aeac50)));
      return v.select(floored, a, v.eq(a, a));
    },
  );
}

/** e^r for r near 0. */
function expNear(v: Lanes, r: Value): Value {
  // Pairs of terms first (Estrin): half as long a chain as Horner's, which the processor would wait for.
  const square = v.mul(r, r);
  const pair = (high: number, low: number) => v.add(v.mul(r, v.floats(high)), v.floats(low));
  const upper = v.add(v.mul(pair(1.98756915e-4, 1.3981999507e-3), square), pair(8.3334519073e-3, 4.1665795894e-2));
  const series = v.add(v.mul(upper, square), pair(1.6666665459e-1, 5.0000001201e-1));
  return v.add(v.add(v.mul(series, square), r), v.floats(1));
}

/** ln(a) = e ln(2) + ln(1 + x) with 1 + x between sqrt(1/2) and sqrt(2). */
export function log(v: Lanes, a: Value): Value {
  // A subnormal's bits, as a number, are the number times 2^149.
  const tiny = v.lessI(a, v.bits(0x00800000));
  const bits = v.select(v.fromI32(a), a, tiny);
  const above = v.subI(bits, v.bits(0x3f3504f3));
  const power = v.subI(v.shiftRight(above, 23), v.and(tiny, v.bits(149)));
  const e = v.fromI32(power);
  const m = v.addI(v.and(above, v.bits(0x007fffff)), v.bits(0x3f3504f3));
  const x = v.sub(m, v.floats(1));
  const z = v.mul(x, x);
  const series = polynomial(
    v,
    x,
    [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
      2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    ],
  );
  const low = v.add(v.mul(v.mul(series, x), z), v.mul(e, v.floats(-2.1219444e-4)));
  const rest = v.sub(low, v.mul(z, v.floats(0.5)));
  const sum = v.add(v.add(x, rest), v.mul(e, v.floats(0.693359375)));
  // Infinity and NaN stay; zeros give -Infinity; what is below gives NaN.
  const large = v.select(a, sum, v.greaterOrEqualI(a, v.bits(0x7f800000)));
  const zero = v.select(v.bits(0xff800000), large, v.eq(a, v.floats(0)));
  return v.select(v.bits(0x7fc00000), zero, v.greaterU(a, v.bits(0x80000000)));
}

/** Below 2^-12, tanh(x) is x in f32: the next term of its series is less than half a unit in the last place. */
const ITSELF = 0x39800000;

/**
 * Hyperbolic tangents: x P(x^2) / Q(x^2) with the quotient fitted to tanh(x) / x for the least largest relative error up to 9,
 * 2.2e-8, beyond which tanh is 1 in f32. In f32 the relative error is below 5e-7, the result odd to the bit; it may exceed 1
 * by 2.4e-7. NaN stays NaN. As in shaders/tanh.wgsl. One look tells whether any of them all is to be made.
 */
export function tanh(v: Lanes, xs: readonly Value[]): Value[] {
  const far = xs.map((x) => v.greaterI(v.and(x, v.bits(0x7fffffff)), v.bits(ITSELF - 1)));
  const any = far.reduce((some, more) => v.or(some, more));
  return v.whereAny(any, xs, () =>
    xs.map((x, i) => {
      const within = v.lesser(v.greater(x, v.floats(-9)), v.floats(9));
      const square = v.mul(within, within);
      const above = polynomial(v, square, [1.3419828e-8, 2.0661267e-5, 3.4989963e-3, 0.1338398, 1]);
      const below = polynomial(v, square, [7.8047317e-7, 3.2910388e-4, 2.5890207e-2, 0.46717302, 1]);
      return v.select(v.div(v.mul(within, above), below), x, far[i]!);
    }),
  );
}

/** +-1 where the number is not zero; zeros and NaN stay what they are. */
export function sign(v: Lanes, a: Value): Value {
  const unit = v.or(v.and(a, v.bits(0x80000000)), v.floats(1));
  return v.select(unit, a, v.gt(v.abs(a), v.floats(0)));
}

/**
 * The smaller or larger of a number and one that is the same all along, as JavaScript means it: NaN wins, and -0 is below
 * 0. The machine's own takes `a` where neither is less; `same` mends that, made of the second number before the loop:
 * NaN of a NaN, else zero with its sign.
 */
export const minSame = (v: Lanes, a: Value, b: Value, same: Value): Value => v.or(v.lesser(a, b), same);
export const maxSame = (v: Lanes, a: Value, b: Value, same: Value): Value => v.add(v.greater(a, b), same);
export const sameOf = (v: Lanes, b: Value): Value => v.select(b, v.and(b, v.bits(0x80000000)), v.ne(b, b));

/** The upper halves of f32, rounded to nearest even; NaN becomes the quiet NaN of the same sign. */
export function bf16(v: Lanes, x: Value): Value {
  const odd = v.and(v.shiftRightU(x, 16), v.bits(1));
  return v.shiftRightU(v.addI(v.addI(x, v.bits(0x7fff)), odd), 16);
}

export function bf16OrNaN(v: Lanes, x: Value): Value {
  const nan = v.or(v.and(v.shiftRightU(x, 16), v.bits(0x8000)), v.bits(0x7fc0));
  return v.select(nan, bf16(v, x), v.ne(x, x));
}
