/**
 * The order of a run: rounds that only find numbers of the whole model, then the one that writes. A tensor's
 * settlement lives from its first round to its last.
 */
import { createCounters } from "../graph/counters.ts";
import type { Pass } from "../graph/passes.ts";
import { createSettlement, type Settlement } from "../graph/settle.ts";
import type { MergePlan, TensorPlan } from "../plan/plan.ts";
import { streamTensor, type TileHost } from "./tiles.ts";
import { createWholeModel, type WholeModel } from "./whole.ts";

export interface Rounds {
  /** Runs every round but the last. Resolves at once for plans without whole-model numbers. */
  survey(host: TileHost): Promise<void>;
  /** The last round of one tensor: what is left of its passes. */
  finish(
    tensor: MergePlan,
    host: TileHost,
  ): Promise<{ readonly settled: Promise<void>; readonly settlement: Settlement }>;
}

export const roundOf = (passes: readonly Pass[]) => passes.at(-1)?.round ?? 0;

/** The round that writes. */
export const lastRound = (tensors: readonly TensorPlan[]) =>
  tensors.reduce((most, tensor) => (tensor.action === "merge" ? Math.max(most, roundOf(tensor.passes)) : most), 0);

export function createRounds(tensors: readonly TensorPlan[]): Rounds {
  const whole: WholeModel = createWholeModel();
  const counters = createCounters();
  const open = new Map<MergePlan, Settlement>();
  const merges = tensors.filter((tensor) => tensor.action === "merge");
  const last = lastRound(tensors);

  const settlementOf = (tensor: MergePlan): Settlement => {
    const known = open.get(tensor) ?? createSettlement(tensor.count, tensor.seed, counters, whole);
    open.set(tensor, known);
    return known;
  };

  return {
    survey: async (host) => {
      for (let round = 0; round < last; round++) {
        const work: Promise<void>[] = [];
        for (const [index, tensor] of merges.entries()) {
          const passes = tensor.passes.filter((pass) => pass.round === round);
          if (passes.length === 0 || roundOf(tensor.passes) === round) continue;
          const settlement = settlementOf(tensor);
          const { settled } = await streamTensor(tensor, passes, settlement, host);
          const done = settled.then(() => whole.contribute(index, passes, settlement));
          done.catch(() => {});
          work.push(done);
        }
        await Promise.all(work);
        whole.conclude();
      }
    },
    finish: async (tensor, host) => {
      const settlement = settlementOf(tensor);
      open.delete(tensor);
      const passes = tensor.passes.filter((pass) => pass.round === roundOf(tensor.passes));
      const { settled } = await streamTensor(tensor, passes, settlement, host);
      const ended = settled.then(() => settlement.end());
      ended.catch(() => {});
      return { settled: ended, settlement };
    },
  };
}
