import { mul } from "../core/graph/tensor.ts";
import { defineMethod, number } from "../core/method.ts";

/** One model's tensors as they are; with slices, layers of several models stacked into a new one. */
export const passthrough = defineMethod({
  id: "passthrough",
  title: "Passthrough",
  summary: "Takes tensors as they are: cut, repeat and stack layers of one or more models.",
  use: "For deeper or shallower models out of existing layers (frankenmerges), or to rescale single projections.",
  reference: "Goddard et al., 2024, arXiv:2403.13257",
  formula: "result = scale * model",
  base: "none",
  models: { min: 1, max: 1 },
  rows: "refuse",
  params: {
    scale: number("model", {
      title: "scale",
      default: 1,
      min: 0,
      max: 2,
      step: 0.01,
      ends: ["silent", "doubled"],
      help: "Multiplies the tensor. 1 copies it byte for byte; 0 on o_proj and down_proj silences a repeated layer.",
    }),
  },
  merge({ models }) {
    const { tensor, params } = models[0]!;
    return params.scale === 1 ? tensor : mul(tensor, params.scale);
  },
});
