import { vectorMethod } from "./vectors.ts";

export const taskArithmetic = vectorMethod({
  id: "task_arithmetic",
  title: "Task arithmetic",
  summary: "Adds what each model learned beyond the base, scaled by its weight.",
  use: "The dependable first choice with a base: small weights (0.3 to 0.6 each) rarely hurt.",
  reference: "Ilharco et al., ICLR 2023, arXiv:2212.04089",
  formula: [
    "result = base + lambda * sum_i weight_i (model_i - base)",
    "normalize: the sum is divided by sum_i weight_i",
  ].join("\n"),
  thin: ({ delta }) => ({ left: delta }),
  mix: "sum",
  normalize: false,
  rescale: false,
});
