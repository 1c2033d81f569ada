import { WeightloomError } from "../core/errors.ts";
import { add } from "../core/graph/tensor.ts";
import { defineMethod, flag, number } from "../core/method.ts";
import { sharesByWeight } from "./shares.ts";
import { combination, lengthOf } from "./span.ts";
import { taskVector } from "./steps.ts";

/**
 * Average on the sphere by weights. The tangent step at the weighted mean direction is zero by construction, so
 * what is left of it is: average the directions, give the average the mean length.
 */
export const multislerp = defineMethod({
  id: "multislerp",
  title: "Multi-SLERP",
  summary: "Averages the models' directions, and gives the average their mean length.",
  use: "For more than two models where a plain average would shrink them; with a base it works on the changes.",
  reference: "Goddard, mergekit's multislerp, 2025",
  formula: [
    "x_i = model_i, or model_i - base; w_i = weight_i (normalize: divided by their sum)",
    "m = sum_i w_i x_i / (|x_i| + eps)",
    "result = m / |m| * sum_i w_i |x_i|, or base + that",
    "where |m| < eps (the directions cancel out): sum_i w_i x_i",
  ].join("\n"),
  differs:
    "Where the directions of more than two models cancel out the plain weighted sum is taken; mergekit stops with an error.",
  base: "optional",
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
      help: "This model's pull on the direction and its share of the length.",
    }),
    normalize_weights: flag("merge", {
      title: "normalize weights",
      default: true,
      help: "Divide the weights by their sum first.",
    }),
    eps: number("merge", {
      rare: true,
      title: "eps",
      default: 1e-8,
      min: 0,
      max: 1e-4,
      ends: ["exact", "cautious"],
      help: "Added to every length before dividing by it; directions that cancel out to less than this are averaged plainly.",
    }),
  },
  shares: ({ merge, models }) => sharesByWeight(models, merge.normalize_weights),
  merge({ base, models, params, name }) {
    const [first] = models;
    if (models.length === 1 && first !== undefined) return first.tensor;
    const given = models.map((model) => model.params.weight ?? 0);
    const sum = given.reduce((all, weight) => all + weight, 0);
    if (params.normalize_weights && Math.abs(sum) < 1e-12) {
      throw new WeightloomError(
        "PlanError",
        `${name}: the weights of all models add up to 0, and cannot be divided by their sum. Give at least one model a weight, or turn normalize_weights off.`,
      );
    }
    const weights = given.map((weight) => (params.normalize_weights ? weight / sum : weight));
    const vectors = models.map(({ tensor }) => (base === null ? tensor : taskVector(tensor, base)));
    const mix = combination(vectors, (products) => {
      const lengths = products.map((row, i) => Math.sqrt(row[i] ?? 0));
      const pulls = weights.map((weight, i) => weight / (lengths[i]! + params.eps || 1));
      const resultant = lengthOf(products, pulls);
      if (resultant < params.eps || resultant === 0) return weights;
      const length = weights.reduce((all, weight, i) => all + weight * lengths[i]!, 0);
      return pulls.map((pull) => (pull / resultant) * length);
    });
    return base === null ? mix : add(base, mix);
  },
});
