import { number } from "../core/method.ts";

/** Breadcrumbs' own parameter. */
export const gammaParam = {
  gamma: number("model", {
    title: "gamma",
    default: 0.01,
    min: 0,
    max: 0.2,
    step: 0.001,
    ends: ["keep outliers", "drop outliers"],
    help: "The share of this model's changes that is dropped from the top: the largest ones, taken for outliers.",
  }),
};
