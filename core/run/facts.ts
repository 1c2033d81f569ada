/**
 * What is known of each finished tensor besides its bytes: their checksum, what was not finite, and the numbers that the
 * method reports. It goes into the journal with the tensor, so that the record and the report of a resumed merge are whole.
 */
import type { Settlement } from "../graph/settle.ts";
import { type Spelled, spell, unspell } from "../graph/spelled.ts";
import type { MergePlan, TensorPlan } from "../plan/plan.ts";
import type { Recorder } from "./record.ts";
import type { Seen } from "./remarks.ts";
import type { Soundness, Unsound } from "./soundness.ts";

export interface Fact {
  readonly tensor: string;
  readonly checksum: string;
  readonly unsound?: Unsound;
  /** By the id given to `watch`. */
  readonly seen?: readonly (readonly [id: string, value: Spelled])[];
}

export interface Facts {
  readonly seen: Seen;
  /** Tensor number `number` of the plan, from 1 on, is being worked on. */
  expect(
    tensor: MergePlan,
    number: number,
    work: Promise<{ readonly settled: Promise<void>; readonly settlement: Settlement }>,
  ): void;
  /** Resolves, when all numbers of the first `tensors` tensors are known, to the facts that it has not told yet. */
  upTo(tensors: number): Promise<readonly Fact[]>;
}

/**
 * @param known of tensors that earlier runs wrote
 * @param written how many those are
 */
export function createFacts(
  tensors: readonly TensorPlan[],
  { record, soundness }: { readonly record: Recorder; readonly soundness: Soundness },
  known: readonly Fact[],
  written: number,
): Facts {
  const seen: Seen = new Map();
  const numbers = new Map<number, Promise<NonNullable<Fact["seen"]>>>();
  let told = written;

  const see = (tensor: string, values: NonNullable<Fact["seen"]>) => {
    for (const [id, value] of values) {
      const all = seen.get(id) ?? [];
      seen.set(id, all);
      all.push({ tensor, value: unspell(value) });
    }
  };
  const before = new Set(tensors.slice(0, written).map(({ name }) => name));
  for (const fact of known) {
    if (!before.has(fact.tensor)) continue;
    record.known(fact.tensor, fact.checksum);
    if (fact.unsound !== undefined) soundness.known(fact.unsound);
    see(fact.tensor, fact.seen ?? []);
  }

  return {
    seen,
    expect: (tensor, number, work) => {
      if (tensor.watched.length === 0) return;
      const values = work.then(async ({ settled, settlement }) => {
        await settled;
        const all = tensor.watched.map(({ id, value }) => [id, spell(settlement.value(value))] as const);
        see(tensor.name, all);
        return all;
      });
      values.catch(() => {});
      numbers.set(number, values);
    },
    upTo: async (count) => {
      const from = told;
      told = count;
      const facts: Fact[] = [];
      for (let number = from + 1; number <= count; number++) {
        const { name: tensor } = tensors[number - 1]!;
        const values = await numbers.get(number);
        numbers.delete(number);
        const unsound = soundness.of(tensor);
        facts.push({
          tensor,
          checksum: record.of(tensor),
          ...(unsound === undefined ? {} : { unsound }),
          ...(values === undefined ? {} : { seen: values }),
        });
      }
      return facts;
    },
  };
}
