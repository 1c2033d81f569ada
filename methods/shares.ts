/**
 * Each model's part of the result by weight, for the advice; with `normalize` the parts add up to 1. Weights that add
 * up to less than `least` are not divided.
 */
export function sharesByWeight(
  models: readonly { readonly weight: number | null }[],
  normalize: boolean,
  least = 0,
): number[] {
  const weights = models.map((own) => own.weight ?? 0);
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return normalize && Math.abs(sum) >= least ? weights.map((weight) => weight / sum) : weights;
}
