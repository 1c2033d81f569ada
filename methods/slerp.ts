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
  merge({ base, models, params }) {
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
    return add(mul(base, share(0)), mul(other, share(1)));
  },
});

/** How much of each vector makes up the point at `t`, from their dot product and squared norms. */
function coefficients(between: number, baseSquared: number, otherSquared: number, t: number): [number, number] {
  const unit = (squared: number) => (Math.sqrt(squared) > NO_NORM ? Math.sqrt(squared) : 1);
  const cosine = between / (unit(baseSquared) * unit(otherSquared));
  if (Math.abs(cosine) > NEARLY_PARALLEL) return [1 - t, t];
  const angle = Math.acos(cosine);
  return [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
}
