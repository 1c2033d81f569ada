import { add, dot, map, mul } from "../core/graph/tensor.ts";
import { defineMethod, number } from "../core/method.ts";

/** Above this cosine (either sign) the arc is as good as a line, and the formula would divide by ~0. */
const NEARLY_PARALLEL = 0.9995;
const NO_NORM = 1e-8;

/** Spherical interpolation of two tensors taken as flat vectors (Shoemake, SIGGRAPH 1985). */
export const slerp = defineMethod({
  id: "slerp",
  title: "SLERP",
  summary: "Walks from the base to the other model along the arc between them, not the straight line.",
  use: "For exactly two models, when you want to choose per layer which one leads.",
  reference: "Shoemake, SIGGRAPH 1985, doi:10.1145/325165.325242",
  formula: [
    "a, b = base and model, each tensor taken as one vector",
    "angle = arccos(a . b / (|a| |b|))",
    "result = sin((1 - t) angle) / sin(angle) * a + sin(t angle) / sin(angle) * b",
    "where |cos(angle)| > 0.9995: (1 - t) a + t b",
  ].join("\n"),
  differs: "At t = 0 and t = 1 the model's bytes are copied.",
  base: "required",
  models: { min: 1, max: 1 },
  rows: "common",
  params: {
    t: number("merge", {
      title: "t",
      default: null,
      min: 0,
      max: 1,
      step: 0.01,
      ends: ["base", "other model"],
      help: "Where on the way to stop: 0 is the base, 1 the other model.",
    }),
  },
  shares: ({ merge }) => [merge.t ?? 0],
  remarks: {
    line: (values) => {
      const lines = values.filter(({ value }) => value === 1).length;
      if (lines === 0) return null;
      return `SLERP: in ${lines} of ${values.length} tensors the two models point almost the same way (cosine above ${NEARLY_PARALLEL}), and the arc was a straight line. To walk along the arc between what they learned, use nuslerp with their base.`;
    },
  },
  merge({ base, models, params, watch }) {
    const t = params.t ?? 0;
    const other = models[0]?.tensor;
    if (base === null) throw new Error("Internal error: the planner gave no base.");
    if (other === undefined || t === 0) return base;
    if (t === 1) return other;
    const products = [dot(base, other), dot(base, base), dot(other, other)];
    const share = (which: 0 | 1) =>
      map(
        (between, baseSquared, otherSquared) => coefficients(between, baseSquared, otherSquared, t)[which],
        ...products,
      );
    watch(
      "line",
      map(
        (...values) => Number(Math.abs(cosineOf(...(values as [number, number, number]))) > NEARLY_PARALLEL),
        ...products,
      ),
    );
    return add(mul(base, share(0)), mul(other, share(1)));
  },
});

/** How much of each vector makes up the point at `t`, from their dot product and squared norms. */
function coefficients(between: number, baseSquared: number, otherSquared: number, t: number): [number, number] {
  const cosine = cosineOf(between, baseSquared, otherSquared);
  if (Math.abs(cosine) > NEARLY_PARALLEL) return [1 - t, t];
  const angle = Math.acos(cosine);
  return [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
}

function cosineOf(between: number, baseSquared: number, otherSquared: number): number {
  const unit = (squared: number) => (Math.sqrt(squared) > NO_NORM ? Math.sqrt(squared) : 1);
  return between / (unit(baseSquared) * unit(otherSquared));
}
