import {
  add,
  div,
  fill,
  le,
  map,
  max,
  mul,
  ne,
  type Scalar,
  sub,
  sum,
  type Tensor,
  top,
  total,
  where,
  ZERO,
} from "../core/graph/tensor.ts";
import { defineMethod, flag, number } from "../core/method.ts";
import { elect, given, taskVector } from "./steps.ts";
import { layerScale, ramp } from "./strength.ts";

/** Select, calculate, erase (Wan et al., FuseChat). */
export const sce = defineMethod({
  id: "sce",
  title: "SCE",
  summary: "Keeps the weights where models differ most, weighs models by how much they changed, and elects signs.",
  use: "For several models of one base without weights to choose: each tensor goes to whoever changed it most.",
  reference: "Wan et al., FuseChat, 2024, arXiv:2408.07990",
  formula: [
    "d_i = model_i - base",
    "select: where the variance of the d_i is among the largest select_topk of those that are not 0, else d_i = 0",
    "calculate: c_i = mean(d_i^2);  w_i = c_i / sum_j c_j, or 1/n where that sum is below uniform_below",
    "erase: e = 1 where sum_i d_i >= 0, else -1",
    "result = base + (sum of the w_i d_i whose sign is e) / (sum of those w_i)",
  ].join("\n"),
  differs:
    "The threshold under which all models weigh the same is a parameter here (uniform_below), since light fine-tunes always fall under mergekit's 1e-6; the run says how many tensors did. Equal variances at the cut go to the lowest index.",
  base: "required",
  models: { min: 1 },
  rows: "base",
  params: {
    select_topk: number("merge", {
      title: "select",
      default: 1,
      min: 0,
      max: 1,
      hard: true,
      step: 0.01,
      ends: ["none", "all"],
      help: "The share of weights that is merged: those in which the models differ most. The authors use 0.1.",
    }),
    uniform_below: number("merge", {
      rare: true,
      title: "uniform below",
      default: 1e-6,
      min: 0,
      max: 1e-6,
      ends: ["always by size", "as mergekit"],
      help: "Where the changes' mean squares add up to less than this, all models weigh the same. 0 always weighs by size.",
    }),
    ...ramp,
    int8_mask: flag("merge", {
      rare: true,
      title: "int8 mask",
      default: false,
      help: "Has no effect here; accepted because recipes for other tools carry it.",
    }),
  },
  remarks: {
    uniform: (values) => {
      const uniform = values.filter(({ value }) => value === 1).length;
      if (uniform === 0) return null;
      return `SCE: in ${uniform} of ${values.length} tensors the changes are so small that all models weighed the same. Set uniform_below to 0 to weigh them by size all the same.`;
    },
  },
  merge({ base: maybe, models, params, count, depth, watch }) {
    const base = given(maybe);
    if (models.length === 0 || params.select_topk <= 0) return base;
    const changes = models.map(({ tensor }) => taskVector(tensor, base));
    const selected =
      params.select_topk < 1
        ? select(
            models.map(({ tensor }) => tensor),
            params.select_topk,
          )
        : null;
    const deltas = selected === null ? changes : changes.map((change) => where(selected, change, ZERO));
    const sums = deltas.map((delta) => sum(mul(delta, delta)));
    const isUniform = (squares: readonly number[]) => {
      const all = squares.reduce((a, b) => a + b, 0) / count;
      return all === 0 || all < params.uniform_below;
    };
    const weights = sums.map((_, i) =>
      map(
        (...squares) => {
          if (isUniform(squares)) return 1 / squares.length;
          return (squares[i] ?? 0) / squares.reduce((a, b) => a + b, 0);
        },
        ...sums,
      ),
    );
    watch(
      "uniform",
      map((...squares) => Number(isUniform(squares)), ...sums),
    );
    return add(base, mul(erased(deltas, weights), layerScale(params, depth)));
  },
});

/** 1 where models differ most. Their variance, times n, is taken around the first: 0 exactly where all are equal. */
function select(models: readonly Tensor[], share: number): Tensor {
  const [first, ...others] = models;
  if (first === undefined || others.length === 0) return fill(0);
  const offsets = others.map((other) => sub(other, first));
  const mean = total(offsets);
  const variance = sub(total(offsets.map((offset) => mul(offset, offset))), div(mul(mean, mean), models.length));
  return top(
    variance,
    map((differing) => Math.floor(differing * share), sum(ne(variance, ZERO))),
  );
}

/** The average by weight of those that have the elected sign. */
function erased(deltas: readonly Tensor[], weights: readonly Scalar[]): Tensor {
  const elected = elect(deltas);
  const along = deltas.map((delta) => mul(delta, elected));
  const against = along.map((part) => le(part, ZERO));
  const mix = total(along.map((part, i) => mul(where(against[i]!, ZERO, part), weights[i] ?? 0)));
  const share = total(along.map((_, i) => where(against[i]!, ZERO, weights[i] ?? 0)));
  return div(mul(mix, elected), max(share, 1e-6));
}
