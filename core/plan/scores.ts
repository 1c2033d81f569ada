/**
 * Heads that score or classify, as reward models have. Their rows are labels, not tokens, so heads of different shapes
 * mean different things and are not cut to a common size.
 */
import type { Present } from "./merge.ts";

const SCORES =
  /(^|\.)(score|v_head|value_head|reward_head|regression_head|classifier|classification_head|classification_heads)(\.|$)/;

/** What is wrong with score heads of different shapes; null for other tensors. */
export function scoreHeads(name: string, lead: Present, odd: readonly Present[]): string | null {
  if (odd.length === 0 || !SCORES.test(name)) return null;
  const said = [lead, ...odd].map(({ label, info }) => `${label} has [${info.shape.join(", ")}]`).join(", ");
  return `${name}: ${said}. This is a head that scores or classifies, and merging needs models with the same labels and the same size. Leave out the model that differs.`;
}
