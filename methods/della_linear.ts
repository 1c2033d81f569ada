import { pruning } from "./epsilon.ts";
import { vectorMethod } from "./vectors.ts";

export const dellaLinear = vectorMethod({
  id: "della_linear",
  title: "DELLA linear",
  summary: "Drops small changes more often than large ones, rescales the rest, and adds them up.",
  use: "As DARE linear, with an eye on size.",
  reference: "Deep et al., 2024, arXiv:2406.11617",
  formula: [
    "d_i = model_i - base; r = position of an element in its row, 0 for the smallest magnitude, 1 for the largest",
    "q_i = density_i - epsilon_i + 2 epsilon_i r;  m_i = 1 with probability q_i, else 0",
    "s_i = sum|d_i| / sum|m_i d_i|   (rescale_by: density: 1 / q_i; rescale off: 1)",
    "result = base + lambda * sum_i weight_i s_i m_i d_i",
  ].join("\n"),
  ...pruning,
  mix: "sum",
  normalize: false,
});
