/**
 * What there is to know of one tensor, or of the difference of two: range, mean, spread, norm, zeros, what is not
 * finite, and how its values are spread. Exact over what is looked at; two sweeps over it.
 */
import type { Engine } from "../engine/engine.ts";
import { abs, dot, eq, fill, input, kth, le, map, type Scalar, sub, sum, type Tensor, where } from "../graph/tensor.ts";
import type { InputPlan } from "../plan/plan.ts";
import { type Histogram, spread } from "./histogram.ts";
import { type Asking, answer, type Question, question } from "./measure.ts";

/** Of the finite elements, unless it says otherwise. Where there is none, range, mean and deviation are null. */
export interface Figures {
  /** Elements looked at. */
  readonly looked: number;
  readonly finite: number;
  readonly nan: number;
  readonly infinite: number;
  readonly zeros: number;
  readonly mean: number | null;
  /** Standard deviation of the elements themselves (divided by their number). */
  readonly deviation: number | null;
  readonly least: number | null;
  readonly greatest: number | null;
  /** Largest absolute value. */
  readonly magnitude: number | null;
  /** Square root of the sum of squares. */
  readonly norm: number;
  readonly histogram: Histogram | null;
}

/** The largest finite f32. */
const FINITE = 3.4028234663852886e38;

function asking(x: Tensor): Question {
  const size = abs(x);
  const within = le(size, FINITE);
  const value = where(within, x, 0);
  const positive = where(le(value, 0), 0, value);
  const negative = where(le(0, value), 0, value);
  const finite = sum(within);
  const zeros = sum(where(within, eq(value, 0), 0));
  const mean = map((total, number) => (number === 0 ? 0 : total / number), sum(value), finite);
  const away = where(within, sub(value, fill(mean)), 0);
  // What is not finite stands as 0 among the magnitudes; the smallest of the others comes just before those zeros.
  const smallest: Scalar = kth(
    where(within, value, 0),
    map((number, none) => Math.max(1, number - none), finite, zeros),
  );
  return question(
    [
      finite,
      sum(eq(size, Number.POSITIVE_INFINITY)),
      zeros,
      mean,
      dot(value, value),
      dot(away, away),
      kth(positive, 1),
      kth(negative, 1),
      smallest,
    ],
    [positive, negative],
  );
}

/** The tensor itself, and the first minus the second of two. */
const ALONE = asking(input(0));
const DIFFERENCE = asking(sub(input(0), input(1)));

/**
 * @param inputs one tensor, or two whose difference is meant
 * @param count elements of each
 */
export async function figuresOfTensor(
  inputs: readonly InputPlan[],
  count: number,
  engine: Engine,
  options: Asking = {},
): Promise<Figures> {
  const asked = inputs.length === 1 ? ALONE : DIFFERENCE;
  const { values, counts } = await answer(asked, inputs, count, engine, options);
  const [finite = 0, infinite = 0, zeros = 0, mean = 0, square = 0, away = 0, above = 0, below = 0, least = 0] = values;
  const [positive, negative] = counts;
  const hasAny = finite > 0;
  const range = {
    least: below > 0 ? -below : zeros > 0 ? 0 : least,
    greatest: above > 0 ? above : zeros > 0 ? 0 : -least,
  };
  return {
    looked: count,
    finite,
    infinite,
    nan: count - finite - infinite,
    zeros,
    mean: hasAny ? mean : null,
    deviation: hasAny ? Math.sqrt(away / finite) : null,
    least: hasAny ? range.least : null,
    greatest: hasAny ? range.greatest : null,
    magnitude: hasAny ? Math.max(above, below) : null,
    norm: Math.sqrt(square),
    histogram:
      hasAny && positive !== undefined && negative !== undefined
        ? spread(positive, negative, finite, range.least, range.greatest)
        : null,
  };
}
