import { drop } from "./steps.ts";
import { vectorMethod } from "./vectors.ts";

export const dareLinear = vectorMethod({
  id: "dare_linear",
  title: "DARE linear",
  summary: "Drops changes at random, rescales the rest, and adds them up.",
  use: "When task vectors are large and redundant; thinning them makes them collide less.",
  reference: "Yu et al., ICML 2024, arXiv:2311.03099",
  thin: ({ delta, density, stream }) => drop(delta, density, stream),
  mix: "sum",
  normalize: false,
  rescale: true,
});
