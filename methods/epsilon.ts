import { number } from "../core/method.ts";
import { rescaleBy } from "./vectors.ts";

/** DELLA's own parameters. */
export const dellaParams = {
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
