import { number } from "../core/method.ts";
import { magPrune } from "./sparse.ts";
import { rescaleBy, type Thinning } from "./vectors.ts";

const params = {
  epsilon: number("model", {
    title: "epsilon",
    default: 0.15,
    min: 0,
    max: 0.5,
    step: 0.01,
    ends: ["pure chance", "size decides"],
    help: "How far the chance of staying of the smallest and the largest change lies from density. Half of what the authors call window size.",
  }),
  ...rescaleBy,
};

/** What DELLA is whichever way it mixes. */
export const pruning = {
  differs:
    "A row is the last axis (mergekit: the second), and rows of one element stay with probability density. Masks depend on seed, tensor and model alone and are not torch's. rescale_by is ours.",
  params,
  thin: ({ delta, density, stream, columns, name, own }: Thinning<typeof params>) =>
    magPrune(delta, { density, epsilon: own.epsilon, stream, columns, name }),
  rescale: true,
};
