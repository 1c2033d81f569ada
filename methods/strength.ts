/**
 * How strongly a mix of task vectors is added to the base: one number for all, and LiNeS' ramp over the
 * layers (Wang et al., ICLR 2025, arXiv:2410.17146), which leaves shallow layers closer to the base.
 */
import { number } from "../core/method.ts";

/** LiNeS' two numbers. 1 and 0, the defaults, leave every layer alike. */
export const ramp = {
  lines_alpha: number("merge", {
    title: "LiNeS alpha",
    default: 1,
    min: 0,
    max: 1,
    step: 0.01,
    ends: ["base", "full"],
    help: "LiNeS: how much of the mix the first layer gets, and everything outside the layers. 1 with beta 0 is off; 0.2 is usual.",
  }),
  lines_beta: number("merge", {
    title: "LiNeS beta",
    default: 0,
    min: 0,
    max: 1,
    step: 0.01,
    ends: ["all layers alike", "deep layers most"],
    help: "LiNeS: how much more the last layer gets than the first, growing evenly in between. 0 is off; 0.8 goes with an alpha of 0.2.",
  }),
};

/** The strength of the whole mix, with its ramp. */
export const strengths = <const D extends number>(standard: D) => ({
  lambda: number("merge", {
    title: "lambda",
    default: standard,
    min: 0,
    max: 3,
    step: 0.01,
    ends: ["base", "triple"],
    help: "Strength of the whole mix, applied last.",
  }),
  ...ramp,
});

/** LiNeS' factor: alpha + beta * depth in the layers, alpha elsewhere. */
export const layerScale = (values: { lines_alpha: number; lines_beta: number }, depth: number | null): number =>
  values.lines_alpha + (depth === null ? 0 : values.lines_beta * depth);

/** lambda times LiNeS' factor. */
export const strengthAt = (
  values: { lambda: number; lines_alpha: number; lines_beta: number },
  depth: number | null,
): number => values.lambda * layerScale(values, depth);
