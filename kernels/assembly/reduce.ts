/**
 * The end of a sum. Of every eight elements of a block, i and i + 4 have been added in f32 and gone to the f64 accumulator i, in order;
 * of an exact sum each element has gone to one of eight. They are added in a fixed tree at the end of the block: the partial depends on
 * nothing but the block's elements.
 */

/** Writes the sum of the accumulators to `partial` and clears them. */
export function finish(to: usize, partial: usize): void {
  const low = (load<f64>(to) + load<f64>(to, 8)) + (load<f64>(to, 16) + load<f64>(to, 24));
  const high = (load<f64>(to, 32) + load<f64>(to, 40)) + (load<f64>(to, 48) + load<f64>(to, 56));
  store<f64>(partial, low + high);
  memory.fill(to, 0, 64);
}
