/**
 * The heat map's cells: modules down, layers across. Tensors that are alike in all but an expert's number share a
 * row; what stands in no layer has a row of its own at the end. Pure.
 */
import { totalMoves } from "../../core/run/sums.ts";
import type { ModelSummary, Moves, RankRow, SurveyRow, TensorRow } from "../../workers/api.ts";
import { METRICS, type Metric, metricOf } from "./metrics.ts";

export interface Cell {
  readonly tensors: readonly TensorRow[];
  /** Layer, or the place among those without. */
  readonly column: number;
}

export interface Module {
  readonly title: string;
  /** By column; null where the module has no tensor there. */
  readonly cells: readonly (Cell | null)[];
}

export interface Layout {
  readonly layers: number;
  readonly modules: readonly Module[];
  /** What stands in no layer of the stack: a cell per tensor. */
  readonly outside: readonly Cell[];
}

const titleOf = (part: string) => part.replace(/\.(\d+)\./g, ".*.").replace(/\.weight$/, "");

/** @param prefix the stack whose layers go across */
export function layoutOf({ tensors, stacks }: ModelSummary, prefix: string | null): Layout {
  const layers = stacks.find((stack) => stack.prefix === prefix)?.layers ?? 0;
  const rows = new Map<string, TensorRow[][]>();
  const outside: TensorRow[] = [];
  for (const tensor of tensors) {
    if (tensor.stack !== prefix || tensor.layer === null) {
      if (tensor.stack === null || layers === 0) outside.push(tensor);
      continue;
    }
    const title = titleOf(tensor.part);
    const row = rows.get(title) ?? Array.from({ length: layers }, () => []);
    rows.set(title, row);
    row[tensor.layer]?.push(tensor);
  }
  return {
    layers,
    modules: [...rows].map(([title, columns]) => ({
      title,
      cells: columns.map((inside, column) => (inside.length === 0 ? null : { tensors: inside, column })),
    })),
    outside: outside.map((tensor, column) => ({ tensors: [tensor], column })),
  };
}

const movesIn = (cell: Cell, survey: ReadonlyMap<string, SurveyRow>): Moves[] =>
  cell.tensors.flatMap(({ name }) => survey.get(name)?.moves ?? []);

/** Of all the cell's tensors together; null where nothing is known. */
export const valueIn = (cell: Cell, survey: ReadonlyMap<string, SurveyRow>, metric: Metric): number | null =>
  metricOf(totalMoves(movesIn(cell, survey)), metric);

/** Of the cell's matrices, the mean; null where none is known. */
export function rankIn(cell: Cell, ranks: ReadonlyMap<string, RankRow>): number | null {
  const known = cell.tensors.flatMap(({ name }) => ranks.get(name)?.rank ?? []);
  return known.length === 0 ? null : known.reduce((sum, rank) => sum + rank, 0) / known.length;
}

/** The tensor behind a cell: of several the one that is hottest. */
export function hottest(cell: Cell, survey: ReadonlyMap<string, SurveyRow>, metric: Metric): TensorRow | undefined {
  const sign = METRICS[metric].isFalling === true ? -1 : 1;
  const heat = ({ name }: TensorRow) =>
    sign * (metricOf(survey.get(name)?.moves ?? null, metric) ?? sign * Number.NEGATIVE_INFINITY);
  return cell.tensors.reduce((best, one) => (heat(one) > heat(best) ? one : best), cell.tensors[0] as TensorRow);
}

export interface Scale {
  /** Values of no heat and of full heat. A few odd cells may lie beyond. */
  readonly cold: number;
  readonly hot: number;
}

/** From the smallest to the largest value, without the outermost fiftieth on the hot side. */
export function scaleOf(values: readonly number[], metric: Metric): Scale | null {
  const sorted = values.toSorted((a, b) => a - b);
  if (METRICS[metric].isFalling === true) sorted.reverse();
  const [cold] = sorted;
  const hot = sorted[Math.floor(0.98 * (sorted.length - 1))];
  return cold === undefined || hot === undefined ? null : { cold, hot };
}

/** 0 to 1. */
export function heatOf(value: number, { cold, hot }: Scale): number {
  return hot === cold ? 0 : Math.max(0, Math.min(1, (value - cold) / (hot - cold)));
}
