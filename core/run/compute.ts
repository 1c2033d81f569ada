import { bytesPer } from "../bytes/dtype.ts";
import type { Engine } from "../engine/engine.ts";
import type { MergePlan } from "../plan/plan.ts";
import { createBudget } from "./budget.ts";
import { streamTensor } from "./tiles.ts";

/** One tensor of a plan, whole, in memory. For checks; a merge streams. */
export async function computeTensor(
  plan: MergePlan,
  engine: Engine,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(plan.count * bytesPer(plan.dtype));
  const chunks: Promise<Uint8Array<ArrayBuffer>>[] = [];
  await streamTensor(plan, {
    engine,
    budget: createBudget(Number.POSITIVE_INFINITY),
    signal: signal ?? new AbortController().signal,
    read: ({ inputs }, index, first, count) => {
      const { info, start, dtype } = inputs[index]!;
      const size = bytesPer(dtype);
      return info.source.read({ start: start + first * size, end: start + (first + count) * size }, signal);
    },
    recycle: () => {},
    emit: (_, chunk) => chunks.push(chunk),
  });
  let at = 0;
  for (const chunk of await Promise.all(chunks)) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
