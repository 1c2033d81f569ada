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

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Sums of several tensors; each counts as if all of its elements had been looked at. Null of none. */
export function totalMoves(all: readonly Moves[]): Moves | null {
  const [first] = all;
  if (first === undefined) return null;
  const models = first.models.map((): Writable<Move> => ({ change: 0, own: 0, dot: 0, both: 0, flips: 0 }));
  const pairs = first.pairs.map((): Writable<Pairing> => ({ dot: 0, both: 0, conflicts: 0 }));
  const total: Writable<Moves> = { elements: 0, looked: 0, square: 0, sum: 0, zeros: 0, models, pairs };
  for (const one of all) {
    const by = one.looked === 0 ? 0 : one.elements / one.looked;
    total.elements += one.elements;
    total.looked += one.looked;
    total.square += by * one.square;
    total.sum += by * one.sum;
    total.zeros += by * one.zeros;
    one.models.forEach((move, i) => {
      const to = models[i];
      if (to === undefined) return;
      to.change += by * move.change;
      to.own += by * move.own;
      to.dot += by * move.dot;
      to.both += by * move.both;
      to.flips += by * move.flips;
    });
    one.pairs.forEach((pair, i) => {
      const to = pairs[i];
      if (to === undefined) return;
      to.dot += by * pair.dot;
      to.both += by * pair.both;
      to.conflicts += by * pair.conflicts;
    });
  }
  return total;
}

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
