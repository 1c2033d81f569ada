/**
 * Spherical interpolation of two models, or of what each changed from a base. The vectors are whole tensors, or
 * every row, or every column by itself: the same three dot products, one or many of each.
 */
import {
  add,
  along,
  columnSums,
  dot,
  map,
  mapVector,
  mul,
  rowSums,
  type Scalar,
  type Tensor,
  type Vector,
} from "../core/graph/tensor.ts";
import { defineMethod, flag, number } from "../core/method.ts";
import { taskVector } from "./steps.ts";

/** Vectors shorter than this are not stretched to length one. */
const SHORTEST = 1e-7;
/** Sums of f32 products are exact to about this much of a cosine. */
const ROUNDING = 1e-6;

export const nuslerp = defineMethod({
  id: "nuslerp",
  title: "NuSLERP",
  summary: "Interpolates two models, or their changes from a base, along the arc between them, by weight.",
  use: "As SLERP, with weights; with a base the arc is drawn between the changes, where angles are wide enough to matter.",
  reference: "Shoemake, SIGGRAPH 1985, doi:10.1145/325165.325242 (as in mergekit's nuslerp)",
  formula: [
    "t = weight_2 / (weight_1 + weight_2), or 0.5 where the weights add up to 0",
    "a, b = the two models, or their changes from the base",
    "angle = arccos(a . b / (|a| |b|))",
    "mix = (sin((1 - t) angle) a + sin(t angle) b) / sin(angle), or (1 - t) a + t b where sin(angle) is 0",
    "result = mix, or base + mix",
    "a and b are whole tensors; flatten off: each row (output neuron); with row wise: each column (input channel)",
  ].join("\n"),
  differs:
    "Exactly opposite vectors are interpolated along a line; mergekit divides by a rounding error there, which compat: mergekit brings back.",
  base: "optional",
  models: { min: 2, max: 2 },
  rows: "common",
  params: {
    weight: number("model", {
      title: "weight",
      default: null,
      min: 0,
      max: 1,
      step: 0.01,
      ends: ["none", "all"],
      help: "This model's share of the way; only the proportion between the two counts.",
    }),
    nuslerp_flatten: flag("merge", {
      title: "whole tensors",
      default: true,
      help: "One angle per tensor. Off: one angle per row of a matrix, that is per output neuron.",
    }),
    nuslerp_row_wise: flag("merge", {
      title: "columns instead of rows",
      default: false,
      help: "With whole tensors off: one angle per column, that is per input channel. mergekit's name for it says rows; what it does is columns.",
    }),
  },
  shares: ({ models }) => {
    const t = placeOf(models[0]?.weight ?? 0, models[1]?.weight ?? 0);
    return [1 - t, t];
  },
  merge({ base, models, params, count, columns, shape, compat }) {
    const [first, second] = models;
    if (first === undefined || second === undefined) throw new Error("Internal error: the planner gave no two models.");
    const t = placeOf(first.params.weight ?? 0, second.params.weight ?? 0);
    if (t === 0) return first.tensor;
    if (t === 1) return second.tensor;
    const [a, b] =
      base === null ? [first.tensor, second.tensor] : [taskVector(first.tensor, base), taskVector(second.tensor, base)];
    const share = (which: 0 | 1) => (between: number, aa: number, bb: number) => arc(between, aa, bb, t, compat)[which];
    const whole = params.nuslerp_flatten || shape.length < 2;
    const parts = whole
      ? shares([dot(a, b), dot(a, a), dot(b, b)], share)
      : params.nuslerp_row_wise
        ? vectorShares(columnSums, a, b, count / (shape[0] ?? 1), share)
        : vectorShares(rowSums, a, b, columns, share);
    const mix = add(mul(a, parts[0]), mul(b, parts[1]));
    return base === null ? mix : add(base, mix);
  },
});

/** How far along the way from the first to the second. */
const placeOf = (one: number, two: number) => (Math.abs(one + two) < 1e-6 ? 0.5 : two / (one + two));

type Share = (which: 0 | 1) => (between: number, aa: number, bb: number) => number;

const shares = (products: readonly Scalar[], share: Share): [Scalar, Scalar] => [
  map(share(0), ...products),
  map(share(1), ...products),
];

function vectorShares(
  sums: (tensor: Tensor, columns: number) => Vector,
  a: Tensor,
  b: Tensor,
  columns: number,
  share: Share,
): [Tensor, Tensor] {
  const [between, aa, bb] = [sums(mul(a, b), columns), sums(mul(a, a), columns), sums(mul(b, b), columns)];
  return [along(mapVector(share(0), between, aa, bb)), along(mapVector(share(1), between, aa, bb))];
}

/**
 * How much of each vector makes up the point at `t`, from their dot product and squared lengths.
 * @param compat round the angle as mergekit does, so that opposite vectors come out as they do there
 */
function arc(between: number, aa: number, bb: number, t: number, compat: boolean): [number, number] {
  const cosine = between / (Math.max(Math.sqrt(aa), SHORTEST) * Math.max(Math.sqrt(bb), SHORTEST));
  const exact = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const angle = compat ? Math.fround(exact) : exact;
  const sine = Math.sin(angle);
  if (Math.abs(sine) < 1e-8 || (!compat && cosine < ROUNDING - 1)) return [1 - t, t];
  return [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
}
