import { trim } from "./steps.ts";
import { vectorMethod } from "./vectors.ts";

export const ties = vectorMethod({
  id: "ties",
  title: "TIES",
  summary: "Trims small changes, elects a sign per weight, and averages the models that agree.",
  use: "When several models pull the same weights in opposite directions.",
  reference: "Yadav et al., NeurIPS 2023, arXiv:2306.01708",
  thin: ({ delta, density, count, name }) => trim(delta, density, count, name),
  mix: "elect",
  normalize: true,
  rescale: false,
});
