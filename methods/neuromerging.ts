/**
 * Changes seen from the neurons: along a neuron's own weights they change how sensitive it is, across them what it
 * responds to. The two parts are merged apart.
 */
import {
  abs,
  along,
  fill,
  map,
  mapVector,
  mul,
  rowSums,
  type Scalar,
  sub,
  sum,
  type Tensor,
  total,
} from "../core/graph/tensor.ts";
import { defineMethod, flag, number } from "../core/method.ts";
import { apply, electedSum, given, taskVector, trim } from "./steps.ts";
import { strengthAt, strengths } from "./strength.ts";
import { equalWeight } from "./vectors.ts";

export const neuromerging = defineMethod({
  id: "neuromerging",
  title: "NeuroMerging",
  summary: "Splits every neuron's change into along and across its weights, and merges the two as TIES does, apart.",
  use: "For several tasks where TIES loses ability: what a neuron responds to is kept apart from how strongly.",
  reference: "Fang et al., 2025, arXiv:2503.05320",
  formula: [
    "d_i = model_i - base;  w = a row of the base (a neuron)",
    "along_i = (d_i . w / |w|^2) w;  across_i = d_i - along_i;  of each the largest share density is kept",
    "mix of a part = as in ties: (sum of the weighted parts with the elected sign) / (sum of those weights)",
    "s = largest share, over the models, of sum|across_i| that was dropped",
    "result = base + lambda * (parallel * mix(along) + orthogonal / (1 - s) * mix(across));  rescale off: s = 0",
    "tensors of one axis have no neurons: all of d_i is across",
  ].join("\n"),
  differs: "Not in mergekit.",
  base: "required",
  models: { min: 1 },
  rows: "base",
  params: {
    weight: equalWeight,
    density: number("merge", {
      title: "density",
      default: 0.85,
      min: 0.05,
      max: 1,
      step: 0.01,
      ends: ["few", "keep all"],
      help: "The share of each part that is kept: its largest changes.",
    }),
    parallel: number("merge", {
      title: "along",
      default: 0,
      min: 0,
      max: 2,
      step: 0.05,
      ends: ["left out", "doubled"],
      help: "Strength of changes along a neuron's weights (its sensitivity). The authors leave them out.",
    }),
    orthogonal: number("merge", {
      title: "across",
      default: 1,
      min: 0,
      max: 2,
      step: 0.05,
      ends: ["left out", "doubled"],
      help: "Strength of changes across a neuron's weights (what it responds to).",
    }),
    rescale: flag("merge", {
      title: "rescale",
      default: true,
      help: "Make up for what density drops across the weights.",
    }),
    ...strengths(1),
  },
  merge({ base: maybe, models, params, count, columns, shape, depth, name }) {
    const base = given(maybe);
    const taking = models.filter((model) => model.params.weight !== 0);
    if (taking.length === 0) return base;
    const weights = taking.map((model) => model.params.weight);
    const deltas = taking.map(({ tensor }) => taskVector(tensor, base));
    const parallel = shape.length < 2 ? [] : deltas.map((delta) => parallelPart(delta, base, columns));
    const merged = (parts: readonly Tensor[]) => {
      const kept = parts.map((part) => trim(part, params.density, count, name));
      return {
        kept,
        mix: electedSum(
          kept.map((delta, i) => ({ delta, weight: weights[i] ?? 1 })),
          true,
        ),
      };
    };
    const terms: Tensor[] = [];
    if (params.parallel !== 0 && parallel.length > 0) terms.push(mul(merged(parallel).mix, params.parallel));
    if (params.orthogonal !== 0) {
      const across = deltas.map((delta, i) => (parallel[i] === undefined ? delta : sub(delta, parallel[i])));
      const { kept, mix } = merged(across);
      terms.push(mul(mix, params.rescale ? regain(across, kept, params.orthogonal) : fill(params.orthogonal)));
    }
    return terms.length === 0 ? base : apply(base, total(terms), strengthAt(params, depth));
  },
});

/** The part of a change that lies along the neuron's own weights. */
export const parallelPart = (delta: Tensor, base: Tensor, columns: number): Tensor =>
  mul(
    base,
    along(
      mapVector(
        (between, squared) => (squared > 0 ? between / squared : 0),
        rowSums(mul(delta, base), columns),
        rowSums(mul(base, base), columns),
      ),
    ),
  );

/** What makes up for the largest share, over the models, that trimming took. */
function regain(wholes: readonly Tensor[], kept: readonly Tensor[], strength: number): Scalar {
  const sizes = wholes.flatMap((whole, i) => [sum(abs(kept[i] ?? whole)), sum(abs(whole))]);
  return map(
    (...pairs) => {
      let least = 1;
      for (let i = 0; i < pairs.length; i += 2)
        if (pairs[i + 1]! > 0) least = Math.min(least, pairs[i]! / pairs[i + 1]!);
      return least > 0 ? strength / least : strength;
    },
    ...sizes,
  );
}
