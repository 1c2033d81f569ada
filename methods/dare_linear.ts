import { dropping } from "./dare.ts";
import { vectorMethod } from "./vectors.ts";

export const dareLinear = vectorMethod({
  id: "dare_linear",
  title: "DARE linear",
  summary: "Drops changes at random, rescales the rest, and adds them up.",
  use: "When task vectors are large and redundant; thinning them makes them collide less.",
  reference: "Yu et al., ICML 2024, arXiv:2311.03099",
  formula: [
    "d_i = model_i - base",
    "m_i = 1 with probability density_i, else 0",
    "s_i = sum|d_i| / sum|m_i d_i|   (rescale_by: density: 1 / density_i; rescale off: 1)",
    "result = base + lambda * sum_i weight_i s_i m_i d_i",
  ].join("\n"),
  ...dropping,
  mix: "sum",
});
