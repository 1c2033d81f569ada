import { add, max, min, mul, type Tensor } from "../core/graph/tensor.ts";
import { defineMethod } from "../core/method.ts";
import { apply, given, taskVector } from "./steps.ts";
import { strengthAt, strengths } from "./strength.ts";

/** Per weight, the middle one. The median of the changes is the change of the median. */
export const median = defineMethod({
  id: "median",
  title: "Median",
  summary: "Takes, weight by weight, the middle of what the models say.",
  use: "For three or more models of which one may be off: a single outlier cannot pull the result.",
  reference: "Elementwise median of task vectors; compare Yin et al., ICML 2018, arXiv:1803.01498",
  formula: [
    "m = median of the model_i, per weight (of an even number: the mean of the middle two)",
    "result = base + lambda * (m - base)",
  ].join("\n"),
  differs: "Not in mergekit.",
  base: "required",
  models: { min: 1 },
  rows: "base",
  params: strengths(1),
  merge({ base: maybe, models, params, depth }) {
    const base = given(maybe);
    if (models.length === 0) return base;
    const middle = medianOf(models.map(({ tensor }) => tensor));
    return apply(base, taskVector(middle, base), strengthAt(params, depth));
  },
});

/**
 * Batcher's merge exchange (Knuth, TAOCP 3, 5.2.2M): about n (log n)^2 / 4 comparisons, each a minimum and a
 * maximum. Those the middle does not depend on are never computed.
 */
export function medianOf(tensors: readonly Tensor[]): Tensor {
  const n = tensors.length;
  const sorted = [...tensors];
  const exchange = (i: number, j: number) => {
    const [a, b] = [sorted[i]!, sorted[j]!];
    sorted[i] = min(a, b);
    sorted[j] = max(a, b);
  };
  const top = 2 ** Math.max(0, Math.ceil(Math.log2(n)) - 1);
  for (let p = n > 1 ? top : 0; p >= 1; p >>= 1) {
    let [q, r, d] = [top, 0, p];
    for (;;) {
      for (let i = 0; i < n - d; i++) if ((i & p) === r) exchange(i, i + d);
      if (q === p) break;
      [d, q, r] = [q - p, q >> 1, p];
    }
  }
  const [low, high] = [sorted[(n - 1) >> 1]!, sorted[n >> 1]!];
  return low === high ? low : mul(add(low, high), 0.5);
}
