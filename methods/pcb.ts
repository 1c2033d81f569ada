/**
 * Parameter competition balancing: a change counts for its size among its model's changes and for its agreement
 * with the sum; the best few of each model are averaged by that score.
 */
import {
  abs,
  div,
  gt,
  kth,
  lt,
  MINUS_ONE,
  map,
  max,
  min,
  mul,
  ONE,
  type Scalar,
  sub,
  type Tensor,
  tanh,
  total,
  where,
  ZERO,
} from "../core/graph/tensor.ts";
import { defineMethod, number } from "../core/method.ts";
import { expUpTo } from "./elementary.ts";
import { apply, given, taskVector } from "./steps.ts";
import { strengthAt, strengths } from "./strength.ts";

export const pcb = defineMethod({
  id: "pcb",
  title: "PCB",
  summary: "Scores every change by its size and its agreement with the others, and averages the best by score.",
  use: "For several models whose strongest changes should compete; a ratio of 0.1 is a usual start.",
  reference: "Du et al., NeurIPS 2024, arXiv:2410.02396",
  formula: [
    "d_i = model_i - base;  a_i = |d_i|, cut to its range without the share clip at either end;  n models",
    "s_i = exp(n * N(a_i)^2) * tanh(d_i sum_j d_j), below 0 as 0;  N maps a tensor's range to 0 to 1",
    "r_i = N(max(s_i, the score that the share ratio reaches))",
    "result = base + lambda * sum_i r_i sign(d_i) a_i / sum_i r_i",
  ].join("\n"),
  differs:
    "Not in mergekit. Ranges and shares are per tensor, where the authors' code takes the whole model as one vector; changes against the sum score 0.",
  base: "required",
  models: { min: 1 },
  rows: "base",
  params: {
    ratio: number("merge", {
      title: "ratio",
      default: 0.1,
      min: 0.01,
      max: 1,
      usual: [0.05, 0.2],
      step: 0.01,
      ends: ["few", "all"],
      help: "The share of each model's changes that takes part: those with the highest scores. 0.05 to 0.2 is usual.",
    }),
    clip: number("merge", {
      title: "clip",
      default: 0.0001,
      min: 0,
      max: 0.01,
      step: 0.0001,
      ends: ["keep outliers", "cut outliers"],
      help: "The share of the largest and of the smallest changes that is cut to the next before sizes are compared.",
    }),
    ...strengths(1),
  },
  merge({ base: maybe, models, params, count, depth }) {
    const base = given(maybe);
    if (models.length === 0) return base;
    const deltas = models.map(({ tensor }) => taskVector(tensor, base));
    const sum = total(deltas);
    const scored = deltas.map((delta) => {
      const { size, square } = clipped(abs(delta), count, params.clip);
      const large = expUpTo((scale) => square(deltas.length * scale), deltas.length);
      const agreed = mul(large, tanh(mul(delta, sum)));
      const score = max(agreed, ZERO);
      const cut = kth(score, Math.max(1, count - Math.min(count - 1, Math.floor(count * (1 - params.ratio)))));
      const rank = normal(max(score, cut), cut, kth(score, 1));
      return { rank, part: mul(rank, size) };
    });
    const ranks = total(scored.map(({ rank }) => rank));
    // A rank above 0 means that the change has the sum's sign, so all that count have the same.
    const signed = mul(total(scored.map(({ part }) => part)), where(lt(sum, ZERO), MINUS_ONE, ONE));
    const mix = div(signed, where(gt(ranks, ZERO), ranks, ONE));
    return apply(base, mix, strengthAt(params, depth));
  },
});

/** Sizes cut at both ends, and so many times the square of the same mapped to 0 to 1. */
function clipped(size: Tensor, count: number, share: number): { size: Tensor; square: (times: number) => Tensor } {
  const at = (ascending: number) => kth(size, count - Math.min(count - 1, Math.max(0, ascending)));
  const [low, high] = [at(Math.floor(count * share)), at(Math.floor(count * (1 - share) - 1))];
  const cut = min(max(size, low), high);
  const square = (times: number) => {
    const root = normal(cut, low, high, Math.sqrt(times));
    return mul(root, root);
  };
  return { size: cut, square };
}

/** From low to high as 0 to `most`; all 0 where the two are the same. */
const normal = (x: Tensor, low: Scalar, high: Scalar, most = 1): Tensor =>
  mul(
    sub(x, low),
    map((a, b) => (b > a ? most / (b - a) : 0), low, high),
  );
