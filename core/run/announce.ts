/**
 * Tells sources what a run is about to read, in the order in which it will, so that those far away can download ahead
 * in long requests. It follows the run (rounds.ts, tiles.ts, run.ts) and binds nobody: what is read otherwise is only slower.
 */
import { bytesPer } from "../bytes/dtype.ts";
import type { ByteRange, ByteSource } from "../bytes/source.ts";
import type { Pass } from "../graph/passes.ts";
import type { MergePlan, TensorPlan } from "../plan/plan.ts";
import { sampleRead } from "../plan/spots.ts";
import { lastRound, roundOf } from "./rounds.ts";

/**
 * @param written so many tensors are written already
 * @param known so many rounds are known already
 * @returns takes back what has not been read; to be called when the run has ended, however it did
 */
export function announce(tensors: readonly TensorPlan[], written = 0, known = 0): () => void {
  const told = new Set<ByteSource>();
  const tell = (source: ByteSource, range: ByteRange) => {
    if (source.expect === undefined || range.start === range.end) return;
    told.add(source);
    source.expect([range]);
  };
  const last = lastRound(tensors);
  for (let round = written < tensors.length ? known : last; round < last; round++) {
    for (const tensor of tensors)
      if (tensor.action === "merge" && roundOf(tensor.passes) !== round)
        sweeps(
          tensor,
          tensor.passes.filter((pass) => pass.round === round),
          tell,
        );
  }
  for (const tensor of tensors.slice(written)) {
    if (tensor.action === "copy") tell(tensor.from.source, tensor.from.range);
    else {
      const end = roundOf(tensor.passes);
      sweeps(
        tensor,
        tensor.passes.filter((pass) => pass.round === end),
        tell,
      );
    }
  }
  return () => {
    for (const source of told) source.expect?.(null);
  };
}

/** The passes of one round: of resident tensors each input once, of others what is sampled, then each once per pass. */
function sweeps(
  tensor: MergePlan,
  passes: readonly Pass[],
  tell: (source: ByteSource, range: ByteRange) => void,
): void {
  const { inputs, count, resident } = tensor;
  for (const { index, ranges } of sampleRead(tensor, passes))
    for (const range of ranges) tell(inputs[index]!.info.source, range);
  const read = passes.flatMap(({ program }) => program.inputs);
  for (const index of resident ? new Set(read) : read) {
    const { info, start, dtype } = inputs[index]!;
    tell(info.source, { start, end: start + count * bytesPer(dtype) });
  }
}
