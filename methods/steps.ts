/**
 * The steps that methods share, named as in the papers: task vectors, trimming, dropping, rescaling,
 * sign election. A method that differs from another by a step differs by a line.
 */
import { WeightloomError } from "../core/errors.ts";
import {
  abs,
  add,
  div,
  eq,
  fill,
  ge,
  le,
  lt,
  MINUS_ONE,
  map,
  mul,
  ONE,
  random,
  type Scalar,
  sub,
  sum,
  type Tensor,
  top,
  total,
  where,
  ZERO,
} from "../core/graph/tensor.ts";

/** What an earlier step left of one model: its task vector and the weight it enters the mix with. */
export interface Weighted {
  readonly delta: Tensor;
  readonly weight: number;
}

/** The base of a method that needs one. */
export function given(base: Tensor | null): Tensor {
  if (base === null) throw new Error("Internal error: the planner gave no base.");
  return base;
}

/** Task vector: what fine-tuning changed (Ilharco et al., arXiv:2212.04089). */
export const taskVector = (model: Tensor, base: Tensor): Tensor => sub(model, base);

/**
 * TIES trimming: keeps the floor(density * count) largest magnitudes, exactly; equal magnitudes go to
 * the lowest index. A density of 1 or more keeps everything.
 */
export function trim(delta: Tensor, density: number, count: number, name: string): Tensor {
  if (density >= 1) return delta;
  const k = Math.floor(density * count);
  if (k <= 0) {
    throw new WeightloomError(
      "PlanError",
      `${name}: density ${density} keeps none of its ${count.toLocaleString("en")} elements. ` +
        `Raise the density to at least ${(1 / count).toPrecision(2)}, or set the model's weight to 0 to leave it out.`,
    );
  }
  return where(top(delta, k), delta, ZERO);
}

/** DARE's drop: keeps each element with probability `density` (Yu et al., arXiv:2311.03099). */
export const drop = (delta: Tensor, density: number, stream: number): Tensor =>
  density >= 1 ? delta : where(lt(random(stream), density), delta, ZERO);

/** Scales what is left so that its L1 norm is that of the whole, unless either is below 1e-7. */
export function rescaleL1(left: Tensor, whole: Tensor): Tensor {
  if (left === whole) return left;
  const factor = map(
    (before, after) => (before < 1e-7 || after < 1e-7 ? 1 : before / after),
    sum(abs(whole)),
    sum(abs(left)),
  );
  return mul(left, factor);
}

/** Sum of weighted task vectors; `normalize` divides by the sum of the weights (by 1 if that is ~0). */
export function weightedSum(parts: readonly Weighted[], normalize: boolean): Tensor {
  const mix = total(parts.map(({ delta, weight }) => mul(delta, weight)));
  if (!normalize) return mix;
  const weights = parts.reduce((all, { weight }) => all + weight, 0);
  return div(mix, Math.abs(weights) < 1e-8 ? 1 : weights);
}

/**
 * TIES' sign election (Yadav et al., arXiv:2306.01708): the sign of the votes' sum, per element; zero counts
 * as positive.
 */
export const elect = (votes: readonly Tensor[]): Tensor => where(ge(total(votes), ZERO), ONE, MINUS_ONE);

/**
 * TIES' disjoint merge: the sign of the weighted sum is elected, only contributions of that sign are added, and
 * `normalize` divides by the sum of their weights.
 */
export function electedSum(parts: readonly Weighted[], normalize: boolean): Tensor {
  const weighted = parts.map(({ delta, weight }) => mul(delta, weight));
  const elected = elect(weighted);
  // Along the elected sign: what agrees is positive.
  const along = weighted.map((part) => mul(part, elected));
  const { mix, share } = agreeing(
    along,
    parts.map(({ weight }) => fill(weight)),
  );
  // By 1 where nobody agrees.
  return normalize ? div(mul(mix, elected), add(share, eq(share, ZERO))) : mul(mix, elected);
}

/** The sum of the parts that are above 0, and that of their weights. */
function agreeing(parts: readonly Tensor[], weights: readonly Tensor[]): { mix: Tensor; share: Tensor } {
  const against = parts.map((part) => le(part, ZERO));
  const of = (terms: readonly Tensor[]) => total(terms.map((term, i) => where(against[i] ?? term, ZERO, term)));
  return { mix: of(parts), share: of(weights) };
}

/** base + strength * mix. */
export const apply = (base: Tensor, mix: Tensor, strength: number | Scalar): Tensor =>
  add(base, strength === 1 ? mix : mul(mix, strength));
