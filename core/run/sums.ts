/**
 * Sums that tell how models lie to a reference and to each other, and what follows from them. Sums of tensors can be
 * added, so a layer, a kind and a whole model have the same figures as a tensor.
 */

/** A model beside the reference. */
export interface Move {
  /** Squared norms of the change and of the model's own tensor; its dot product with the reference. */
  readonly change: number;
  readonly own: number;
  readonly dot: number;
  /** Elements where both are not zero, and those among them where the signs differ. */
  readonly both: number;
  readonly flips: number;
}

/** Two models' changes (task vectors) beside each other. */
export interface Pairing {
  readonly dot: number;
  /** Elements that both changed, and those among them that they changed in opposite directions. */
  readonly both: number;
  readonly conflicts: number;
}

export interface Moves {
  /** Elements of the tensor, and of these looked at. */
  readonly elements: number;
  readonly looked: number;
  /** Of the reference: squared norm, sum, zeros. */
  readonly square: number;
  readonly sum: number;
  readonly zeros: number;
  readonly models: readonly Move[];
  /** Models 0 and 1, 0 and 2, ... 1 and 2, ... */
  readonly pairs: readonly Pairing[];
}

/** Numbers of models two by two, in the order of `Moves.pairs`. */
export function pairsOf(models: number): readonly (readonly [number, number])[] {
  return Array.from({ length: models }, (_, a) =>
    Array.from({ length: models - a - 1 }, (_, b) => [a, a + b + 1] as const),
  ).flat();
}

/** Sums of several tensors; each counts as if all of its elements had been looked at. */
export function totalMoves(all: readonly Moves[]): Moves | null {
  const [first, ...more] = all.map(whole);
  if (first === undefined) return null;
  return more.reduce(
    (sum, one) => ({
      elements: sum.elements + one.elements,
      looked: sum.looked + one.looked,
      square: sum.square + one.square,
      sum: sum.sum + one.sum,
      zeros: sum.zeros + one.zeros,
      models: sum.models.map((move, i) => added(move, one.models[i] ?? move)),
      pairs: sum.pairs.map((pair, i) => added(pair, one.pairs[i] ?? pair)),
    }),
    first,
  );
}

/** Scaled to all elements; `looked` stays what it was. */
function whole(one: Moves): Moves {
  const by = one.looked === 0 ? 0 : one.elements / one.looked;
  return {
    elements: one.elements,
    looked: one.looked,
    square: by * one.square,
    sum: by * one.sum,
    zeros: by * one.zeros,
    models: one.models.map((move) => mapped(move, (value) => by * value)),
    pairs: one.pairs.map((pair) => mapped(pair, (value) => by * value)),
  };
}

const mapped = <T extends object>(of: T, change: (value: number, key: keyof T) => number): T =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value as number, key as keyof T)])) as T;
const added = <T extends object>(a: T, b: T): T => mapped(a, (value, key) => value + (b[key] as number));

/** Relative change |model - reference| / |reference|; null where the reference is zero. */
export const relativeChange = ({ square }: Pick<Moves, "square">, { change }: Pick<Move, "change">): number | null =>
  square === 0 ? null : Math.sqrt(change / square);

/** Cosine between model and reference. */
export const cosineOf = ({ square }: Pick<Moves, "square">, { own, dot }: Pick<Move, "own" | "dot">): number | null =>
  square === 0 || own === 0 ? null : dot / Math.sqrt(square * own);

/** Cosine between two models' changes; null where one did not change. */
export function agreementOf({ models, pairs }: Moves, pair: number): number | null {
  const [a, b] = pairsOf(models.length)[pair] ?? [0, 0];
  const size = Math.sqrt((models[a]?.change ?? 0) * (models[b]?.change ?? 0));
  return size === 0 ? null : (pairs[pair]?.dot ?? 0) / size;
}

/** Of what both changed, the share changed in opposite directions; null where nothing was changed by both. */
export const conflictOf = ({ both, conflicts }: Pairing): number | null => (both === 0 ? null : conflicts / both);

/** Of what is not zero in both, the share with different signs. */
export const flipsOf = ({ both, flips }: Move): number | null => (both === 0 ? null : flips / both);
