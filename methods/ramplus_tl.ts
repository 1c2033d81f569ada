import { add, div, eq, map, mul, sum, total, where } from "../core/graph/tensor.ts";
import { defineMethod, number } from "../core/method.ts";
import { activeParam, activity } from "./ram.ts";
import { given } from "./steps.ts";
import { layerScale, ramp } from "./strength.ts";

/** RAM, where what averaging takes from a model's shared changes is made up for in its own. */
export const ramplusTl = defineMethod({
  id: "ramplus_tl",
  title: "RAM+ (per tensor)",
  summary: "As RAM, with a model's own changes amplified the more of its changes it shares with others.",
  use: "Where RAM weakens models whose changes overlap much.",
  reference: "Yuan et al., 2026, arXiv:2601.13572",
  formula: [
    "d_i, n as in ram;  shared_i, own_i = how many of model i's changes have n > 1, n = 1",
    "l_i = 1 + r * min(alpha, shared_i / max(own_i, epsilon))",
    "result = base + sum_i (l_i d_i where n = 1, d_i / n where n > 1)",
  ].join("\n"),
  differs: "The result keeps the recipe's type; mergekit's turns into float32.",
  base: "required",
  models: { min: 1 },
  rows: "base",
  params: {
    r: number("merge", {
      title: "r",
      default: 0.1,
      min: 0,
      max: 1,
      step: 0.01,
      ends: ["as RAM", "strong"],
      help: "How strongly overlap amplifies what a model changed alone.",
    }),
    alpha: number("merge", {
      title: "alpha",
      default: 0.2,
      min: 0,
      max: 2,
      step: 0.01,
      ends: ["as RAM", "hardly capped"],
      help: "Overlap above this counts as this much; the largest amplification is 1 + r * alpha.",
    }),
    ...activeParam,
    ...ramp,
  },
  merge({ base: maybe, models, params, depth }) {
    const base = given(maybe);
    if (models.length === 0) return base;
    const { changes, active, overlap } = activity(
      models.map(({ tensor }) => tensor),
      base,
      params.epsilon,
    );
    const alone = eq(overlap, 1);
    const gains = active.map((mask) =>
      map(
        (own, all) => 1 + params.r * Math.min(params.alpha, Math.max(0, (all - own) / Math.max(own, params.epsilon))),
        sum(mul(mask, alone)),
        sum(mask),
      ),
    );
    const own = total(changes.map((change, i) => mul(change, gains[i] ?? 1)));
    // Where nobody changed anything the sum is 0 over 0 models.
    const shared = div(total(changes), where(eq(overlap, 0), 1, overlap));
    return add(base, mul(where(alone, own, shared), layerScale(params, depth)));
  },
});
