/**
 * Model Stock: fine-tunes of one task lie around a centre; the wider the angle between them, the closer to the base
 * the centre is. One angle per tensor, or one per row.
 */
import {
  add,
  along,
  dot,
  map,
  mapVector,
  mul,
  rowSums,
  type Scalar,
  type Tensor,
  total,
} from "../core/graph/tensor.ts";
import { defineMethod, flag } from "../core/method.ts";
import { matrix } from "./span.ts";
import { given, taskVector } from "./steps.ts";

export const modelStock = defineMethod({
  id: "model_stock",
  title: "Model Stock",
  summary: "Averages fine-tunes of one task and steps back towards the base as far as their angles suggest.",
  use: "For two or more fine-tunes of the same task (other seeds, other settings); nothing to tune.",
  reference: "Jang et al., ECCV 2024, arXiv:2403.19522",
  formula: [
    "d_i = model_i - base; c = mean over pairs of cos(d_i, d_j); n models",
    "t = n c / (1 + (n - 1) c)",
    "result = t * mean_i model_i + (1 - t) * base",
    "filter wise: c and t per row of a matrix",
  ].join("\n"),
  differs: "The same; where t leaves 0 to 1 the result lies beyond the base or the average, and the run says so.",
  base: "required",
  models: { min: 2 },
  rows: "common",
  params: {
    filter_wise: flag("merge", {
      title: "row by row",
      default: false,
      help: "One angle per row of a matrix (output neuron) instead of one per tensor.",
    }),
  },
  remarks: {
    ratio: (values) => {
      const odd = values.filter(({ value }) => value < 0 || value > 1);
      const [first] = odd;
      if (first === undefined) return null;
      return `Model Stock: in ${odd.length} of ${values.length} tensors the models point apart, and the ratio t lies outside 0 to 1 (${first.tensor}: ${first.value.toFixed(3)}), beyond the base or the average. Model Stock is made for fine-tunes of one task.`;
    },
  },
  merge({ base: maybe, models, params, columns, watch }) {
    const base = given(maybe);
    const deltas = models.map(({ tensor }) => taskVector(tensor, base));
    const n = deltas.length;
    const pairs = deltas.flatMap((a, i) => deltas.slice(i).map((b) => [a, b] as const));
    const ratio = (...products: number[]) => ratioOf(matrix(n, products));
    const sum = total(deltas);
    if (params.filter_wise) {
      const [first, ...more] = pairs.map(([a, b]) => rowSums(mul(a, b), columns));
      if (first === undefined) return base;
      return step(base, sum, along(mapVector((...products) => ratio(...products) / n, first, ...more)));
    }
    const products = pairs.map(([a, b]) => dot(a, b));
    watch("ratio", map(ratio, ...products));
    return step(
      base,
      sum,
      map((...values) => ratio(...values) / n, ...products),
    );
  },
});

const step = (base: Tensor, sum: Tensor, share: Scalar | Tensor): Tensor => add(base, mul(sum, share));

/** t from the dot products of all task vectors. */
function ratioOf(products: readonly (readonly number[])[]): number {
  const n = products.length;
  const lengths = products.map((row, i) => Math.sqrt(row[i] ?? 0));
  let cosines = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const cosine = products[i]![j]! / Math.max(lengths[i]! * lengths[j]!, 1e-6);
      cosines += Math.min(1, Math.max(-1, cosine));
    }
  }
  const mean = n < 2 ? 1 : cosines / ((n * (n - 1)) / 2);
  return (n * mean) / (1 + (n - 1) * mean);
}
