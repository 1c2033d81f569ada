/**
 * The tensor table's rows: found by plain words and put in order. Made once per model, so that a keystroke costs one
 * walk over thirty thousand short texts, and a sort is remembered. Pure.
 */
import type { SurveyRow, TensorRow } from "../../workers/api.ts";
import { type Metric, metricOf } from "./metrics.ts";

export const COLUMNS = ["name", "kind", "dtype", "shape", "bytes", "change", "cosine", "flips"] as const;
export type Column = (typeof COLUMNS)[number];

export interface Order {
  readonly column: Column;
  readonly isDown: boolean;
}

export interface Index {
  readonly tensors: readonly TensorRow[];
  /** What is searched, in lower case. */
  readonly texts: readonly string[];
  /** Numbers of the rows by column, smallest first; made when first asked for. */
  readonly orders: Map<Column, readonly number[]>;
}

export const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export function indexOf(tensors: readonly TensorRow[]): Index {
  const texts = tensors.map(({ name, kind, dtype, shape, layer }) =>
    `${name} ${kind} ${dtype} ${shape.join("x")} [${shape.join(", ")}] ${layer === null ? "" : `layer=${layer};`}`.toLowerCase(),
  );
  return { tensors, texts, orders: new Map() };
}

/** "layer 3 mlp" -> ["layer=3;", "mlp"]: a number after "layer" means just that layer. */
export function wordsOf(query: string): string[] {
  return query
    .toLowerCase()
    .replace(/\blayer\s+(\d+)\b/g, "layer=$1;")
    .replace(/\s*[×x]\s*(?=\d)/g, "x")
    .split(/\s+/)
    .filter((word) => word !== "");
}

/** Numbers of the rows that have all words of a query, in order. Rows without a value of a column come last. */
export function found(
  index: Index,
  query: string,
  { column, isDown }: Order,
  survey: ReadonlyMap<string, SurveyRow> = new Map(),
): readonly number[] {
  const words = wordsOf(query);
  const order = orderOf(index, column, survey);
  const has = (row: number) => words.every((word) => index.texts[row]?.includes(word) === true);
  const chosen = words.length === 0 ? order : order.filter(has);
  return isDown ? chosen.toReversed() : chosen;
}

const padded = (name: string) => name.replace(/\d+/g, (digits) => digits.padStart(8, "0"));

function orderOf(index: Index, column: Column, survey: ReadonlyMap<string, SurveyRow>): readonly number[] {
  const known = index.orders.get(column);
  if (known !== undefined) return known;
  const all = index.tensors.map((_, row) => row);
  const made = byKey(all, keysOf(index, column, survey));
  // Figures still come in while a survey runs.
  if (!isMetric(column)) index.orders.set(column, made);
  return made;
}

const isMetric = (column: Column): column is Metric & Column => ["change", "cosine", "flips"].includes(column);

function keysOf(
  { tensors }: Index,
  column: Column,
  survey: ReadonlyMap<string, SurveyRow>,
): readonly (string | number)[] {
  switch (column) {
    case "name":
      return tensors.map(({ name }) => padded(name));
    case "kind":
      return tensors.map(({ kind, name }) => `${kind} ${padded(name)}`);
    case "dtype":
      return tensors.map(({ dtype, name }) => `${dtype} ${padded(name)}`);
    case "shape":
      return tensors.map(({ shape }) => countOf(shape));
    case "bytes":
      return tensors.map(({ bytes }) => bytes);
    case "change":
    case "cosine":
    case "flips":
      return tensors.map(({ name }) => metricOf(survey.get(name)?.moves ?? null, column) ?? Number.NEGATIVE_INFINITY);
    default:
      return column satisfies never;
  }
}

/** Equal keys keep the files' order. */
const byKey = (rows: readonly number[], keys: readonly (string | number)[]): readonly number[] =>
  rows.toSorted((a, b) => {
    const [x = 0, y = 0] = [keys[a], keys[b]];
    return x < y ? -1 : x > y ? 1 : a - b;
  });
