import { abs, ge, mul, where } from "../core/graph/tensor.ts";
import { defineMethod } from "../core/method.ts";
import { apply, given, taskVector } from "./steps.ts";
import { strengthAt, strengths } from "./strength.ts";
import { equalWeight } from "./vectors.ts";

/** Per weight, the change of whoever changed it most. */
export const magmax = defineMethod({
  id: "magmax",
  title: "MagMax",
  summary: "Takes, weight by weight, the largest change any model made.",
  use: "For models fine-tuned one after the other or on separate tasks; a lambda of 0.5 is a usual start.",
  reference: "Marczak et al., ECCV 2024, arXiv:2407.06322",
  formula: [
    "d_i = weight_i (model_i - base)",
    "result = base + lambda * (the d_i of largest magnitude; the first of equals)",
  ].join("\n"),
  differs: "Not in mergekit.",
  base: "required",
  models: { min: 1 },
  rows: "base",
  params: { weight: equalWeight, ...strengths(0.5) },
  merge({ base: maybe, models, params, depth }) {
    const base = given(maybe);
    const [first, ...others] = models
      .filter((model) => model.params.weight !== 0)
      .map(({ tensor, params: own }) => mul(taskVector(tensor, base), own.weight));
    if (first === undefined) return base;
    const largest = others.reduce((most, delta) => where(ge(abs(most), abs(delta)), most, delta), first);
    return apply(base, largest, strengthAt(params, depth));
  },
});
