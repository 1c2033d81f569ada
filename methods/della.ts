import { pruning } from "./epsilon.ts";
import { vectorMethod } from "./vectors.ts";

export const della = vectorMethod({
  id: "della",
  title: "DELLA",
  summary: "Drops small changes more often than large ones, rescales the rest, elects a sign per weight and averages.",
  use: "Where DARE-TIES loses too much: what matters most is likelier to stay.",
  reference: "Deep et al., 2024, arXiv:2406.11617",
  formula: [
    "d_i = model_i - base; r = position of an element in its row, 0 for the smallest magnitude, 1 for the largest",
    "q_i = density_i - epsilon_i + 2 epsilon_i r;  m_i = 1 with probability q_i, else 0",
    "s_i = sum|d_i| / sum|m_i d_i|   (rescale_by: density: 1 / q_i; rescale off: 1)",
    "p_i = weight_i s_i m_i d_i;  e = 1 where sum_i p_i >= 0, else -1",
    "result = base + lambda * (sum of the p_i whose sign is e) / (sum of those weights)",
  ].join("\n"),
  ...pruning,
  mix: "elect",
  normalize: true,
});
