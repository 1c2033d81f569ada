import { chance } from "./sparse.ts";
import { drop } from "./steps.ts";
import { rescaleBy, vectorMethod } from "./vectors.ts";

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
  differs:
    "Random numbers depend on the seed, the tensor's name and the model's position alone, so runs repeat everywhere; the masks are not torch's. rescale_by is ours.",
  params: rescaleBy,
  thin: ({ delta, density, stream }) => ({ left: drop(delta, density, stream), probability: chance(density) }),
  mix: "elect",
  normalize: false,
  rescale: true,
});
