/**
 * Takes over the most important changes only. Importance is the size of a change times how much its whole row has
 * changed, measured as the divergence between the rows' softmaxes.
 *
 * The divergence of nearly equal rows is the small difference of large sums. With z = sum e^x, m = sum e^x d / z and
 * v = sum e^x (e^d - 1 - d) / z, where x is the model's row and x + d the base's, it is ln(1 + m + v) - m: three
 * sums of one sweep, and nothing cancels before the host computes in f64.
 */
import {
  abs,
  along,
  exp,
  fixed,
  ge,
  kth,
  map,
  mapVector,
  max,
  min,
  mul,
  rowSums,
  sub,
  sum,
  type Tensor,
  where,
} from "../core/graph/tensor.ts";
import { defineMethod } from "../core/method.ts";
import { excess } from "./elementary.ts";
import { given } from "./steps.ts";

/** e to this and a million of them added up still fit f32. Weights in matrices are far smaller. */
const [LARGEST, SMALLEST] = [fixed(70), fixed(-70)];

export const arceeFusion = defineMethod({
  id: "arcee_fusion",
  title: "Arcee Fusion",
  summary: "Takes over only the changes that stand out, and leaves the rest of the base as it is.",
  use: "For two models, when the other should contribute its few decisive changes; nothing to tune.",
  reference: "Goddard, mergekit's arcee_fusion, 2025",
  formula: [
    "p, q = softmax of each row of model and base;  s = sum p ln(p / q), one number per row",
    "importance = |model - base| * s   (tensors of one axis: |model - base|)",
    "theta = median + 1.5 (upper quartile - lower quartile) of the importance",
    "result = model where importance >= theta, else base",
  ].join("\n"),
  differs:
    "Divergences are exact. mergekit adds up f32 probabilities, in which those of light fine-tunes drown, so that it takes other weights there; in float64 its function takes ours. Quartiles are exact too (mergekit draws a random million from larger tensors), and the result keeps the recipe's type where mergekit's turns into float32.",
  base: "required",
  models: { min: 1, max: 1 },
  rows: "common",
  params: {},
  remarks: {
    share: (values) => {
      if (values.length === 0) return null;
      const shares = values.map(({ value }) => value).sort((a, b) => a - b);
      const percent = (value: number | undefined) => `${(100 * (value ?? 0)).toFixed(1)}%`;
      return `Arcee Fusion took over between ${percent(shares[0])} and ${percent(shares.at(-1))} of a tensor's weights, ${percent(shares[shares.length >> 1])} in the middle.`;
    },
  },
  merge({ base: maybe, models, count, columns, shape, watch }) {
    const base = given(maybe);
    const other = models[0]?.tensor;
    if (other === undefined) return base;
    const change = abs(sub(other, base));
    const importance = shape.length < 2 ? change : mul(change, divergence(other, base, columns));
    const [lower, middle, upper] = [0.25, 0.5, 0.75].map((share) =>
      kth(importance, count - Math.floor(share * (count - 1))),
    );
    const theta = map((q1, q2, q3) => q2 + 1.5 * (q3 - q1), lower ?? 0, middle ?? 0, upper ?? 0);
    const taken = ge(importance, theta);
    watch(
      "share",
      map((some) => some / count, sum(taken)),
    );
    return where(taken, other, base);
  },
});

/** Of the softmax of each row from the base's, at every element of the row. */
function divergence(model: Tensor, base: Tensor, columns: number): Tensor {
  const within = (x: Tensor) => max(min(x, LARGEST), SMALLEST);
  const [x, y] = [within(model), within(base)];
  const d = sub(y, x);
  const weight = exp(x);
  return along(
    mapVector(
      (z, first, second) => {
        const [m, v] = [first / z, second / z];
        return Math.max(0, Math.log1p(m + v) - m);
      },
      rowSums(weight, columns),
      rowSums(mul(weight, d), columns),
      rowSums(mul(weight, excess(d)), columns),
    ),
  );
}
