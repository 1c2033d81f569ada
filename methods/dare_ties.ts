import { dropping } from "./dare.ts";
import { vectorMethod } from "./vectors.ts";

export const dareTies = vectorMethod({
  id: "dare_ties",
  title: "DARE-TIES",
  summary: "Drops changes at random, rescales the rest, then elects a sign per weight as TIES does.",
  use: "Three or more models of one base; a density near 0.5 is the usual start.",
  reference: "Yu et al., ICML 2024, arXiv:2311.03099, with TIES' sign election",
  formula: [
    "p_i = weight_i s_i m_i (model_i - base)   (m_i and s_i as in dare_linear)",
    "e = 1 where sum_i p_i >= 0, else -1",
    "result = base + lambda * (sum of the p_i whose sign is e)",
    "normalize: divided by the sum of the weights of those models",
  ].join("\n"),
  ...dropping,
  mix: "elect",
});
