import { vectorMethod } from "./vectors.ts";

export const taskArithmetic = vectorMethod({
  id: "task_arithmetic",
  title: "Task arithmetic",
  summary: "Adds what each model learned beyond the base, scaled by its weight.",
  use: "The dependable first choice with a base: small weights (0.3 to 0.6 each) rarely hurt.",
  reference: "Ilharco et al., ICLR 2023, arXiv:2212.04089",
  thin: ({ delta }) => delta,
  mix: "sum",
  normalize: false,
  rescale: false,
});
