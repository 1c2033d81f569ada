import { number } from "../core/method.ts";
import { middle } from "./sparse.ts";
import type { Thinning } from "./vectors.ts";

const params = {
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

/** What Breadcrumbs is whichever way it mixes. */
export const crumbs = {
  differs:
    "Where gamma times the tensor's size is below 1 nothing large is dropped; mergekit then drops the whole change. compat: mergekit brings that back.",
  params,
  thin: ({ delta, density, count, compat, own }: Thinning<typeof params>) => ({
    left: middle(delta, density, own.gamma, count, compat),
  }),
  normalize: false,
  rescale: false,
};
