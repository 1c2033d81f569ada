import { choice } from "../core/method.ts";
import { trimOverall } from "./sparse.ts";
import { trim } from "./steps.ts";
import { vectorMethod } from "./vectors.ts";

export const ties = vectorMethod({
  id: "ties",
  title: "TIES",
  summary: "Trims small changes, elects a sign per weight, and averages the models that agree.",
  use: "When several models pull the same weights in opposite directions.",
  reference: "Yadav et al., NeurIPS 2023, arXiv:2306.01708",
  formula: [
    "d_i = model_i - base, of which the floor(density_i * count) largest magnitudes are kept",
    "e = 1 where sum_i weight_i d_i >= 0, else -1",
    "mix = (sum of the weight_i d_i whose sign is e) / (sum of those weights)",
    "normalize off: the division is left out",
    "result = base + lambda * mix",
  ].join("\n"),
  differs:
    "Equal magnitudes at the cut go to the lowest index, where mergekit leaves the choice to the sort. trim_over: model is ours: the authors' form, except that their code keeps one element more.",
  params: {
    trim_over: choice("merge", {
      title: "trim over",
      default: "tensor",
      options: [
        { value: "tensor", title: "each tensor by itself" },
        { value: "model", title: "the whole model, as the authors do" },
      ],
      help: "Whether density counts within each tensor, or one threshold holds for the whole model. The latter reads every model once more.",
    }),
  },
  thin: ({ delta, density, count, stream, name, own }) => ({
    left: own.trim_over === "model" ? trimOverall(delta, density, stream, name) : trim(delta, density, count, name),
  }),
  mix: "elect",
  normalize: true,
  rescale: false,
});
