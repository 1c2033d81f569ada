/**
 * Elect, mask, rescale: one unified task vector stands for all models, and a mask and a number per model bring each
 * of them back, nearly.
 */
import { WeightloomError } from "../core/errors.ts";
import { abs, gt, map, max, mul, overall, sum, total, where } from "../core/graph/tensor.ts";
import { defineMethod, flag } from "../core/method.ts";
import { apply, given, taskVector } from "./steps.ts";
import { strengthAt, strengths } from "./strength.ts";

export const emr = defineMethod({
  id: "emr",
  title: "EMR",
  summary: "Elects a sign per weight and takes the largest change of that sign; or one model as seen through that.",
  use: "For one model that serves all tasks; or, with task on, to see how much of a model the unified one carries.",
  reference: "Huang et al., NeurIPS 2024, arXiv:2405.17461",
  formula: [
    "d_i = model_i - base;  g = 1 where sum_i d_i > 0, else -1",
    "u = g * max(0, max_i g d_i)",
    "result = base + lambda * u",
    "task on for model i: m_i = 1 where g d_i > 0, else 0;  l_i = sum|d_i| / sum|m_i u| over the whole model",
    "                     result = base + lambda * l_i m_i u",
  ].join("\n"),
  differs: "Not in mergekit.",
  base: "required",
  models: { min: 1 },
  rows: "base",
  params: {
    task: flag("model", {
      title: "this model's own",
      default: false,
      help: "The result is this model's task model: the unified change where its sign is this model's, rescaled. At most one model.",
    }),
    ...strengths(1),
  },
  merge({ base: maybe, models, params, depth, name }) {
    const base = given(maybe);
    if (models.length === 0) return base;
    const chosen = models.filter((model) => model.params.task);
    if (chosen.length > 1) {
      throw new WeightloomError(
        "PlanError",
        `${name}: task is on for ${chosen.length} models, and a result can be the task model of one only. Turn it off for the others, or for all to get the unified model.`,
      );
    }
    const deltas = models.map(({ tensor }) => taskVector(tensor, base));
    const sign = where(gt(total(deltas), 0), 1, -1);
    const along = deltas.map((delta) => mul(delta, sign));
    const size = max(along.reduce(max), 0);
    const unified = mul(size, sign);
    const strength = strengthAt(params, depth);
    const [task] = chosen;
    if (task === undefined) return apply(base, unified, strength);
    const at = models.indexOf(task);
    const own = gt(along[at] ?? size, 0);
    const rescaler = map(
      (whole, left) => (left === 0 ? 1 : whole / left),
      overall(`emr whole ${task.index}`, sum(abs(along[at] ?? size))),
      overall(`emr left ${task.index}`, sum(mul(own, size))),
    );
    return apply(base, mul(mul(unified, own), rescaler), strength);
  },
});
