import { drop } from "./steps.ts";
import { vectorMethod } from "./vectors.ts";

export const dareTies = vectorMethod({
  id: "dare_ties",
  title: "DARE-TIES",
  summary: "Drops changes at random, rescales the rest, then elects a sign per weight as TIES does.",
  use: "Three or more models of one base; a density near 0.5 is the usual start.",
  reference: "Yu et al., ICML 2024, arXiv:2311.03099, with TIES' sign election",
  thin: ({ delta, density, stream }) => drop(delta, density, stream),
  mix: "elect",
  normalize: false,
  rescale: true,
});
