import { abs, add, le, max, min, sub, where } from "../core/graph/tensor.ts";
import { defineMethod, number } from "../core/method.ts";
import { given } from "./steps.ts";

/** Every element walks from the base to the other model, but no further than t. */
export const nearswap = defineMethod({
  id: "nearswap",
  title: "Nearswap",
  summary: "Moves each weight of the base towards the other model, by at most t.",
  use: "To let a second model tint the first: weights that nearly agree become its, the others barely move.",
  reference: "Alpindale's nearswap, as in mergekit",
  formula: ["d = model - base", "result = model where |d| <= t, else base + t * sign(d)"].join("\n"),
  differs: "The same, except that steps of a t below 1e-6 are exact too.",
  base: "required",
  models: { min: 1, max: 1 },
  rows: "refuse",
  params: {
    t: number("merge", {
      title: "t",
      default: null,
      min: 0,
      max: 0.01,
      step: 0.0001,
      ends: ["base", "nearly the other model"],
      help: "The longest step a weight may take. Weights of language models are of the order of 0.02; 0.0001 is a usual start.",
    }),
  },
  merge({ base: maybe, models, params }) {
    const base = given(maybe);
    const other = models[0]?.tensor;
    const t = params.t ?? 0;
    if (other === undefined || t <= 0) return base;
    const delta = sub(other, base);
    return where(le(abs(delta), t), other, add(base, max(min(delta, t), -t)));
  },
});
