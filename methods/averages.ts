/**
 * Weights for the average of n checkpoints of one training run, oldest first, that sum to 1. A constant learning rate
 * and the right average give what a decay of the learning rate would have given, without training it.
 */
import { WeightloomError } from "../core/errors.ts";

/** The shape of the learning-rate decay that an average stands for. */
export type Decay = "linear" | "cosine" | "sqrt";

export type Average =
  /** All alike: SWA, LAWA, soups. */
  | { readonly how: "uniform" }
  /** The last `count` alike, the others not at all. */
  | { readonly how: "last"; readonly count: number }
  /** Exponential: each newer one replaces the share `alpha` of the average so far. */
  | { readonly how: "ema"; readonly alpha: number }
  /** Proportional to the position: 1, 2 ... n. */
  | { readonly how: "wma" }
  /**
   * Warmup-stable-merge (arXiv 2507.17634): the weights under which the updates between checkpoints count as they
   * would with a decaying learning rate. A schedule gives the share of each update, w(1) to w(n - 1), falling.
   */
  | { readonly how: "wsm"; readonly decay: Decay | readonly number[] };

/** @throws RecipeError when there is nothing to average, or a number is out of range */
export function weightsOf(average: Average, count: number): number[] {
  if (!Number.isSafeInteger(count) || count < 1) refuse(`An average needs at least one checkpoint; found ${count}`);
  return sharesOf(average, count).map((weight) => Number(weight.toPrecision(12)));
}

function sharesOf(average: Average, n: number): number[] {
  switch (average.how) {
    case "uniform":
      return list(n, () => 1 / n);
    case "last": {
      const { count } = average;
      if (!Number.isSafeInteger(count) || count < 1 || count > n) {
        refuse(`The last ${count} of ${n} checkpoints cannot be averaged; the number goes from 1 to ${n}`);
      }
      return list(n, (i) => (i < n - count ? 0 : 1 / count));
    }
    case "ema": {
      const { alpha } = average;
      if (!(alpha > 0 && alpha <= 1)) refuse(`alpha is ${alpha}; it must be more than 0 and at most 1`);
      // What is left of the first after all others came in.
      return list(n, (i) => (i === 0 ? (1 - alpha) ** (n - 1) : alpha * (1 - alpha) ** (n - 1 - i)));
    }
    case "wma":
      return list(n, (i) => (2 * (i + 1)) / (n * (n + 1)));
    case "wsm":
      return differences(scheduleOf(average.decay, n));
    default:
      return average satisfies never;
  }
}

/** w(0) = 1 for the first checkpoint itself, then the share of each update. */
function scheduleOf(decay: Decay | readonly number[], n: number): number[] {
  if (typeof decay === "string") return list(n, (i) => DECAYS[decay](i / n));
  if (decay.length !== n - 1) {
    refuse(`The schedule has ${decay.length} numbers, but ${n} checkpoints have ${n - 1} updates between them`);
  }
  const schedule = [1, ...decay];
  const rise = schedule.findIndex((share, i) => !(share >= 0 && share <= (schedule[i - 1] ?? 1)));
  if (rise >= 0) refuse(`The schedule must fall from 1 to 0 at most; number ${rise} is ${schedule[rise]}`);
  return schedule;
}

/** Of x, the part of the decay that is over: what is left of the learning rate. */
const DECAYS: Readonly<Record<Decay, (x: number) => number>> = {
  linear: (x) => 1 - x,
  cosine: (x) => (1 + Math.cos(Math.PI * x)) / 2,
  sqrt: (x) => 1 - Math.sqrt(x),
};

/** A checkpoint is the first plus the updates up to it, so the shares of updates are sums of weights, from the end. */
const differences = (schedule: readonly number[]): number[] =>
  schedule.map((share, i) => share - (schedule[i + 1] ?? 0));

const list = (n: number, of: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => of(i));

function refuse(problem: string): never {
  throw new WeightloomError("RecipeError", `${problem}. Correct it, or choose another average.`);
}
