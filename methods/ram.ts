import { abs, add, div, gt, max, mul, type Tensor, total } from "../core/graph/tensor.ts";
import { defineMethod, number } from "../core/method.ts";
import { given, taskVector } from "./steps.ts";
import { layerScale, ramp } from "./strength.ts";

/** What counts as a change. */
export const activeParam = {
  epsilon: number("merge", {
    title: "epsilon",
    default: 1e-5,
    min: 0,
    max: 1e-3,
    ends: ["all changes", "large changes only"],
    help: "A weight that changed by no more than this counts as untouched, and its change is dropped.",
  }),
};

/** Per model: what it changed, and 1 where it did; and how many models changed each weight. */
export function activity(models: readonly Tensor[], base: Tensor, epsilon: number) {
  const deltas = models.map((model) => taskVector(model, base));
  const active = deltas.map((delta) => gt(abs(delta), epsilon));
  return { changes: deltas.map((delta, i) => mul(delta, active[i] ?? delta)), active, overlap: total(active) };
}

/** Reinforced agent merging: a change only one model made is kept whole, shared ones are averaged. */
export const ram = defineMethod({
  id: "ram",
  title: "RAM",
  summary: "Adds changes that only one model made in full, and averages those that several made.",
  use: "For models trained by reinforcement learning, which change few weights each.",
  reference: "Yuan et al., 2026, arXiv:2601.13572",
  formula: [
    "d_i = model_i - base where |d_i| > epsilon, else 0;  n = how many models have d_i there",
    "result = base + sum_i d_i / max(n, 1)",
  ].join("\n"),
  base: "required",
  models: { min: 1 },
  rows: "base",
  params: { ...activeParam, ...ramp },
  merge({ base: maybe, models, params, depth }) {
    const base = given(maybe);
    if (models.length === 0) return base;
    const { changes, overlap } = activity(
      models.map(({ tensor }) => tensor),
      base,
      params.epsilon,
    );
    return add(base, mul(div(total(changes), max(overlap, 1)), layerScale(params, depth)));
  },
});
