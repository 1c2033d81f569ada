/**
 * The order of a run: rounds that only find numbers of the whole model, then the one that writes. A tensor's
 * settlement lives from its first round to its last.
 */
import type { Engine } from "../engine/engine.ts";
import { createCounters } from "../graph/counters.ts";
import type { Pass } from "../graph/passes.ts";
import { createSettlement, type Settlement } from "../graph/settle.ts";
import { createTrust } from "../graph/window.ts";
import type { MergePlan, TensorPlan } from "../plan/plan.ts";
import type { Journal, Round } from "./journal.ts";
import type { Soundness } from "./soundness.ts";
import { streamTensor, type TileHost } from "./tiles.ts";
import { createWholeModel, type WholeModel } from "./whole.ts";

export interface Memory {
  readonly journal: Journal;
  readonly soundness: Soundness;
}

export interface Rounds {
  /**
   * Runs every round but the last. Resolves at once for plans without whole-model numbers. Rounds that the journal has are
   * not run again; those that are run are written down there.
   */
  survey(host: TileHost, memory?: Memory): Promise<void>;
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

const passesIn = ({ passes }: MergePlan, round: number) => passes.filter((pass) => pass.round === round);

export function createRounds(tensors: readonly TensorPlan[]): Rounds {
  const whole: WholeModel = createWholeModel();
  const counters = createCounters();
  const trust = createTrust();
  const open = new Map<MergePlan, Settlement>();
  const merges = tensors.filter((tensor) => tensor.action === "merge");
  const last = lastRound(tensors);

  const settlementOf = (tensor: MergePlan, engine?: Engine): Settlement => {
    const search = engine?.beside?.search;
    const known = open.get(tensor) ?? createSettlement(tensor.count, tensor.seed, { counters, whole, trust, search });
    open.set(tensor, known);
    return known;
  };

  function recall(rounds: readonly Round[], soundness: Soundness): void {
    // Of a tensor that is written more is known than its first rounds told.
    const told = new Set(merges.filter(({ name }) => soundness.of(name) !== undefined));
    for (const [round, { whole: numbers, settled }] of rounds.entries()) {
      whole.recall(numbers);
      for (const [index, { kept, unsound }] of settled) {
        const tensor = merges[index];
        if (tensor === undefined) continue;
        passesIn(tensor, round).forEach((pass, i) => {
          const part = kept[i];
          if (part !== undefined) settlementOf(tensor).recall(pass, part);
        });
        if (unsound !== undefined && !told.has(tensor)) soundness.known(unsound);
      }
    }
  }

  return {
    survey: async (host, memory) => {
      const known = memory?.journal.finished.rounds ?? [];
      if (memory !== undefined) recall(known, memory.soundness);
      for (let round = known.length; round < last; round++) {
        const work: Promise<void>[] = [];
        for (const [index, tensor] of merges.entries()) {
          const passes = passesIn(tensor, round);
          if (passes.length === 0 || roundOf(tensor.passes) === round) continue;
          const settlement = settlementOf(tensor, host.engine);
          const { settled } = await streamTensor(tensor, passes, settlement, host);
          const done = settled.then(async () => {
            whole.contribute(index, passes, settlement);
            if (memory === undefined) return;
            const later = tensor.passes.filter((pass) => pass.round > round);
            const kept = passes.map((pass) => settlement.keep(pass, later));
            const unsound = memory.soundness.of(tensor.name);
            const settled = { kept, ...(unsound === undefined ? {} : { unsound }) };
            await memory.journal.write({ round, merge: index, settled });
          });
          done.catch(() => {});
          work.push(done);
        }
        await Promise.all(work);
        whole.conclude();
        await memory?.journal.write({ round, whole: whole.keep() });
      }
    },
    finish: async (tensor, host) => {
      const settlement = settlementOf(tensor, host.engine);
      open.delete(tensor);
      const passes = passesIn(tensor, roundOf(tensor.passes));
      const { settled } = await streamTensor(tensor, passes, settlement, host);
      const ended = settled.then(() => settlement.end());
      ended.catch(() => {});
      return { settled: ended, settlement };
    },
  };
}
