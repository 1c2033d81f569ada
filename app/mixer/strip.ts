/**
 * From figures of tensors to a heat strip: for each column of a lane, how far each model moved, how well the changes
 * agree and how often their signs conflict. Pure.
 */
import { agreementOf, conflictOf, pairsOf, relativeChange, totalMoves } from "../../core/run/sums.ts";
import type { Moves, SurveyRow } from "../../workers/api.ts";

/** What is known of the tensors in one column of a lane. */
export interface Spot {
  /** Relative change per model; null where the reference is zero. */
  readonly moved: readonly (number | null)[];
  /** Cosine and share of conflicts for models two by two, in the order of `pairsOf`. */
  readonly agreement: readonly (number | null)[];
  readonly conflict: readonly (number | null)[];
  /** Means over the pairs; null where there is none. */
  readonly agrees: number | null;
  readonly conflicts: number | null;
  readonly tensors: number;
}

/** By column. */
export type Spots = ReadonlyMap<number, Spot>;

/** A column of a lane, and the tensors it stands for. */
export interface StripColumn {
  readonly id: number;
  /** In sentences: "layer 3", "embeddings". */
  readonly name: string;
  readonly tensors: readonly string[];
}

/** @param survey of the reference and the models, by tensor */
export function spotsOf(columns: readonly StripColumn[], survey: ReadonlyMap<string, SurveyRow>): Spots {
  return new Map(
    columns.flatMap(({ id, tensors }) => {
      const all = tensors.flatMap((name) => survey.get(name)?.moves ?? []);
      const total = totalMoves(all);
      return total === null ? [] : [[id, spotOf(total, all.length)] as const];
    }),
  );
}

function spotOf(total: Moves, tensors: number): Spot {
  const agreement = total.pairs.map((_, pair) => real(agreementOf(total, pair)));
  const conflict = total.pairs.map((pair) => real(conflictOf(pair)));
  return {
    moved: total.models.map((move) => real(relativeChange(total, move))),
    agreement,
    conflict,
    agrees: meanOf(agreement),
    conflicts: meanOf(conflict),
    tensors,
  };
}

const real = (value: number | null) => (value === null || Number.isNaN(value) ? null : value);

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** A row of a strip: what it is of, and how hot each column is, 0 to 1. */
export interface HeatRow {
  readonly key: string;
  readonly kind: "moved" | "agrees" | "conflicts";
  /** Of a "moved" row: which model. */
  readonly model: number | null;
  readonly heat: ReadonlyMap<number, number>;
}

/** Cosines and shares of conflict have scales of their own, the same for every mix: unrelated changes have 0 and 50 %. */
const AGREEMENT: Range = [0, 0.5];
const CONFLICT: Range = [0.3, 0.6];

/**
 * Rows of a strip. "Moved" rows share a scale from nothing to the layer that moved most, so that models can be compared.
 * @param ends columns outside the layers: they may be hotter than full heat
 */
export function heatRows(spots: Spots, models: number, ends: ReadonlySet<number> = new Set()): HeatRow[] {
  const inside = [...spots].filter(([column]) => !ends.has(column));
  const scaled = inside.length === 0 ? [...spots] : inside;
  const known = (of: Reader) => scaled.flatMap(([, spot]) => of(spot) ?? []);
  const row = (key: string, kind: HeatRow["kind"], model: number | null, of: Reader, [cold, hot]: Range): HeatRow => ({
    key,
    kind,
    model,
    heat: new Map(
      [...spots].flatMap(([column, spot]) => {
        const value = of(spot);
        if (value === null) return [];
        return [[column, hot === cold ? 0 : Math.max(0, Math.min(1, (value - cold) / (hot - cold)))] as const];
      }),
    ),
  });
  const readers = Array.from(
    { length: models },
    (_, i): Reader =>
      (spot) =>
        spot.moved[i] ?? null,
  );
  const most = Math.max(0, ...readers.flatMap(known));
  const moved = readers.map((of, i) => row(`moved ${i}`, "moved", i, of, [0, most]));
  if (models < 2) return moved;
  return [
    ...moved,
    row("agrees", "agrees", null, ({ agrees }) => agrees, AGREEMENT),
    row("conflicts", "conflicts", null, ({ conflicts }) => conflicts, CONFLICT),
  ];
}

type Reader = (spot: Spot) => number | null;
type Range = readonly [cold: number, hot: number];

const share = (value: number | null) => {
  if (value === null) return "unknown";
  const hundredth = 100 * value;
  return `${hundredth.toFixed(hundredth >= 10 || hundredth === 0 ? 0 : hundredth >= 1 ? 1 : 2)} %`;
};

/** What a cell says, a sentence or two. */
export function saidOf(row: HeatRow, spot: Spot, names: readonly string[], reference: string): string {
  if (row.kind === "moved") {
    const name = names[row.model ?? 0] ?? "";
    return `${name} moved ${share(spot.moved[row.model ?? 0] ?? null)} from ${reference}.`;
  }
  const pairs = pairsOf(names.length).map(([a, b], pair) => {
    const value = row.kind === "agrees" ? spot.agreement[pair] : spot.conflict[pair];
    const figure = value == null ? "unknown" : row.kind === "agrees" ? value.toFixed(2) : share(value);
    return `${names[a]} and ${names[b]} ${figure}`;
  });
  return row.kind === "agrees"
    ? `Cosine of the changes: ${pairs.join(", ")}. 1 is the same change, 0 unrelated, below 0 against each other.`
    : `Of the weights both changed, the signs conflict in: ${pairs.join(", ")}. Chance would be 50 %.`;
}
