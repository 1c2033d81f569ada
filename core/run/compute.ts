import { bytesPer } from "../bytes/dtype.ts";
import type { Engine } from "../engine/engine.ts";
import type { MergePlan, TensorPlan } from "../plan/plan.ts";
import { createRounds } from "./rounds.ts";
import { asideHost } from "./tiles.ts";

/**
 * One tensor of a plan, whole, in memory. For checks; a merge streams. Numbers of the whole model are those of this
 * tensor alone, unless `among` names all of them.
 */
export async function computeTensor(
  plan: MergePlan,
  engine: Engine,
  signal?: AbortSignal,
  among: readonly TensorPlan[] = [plan],
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(plan.count * bytesPer(plan.dtype));
  const chunks: Promise<Uint8Array<ArrayBuffer>>[] = [];
  const host = asideHost(engine, (_, chunk) => chunks.push(chunk), signal);
  const rounds = createRounds(among);
  await rounds.survey(host);
  const { settled } = await rounds.finish(plan, host);
  await settled;
  let at = 0;
  for (const chunk of await Promise.all(chunks)) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
