import { WeightloomError } from "../core/errors.ts";
import { div, mul, total } from "../core/graph/tensor.ts";
import { defineMethod, flag, number } from "../core/method.ts";
import { sharesByWeight } from "./shares.ts";

/** Weighted average of the models (Wortsman et al., "Model soups"). */
export const linear = defineMethod({
  id: "linear",
  title: "Linear",
  summary: "Weighted average of the models, element by element.",
  use: "The first thing to try with fine-tunes of one base; needs no base model.",
  reference: "Wortsman et al., ICML 2022, arXiv:2203.05482",
  formula: ["result = sum_i weight_i model_i / sum_i weight_i", "normalize off: the division is left out"].join("\n"),
  differs: "Weights that add up to 0 are refused where mergekit divides by 0. Models of weight 0 are not read.",
  base: "none",
  models: { min: 1 },
  rows: "common",
  params: {
    weight: number("model", {
      title: "weight",
      default: null,
      min: 0,
      max: 1,
      step: 0.01,
      ends: ["none", "full"],
      help: "This model's share. With normalize on, only the proportions between models matter.",
    }),
    normalize: flag("merge", {
      title: "normalize",
      default: true,
      help: "Divide by the sum of the weights, so that the result keeps the models' scale.",
    }),
  },
  shares: ({ merge, models }) => sharesByWeight(models, merge.normalize),
  merge({ models, params, name }) {
    const taking = models.filter((model) => model.params.weight !== 0);
    const weights = taking.reduce((all, model) => all + (model.params.weight ?? 0), 0);
    if (params.normalize && Math.abs(weights) < 1e-12) {
      throw new WeightloomError(
        "PlanError",
        `${name}: the weights of all models add up to 0, and an average cannot be taken over nothing. ` +
          "Give at least one model a weight here, or turn normalize off.",
      );
    }
    const [first] = taking;
    if (first === undefined) return mul(models[0]!.tensor, 0);
    if (params.normalize && taking.length === 1) return first.tensor;
    const mix = total(taking.map((model) => mul(model.tensor, model.params.weight ?? 0)));
    return params.normalize && weights !== 1 ? div(mix, weights) : mix;
  },
});
