/**
 * Ways to thin out a task vector beyond the two of steps.ts: over the whole model, without the outliers, by rank
 * within the row.
 */
import { WeightloomError } from "../core/errors.ts";
import {
  abs,
  add,
  div,
  fill,
  ge,
  lt,
  mul,
  ONE,
  outranks,
  overallKth,
  random,
  rank,
  type Tensor,
  top,
  where,
  ZERO,
} from "../core/graph/tensor.ts";

/** What is left of a task vector, and with what probability an element stays, where that is by chance. */
export interface Thinned {
  readonly left: Tensor;
  readonly probability?: number | Tensor;
}

/** DARE's chance of staying, as what survivors are divided by: 1 where everything stays or nothing does. */
export const chance = (density: number): number => (density >= 1 || density <= 0 ? 1 : density);

/**
 * TIES trimming as its authors do it: one threshold for the whole model, such that `density` of all elements are as
 * large. Tensors of one model and one density share the threshold.
 */
export function trimOverall(delta: Tensor, density: number, stream: number, name: string): Tensor {
  if (density >= 1) return delta;
  if (density <= 0) {
    throw new WeightloomError(
      "PlanError",
      `${name}: density ${density} keeps nothing of the whole model. Raise the density above 0, or set the model's weight to 0 to leave it out.`,
    );
  }
  return where(ge(abs(delta), overallKth(`trim ${stream} ${density}`, delta, density)), delta, ZERO);
}

/**
 * Breadcrumbs (Davari & Belilovsky, arXiv:2312.06795): drops the floor(gamma * count) largest magnitudes, then the
 * smallest until floor(density * count) are left. Where that is more than there are, fewer of the largest go.
 * @param compat mergekit's slip: where no large one is to be dropped, everything is
 */
export function middle(delta: Tensor, density: number, gamma: number, count: number, compat: boolean): Tensor {
  if (density >= 1) return delta;
  const kept = Math.floor(Math.max(0, density) * count);
  const largest = Math.min(Math.floor(Math.max(0, gamma) * count), count - kept);
  const smallest = count - kept - largest;
  if (kept === 0 || (compat && largest === 0)) return fill(0);
  const above = smallest === 0 ? ONE : top(delta, count - smallest);
  return mul(delta, largest === 0 ? above : where(top(delta, largest), ZERO, above));
}

/**
 * DELLA's MagPrune (Deep et al., arXiv:2406.11617): within each row the smallest magnitude stays with probability
 * density - epsilon, the largest with density + epsilon, the others evenly in between.
 */
export function magPrune(
  delta: Tensor,
  { density, epsilon, stream, columns, name }: MagPruning,
): { left: Tensor; probability: number | Tensor } {
  if (density >= 1) return { left: delta, probability: 1 };
  if (density <= 0) return { left: fill(0), probability: 1 };
  if (epsilon < 0 || density - epsilon <= 0 || density + epsilon >= 1) {
    const most = Math.min(density, 1 - density);
    throw new WeightloomError(
      "PlanError",
      `${name}: density ${density} with epsilon ${epsilon} gives chances of staying from ${tidy(density - epsilon)} to ${tidy(density + epsilon)}; ` +
        `they must lie between 0 and 1. Use an epsilon from 0 to below ${tidy(most)}, or a density of 1 to keep everything.`,
    );
  }
  if (columns === 1 || epsilon === 0) {
    return { left: where(lt(random(stream), density), delta, ZERO), probability: density };
  }
  // Where the random number is below the least chance the element stays, and from the largest on it goes. Between the two it is a random
  // place in the row: to come behind whoever is there has the probability that the rank would say, and no rank has to be found.
  const [lowest, step] = [density - epsilon, (2 * epsilon) / (columns - 1)];
  const size = abs(delta);
  const stays = outranks(size, { stream, least: lowest, per: 1 / step }, columns);
  return { left: where(stays, delta, ZERO), probability: add(mul(rank(size, columns), step), lowest) };
}

export interface MagPruning {
  readonly density: number;
  /** Half the width of the range of chances. */
  readonly epsilon: number;
  readonly stream: number;
  readonly columns: number;
  readonly name: string;
}

/** What makes up for the dropped elements on average: each survivor divided by its chance of staying. */
export const rescaleByChance = (left: Tensor, probability: number | Tensor): Tensor =>
  probability === 1 ? left : div(left, probability);

const tidy = (value: number) => Number(value.toPrecision(6));
