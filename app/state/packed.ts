/**
 * Rows of a survey as one list of numbers, to be kept: the browser copies that at once, and some ten thousand small objects one by
 * one, which takes longer than a frame has. Pure.
 */
import type { Move, Moves, Pairing, SurveyRow } from "../../workers/api.ts";

export interface Packed {
  readonly names: readonly string[];
  /** By name where there are no numbers: why not. */
  readonly apart: Readonly<Record<string, string>>;
  readonly models: number;
  /** Row by row, without those that are apart. */
  readonly numbers: Float64Array;
}

const OWN = ["elements", "looked", "square", "sum", "zeros"] as const;
const MOVE = ["change", "own", "dot", "both", "flips"] as const;
const PAIR = ["dot", "both", "conflicts"] as const;

const pairsIn = (models: number) => (models * (models - 1)) / 2;

export function packed(rows: readonly SurveyRow[]): Packed {
  const models = rows.find(({ moves }) => moves !== null)?.moves?.models.length ?? 0;
  const numbers: number[] = [];
  const apart: Record<string, string> = {};
  for (const { name, moves, apart: why } of rows) {
    if (moves === null) {
      apart[name] = why;
      continue;
    }
    for (const key of OWN) numbers.push(moves[key]);
    for (const move of moves.models) for (const key of MOVE) numbers.push(move[key]);
    for (const pair of moves.pairs) for (const key of PAIR) numbers.push(pair[key]);
  }
  return { names: rows.map(({ name }) => name), apart, models, numbers: Float64Array.from(numbers) };
}

export function unpacked({ names, apart, models, numbers }: Packed): SurveyRow[] {
  let at = 0;
  const read = <K extends string>(keys: readonly K[]) =>
    Object.fromEntries(keys.map((key) => [key, numbers[at++] ?? Number.NaN])) as Record<K, number>;
  return names.map((name): SurveyRow => {
    const why = apart[name];
    if (why !== undefined) return { name, moves: null, apart: why };
    const moves: Moves = {
      ...read(OWN),
      models: Array.from({ length: models }, (): Move => read(MOVE)),
      pairs: Array.from({ length: pairsIn(models) }, (): Pairing => read(PAIR)),
    };
    return { name, moves, apart: null };
  });
}
