/**
 * The sum of the magnitudes that a selection chooses, from what its window saw and what the sweep added up above it: so no sweep
 * of its own is needed for `sum(abs(where(top(key, k), key, ZERO)))`.
 *
 * It must be the number that such a sweep yields, to the bit, and f64 sums depend on their order as soon as they are rounded. What is
 * chosen is a multiple of the threshold's last place, so as long as the sum of a block is below 2^53 of those, nothing was
 * rounded on the way to it, whichever way that was. Where it is not, or the window missed, there is no answer here, and the sum is
 * made by looking at the tensor again.
 */
import { type Choice, magnitudeOf } from "./choice.ts";
import { BLOCK, WINDOW } from "./program.ts";
import type { Bounds } from "./search.ts";
import type { Seen } from "./window.ts";

/**
 * @param seen of all tiles, in any order
 * @param above per block the sum of what is above the window; becomes the sum of what is chosen
 * @returns whether it is exact
 */
export function massIn(seen: readonly Seen[], choice: Choice, { low, high }: Bounds, above: Float64Array): boolean {
  const { threshold } = choice;
  const inside = threshold >= low && threshold <= high;
  if (!inside || seen.some(({ counts }) => counts[WINDOW.full] !== 0)) return false;
  const [size, largest] = [magnitudeOf(choice), magnitudeOf({ threshold: high })];
  const limit = 2 ** (Math.max(1, threshold >>> 23) - 150 + 53);
  const steps = BLOCK / WINDOW.step;
  let left = choice.keep;
  for (const { first, counts, list } of [...seen].sort((a, b) => a.first - b.first)) {
    const bits = new Int32Array(list.buffer, list.byteOffset, list.length);
    const sizes = new Float32Array(list.buffer, list.byteOffset, list.length);
    const marked = counts[WINDOW.marked]!;
    // Up to the block: how many are listed, and how many equal the upper and the lower bound.
    let [i, atHigh, atLow] = [0, 0, 0];
    for (let mark = 0; mark < marked; mark += steps) {
      const at = WINDOW.marks + 4 * (Math.min(mark + steps, marked) - 1);
      const end = counts[at + 3]!;
      const [toHigh, toLow] = [counts[at + 1]! - counts[at]!, counts[at + 2]! - counts[at + 1]! - end];
      const block = (first + mark * WINDOW.step) / BLOCK;
      let equal = threshold === high ? toHigh - atHigh : threshold === low ? toLow - atLow : 0;
      let sum = above[block]!;
      for (; i < end; i++) {
        if (bits[i]! > threshold) sum += sizes[i]!;
        else if (bits[i] === threshold) equal++;
      }
      if (threshold < high && toHigh > atHigh) sum += (toHigh - atHigh) * largest;
      const kept = Math.min(left, equal);
      if (kept > 0) sum += kept * size;
      if (!(sum < limit)) return false;
      above[block] = sum;
      [left, atHigh, atLow] = [left - kept, toHigh, toLow];
    }
  }
  return true;
}
