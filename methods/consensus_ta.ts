import { abs, ge, gt, mul, sub, type Tensor, total } from "../core/graph/tensor.ts";
import { defineMethod, number } from "../core/method.ts";
import { apply, given, taskVector } from "./steps.ts";
import { strengthAt, strengths } from "./strength.ts";
import { equalWeight } from "./vectors.ts";

/** TALL masks say which weights matter to a task; consensus keeps those that matter to several. */
export const consensusTa = defineMethod({
  id: "consensus_ta",
  title: "Consensus (TALL masks)",
  summary: "Task arithmetic on the weights that matter to at least k models; the rest of the base stays.",
  use: "For four or more tasks, where weights that serve nobody or one model only do harm in the sum.",
  reference: "Wang et al., ICML 2024, arXiv:2405.07813",
  formula: [
    "d_i = weight_i (model_i - base);  d = sum_i d_i",
    "model i needs a weight where |d_i| > tall_lambda_i |d - d_i|",
    "result = base + lambda * (d where at least k models need it, else 0)",
  ].join("\n"),
  differs: "Not in mergekit any more.",
  base: "required",
  models: { min: 1 },
  rows: "base",
  params: {
    weight: equalWeight,
    tall_lambda: number("model", {
      title: "strictness",
      default: 0.4,
      min: 0,
      max: 1,
      usual: [0.2, 0.6],
      step: 0.05,
      ends: ["needs all it changed", "needs little"],
      help: "A model needs a weight when its own change exceeds this times the change of all others together. 0.2 to 0.6 is usual.",
    }),
    k: number("merge", {
      title: "k",
      default: 2,
      min: 0,
      max: 8,
      step: 1,
      ends: ["keep all", "needed by many"],
      help: "How many models must need a weight. 0 is plain task arithmetic, 1 drops what nobody needs, 2 also what serves one model only.",
    }),
    ...strengths(0.3),
  },
  merge({ base: maybe, models, params, depth }) {
    const base = given(maybe);
    const taking = models.filter((model) => model.params.weight !== 0);
    if (taking.length === 0) return base;
    const deltas = taking.map(({ tensor, params: own }) => mul(taskVector(tensor, base), own.weight));
    const sum = total(deltas);
    const strength = strengthAt(params, depth);
    if (params.k <= 0) return apply(base, sum, strength);
    const needs = deltas.map((delta, i) => tallMask(delta, sum, taking[i]?.params.tall_lambda ?? 0));
    return apply(base, mul(sum, ge(total(needs), params.k)), strength);
  },
});

/** 1 where a change exceeds lambda times that of all others together. */
export const tallMask = (delta: Tensor, sum: Tensor, lambda: number): Tensor =>
  gt(abs(delta), mul(abs(sub(sum, delta)), lambda));
