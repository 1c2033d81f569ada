/**
 * Numbers of the whole model: each tensor gives its part when a round of its sweeps is done, and at the end of the
 * round the parts are put together, always in the order of the tensors.
 */
import { type Choice, coarse, fine, type Whole } from "../graph/choice.ts";
import type { OverallKth, Pass } from "../graph/passes.ts";
import { HIGH_BINS, LOW_BINS } from "../graph/program.ts";
import type { Settlement } from "../graph/settle.ts";
import { type Spelled, spell, unspell } from "../graph/spelled.ts";

export interface WholeModel extends Whole {
  /** Takes tensor number `index`'s parts of what these passes yielded. */
  contribute(index: number, passes: readonly Pass[], settlement: Settlement): void;
  /** Ends a round: what was contributed is known from now on. */
  conclude(): void;
  /** All that is known, as plain data. */
  keep(): WholeNumbers;
  /** As if the rounds that found these numbers had been run here. */
  recall(numbers: WholeNumbers): void;
}

export interface WholeNumbers {
  readonly sums: readonly (readonly [id: string, sum: Spelled])[];
  readonly choices: readonly (readonly [id: string, choice: Choice, elements: number])[];
}

interface Counting {
  readonly share: number;
  readonly digits: "high" | "low";
  readonly counts: Float64Array;
}

export function createWholeModel(): WholeModel {
  const parts = new Map<string, Map<number, number>>();
  const sums = new Map<string, number>();
  const counting = new Map<string, Counting>();
  const choices = new Map<string, Choice>();
  const elements = new Map<string, number>();

  function count(one: OverallKth, digits: "high" | "low", settlement: Settlement): void {
    const bins = digits === "high" ? HIGH_BINS : LOW_BINS;
    const all = counting.get(one.id) ?? { share: one.share, digits, counts: new Float64Array(bins) };
    counting.set(one.id, all);
    const own = settlement.counts(digits === "high" ? one.key : one);
    for (let bin = 0; bin < bins; bin++) all.counts[bin]! += own[bin]!;
  }

  return {
    sum: (id) => known(id, sums.get(id)),
    choice: ({ id }) => known(id, choices.get(id)),
    contribute: (index, passes, settlement) => {
      for (const pass of passes) {
        for (const part of pass.parts) {
          if (part.op === "overall") {
            const all = parts.get(part.id) ?? new Map<number, number>();
            parts.set(part.id, all.set(index, settlement.value(part.part)));
          } else count(part, pass.low.includes(part) ? "low" : "high", settlement);
        }
      }
    },
    conclude: () => {
      for (const [id, all] of parts) {
        const inOrder = [...all].sort(([a], [b]) => a - b);
        sums.set(
          id,
          inOrder.reduce((sum, [, part]) => sum + part, 0),
        );
      }
      parts.clear();
      for (const [id, { share, digits, counts }] of counting) {
        if (digits === "high") {
          const total = counts.reduce((sum, some) => sum + some, 0);
          elements.set(id, total);
          choices.set(id, coarse(counts, Math.max(1, Math.min(total, Math.floor(share * total))), total));
        } else choices.set(id, fine(known(id, choices.get(id)), counts, known(id, elements.get(id))));
      }
      counting.clear();
    },
    keep: () => ({
      sums: [...sums].map(([id, sum]) => [id, spell(sum)]),
      choices: [...choices].map(([id, choice]) => [id, choice, known(id, elements.get(id))]),
    }),
    recall: (numbers) => {
      for (const [id, sum] of numbers.sums) sums.set(id, unspell(sum));
      for (const [id, choice, all] of numbers.choices) {
        choices.set(id, choice);
        elements.set(id, all);
      }
    },
  };
}

function known<T>(id: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`Internal error: "${id}" of the whole model was used before it was known.`);
  return value;
}
