/**
 * The mixer's two directions. Reading: what a setting is worth per layer for the tensors of a lane.
 * Writing: the smallest setting that says what the lanes show. Outside the layers t is 0, so embeddings,
 * head and final norm get the first value of a gradient unless a filter names them.
 */
import type { Kind } from "../model/model.ts";
import { evaluate, gradientPosition } from "./evaluate.ts";
import { shorten } from "./gradient.ts";
import type { Condition, Setting } from "./recipe.ts";

export type LaneKey = "all" | Kind;

/** One lane's values. Null: the lane's tensors disagree there, or it has none. */
export interface Curve {
  /** One per layer. */
  readonly values: readonly (number | null)[];
  /** Of tensors before the layers (embeddings) and after them (head; final norm of the norm lane). */
  readonly before: number | null;
  readonly after: number | null;
}

export interface Lane {
  /** The lane's tensor names in a layer, or (layer null) at an end. Empty when it has none there. */
  readonly sampleNames: (layer: number | null, end: "before" | "after" | null) => readonly string[];
}

/** Either one curve for every tensor, or one per kind; a kind left out may get any value. */
export type Curves = { readonly all: Curve } | Readonly<Partial<Record<Kind, Curve>>>;

/** Substrings of tensor names per kind; `final` is the final norm's whole name. */
export type LaneFilters = Readonly<Partial<Record<Kind | "final", readonly string[]>>>;

export interface WriteOptions {
  /** Values are rounded to so many decimals; null keeps them. 4 when absent. */
  readonly decimals?: number | null;
  /**
   * Tensor names per kind, to see whether another kind's filter would catch them (q_norm is in self_attn).
   * Without them norms are taken to be caught, the others not.
   */
  readonly names?: Readonly<Partial<Record<Kind, readonly string[]>>>;
}

/** The values of a parameter's setting for one lane; `fallback` where the setting says nothing. */
export function readCurve(setting: Setting | undefined, lane: Lane, layers: number, fallback: number): Curve {
  const agreed = (names: readonly string[], t: number): number | null => {
    let common: number | null = null;
    for (const [i, name] of names.entries()) {
      const found = setting === undefined ? fallback : (evaluate(setting, t, name) ?? fallback);
      if (typeof found === "string" || (i > 0 && Number(found) !== common)) return null;
      common = Number(found);
    }
    return common;
  };
  return {
    values: Array.from({ length: layers }, (_, i) => agreed(lane.sampleNames(i, null), gradientPosition(i, layers))),
    before: agreed(lane.sampleNames(null, "before"), 0),
    after: agreed(lane.sampleNames(null, "after"), 0),
  };
}

/** One entry's worth: a scalar or a gradient, and its value at t = 0. */
interface Spec {
  readonly value: number | readonly number[];
  readonly first: number;
}

interface Wanted {
  readonly embedding: Spec | null;
  readonly head: Spec | null;
  readonly final: Spec | null;
  readonly norm: Spec | null;
  readonly attention: Spec | null;
  readonly mlp: Spec | null;
  readonly other: Spec | null;
}

/**
 * The smallest setting that says exactly what the curves show, to the rounding: a scalar, a gradient, or
 * filters (ends first, norms before attention) closed by an entry for the rest. Nulls between values are
 * filled from their neighbours. A kind without a filter follows the rest.
 */
export function writeCurves(curves: Curves, filters: LaneFilters, options: WriteOptions = {}): Setting {
  const decimals = options.decimals === undefined ? 4 : options.decimals;
  const wanted = "all" in curves ? spread(curves.all, decimals) : perKind(curves, decimals);
  const middles = [wanted.norm, wanted.mlp, wanted.attention].filter((spec) => spec !== null);
  const ends = [wanted.embedding, wanted.head, wanted.final].filter((spec) => spec !== null);
  const rests = wanted.other !== null ? [wanted.other] : middles.length > 0 ? middles : ends;
  let best: readonly Condition[] | null = null;
  for (const rest of rests) {
    const written = conditions(wanted, rest, filters, options.names ?? {});
    if (best === null || written.length < best.length) best = written;
  }
  const [only, ...more] = best ?? [];
  if (only === undefined) return 0;
  return more.length === 0 && only.filter === undefined ? (only.value as number | readonly number[]) : (best ?? []);
}

function conditions(
  wanted: Wanted,
  rest: Spec,
  filters: LaneFilters,
  names: NonNullable<WriteOptions["names"]>,
): Condition[] {
  const taken: { kind: Kind | "final"; spec: Spec }[] = [];
  // From the last to the first, because an entry is needless only if no later one catches its tensors.
  for (const kind of ["mlp", "attention", "norm", "final", "head", "embedding"] as const) {
    const spec = wanted[kind];
    if (spec === null || filters[kind] === undefined) continue;
    const end = kind === "final" || kind === "head" || kind === "embedding";
    const says = (other: Spec) => (end ? other.first === spec.first : same(other, spec));
    const own = kind === "final" ? filters.final : names[kind];
    const later = taken.filter((one) => catches(filters[one.kind] ?? [], kind, own));
    // One tensor has one entry that catches it; of many, some may still fall through to the rest.
    const heard = kind === "final" ? [later.at(-1)?.spec ?? rest] : [rest, ...later.map((one) => one.spec)];
    if (!heard.every(says)) taken.push({ kind, spec });
  }
  const entries = taken
    .reverse()
    .flatMap(({ kind, spec }) => (filters[kind] ?? []).map((filter) => ({ filter, value: spec.value })));
  return [...entries, { value: rest.value }];
}

/** Whether these filters would catch tensors of `kind`, by their names if there are any. */
function catches(filters: readonly string[], kind: Kind | "final", names: readonly string[] | undefined): boolean {
  if (names !== undefined) return names.some((name) => filters.some((filter) => name.includes(filter)));
  return kind === "norm";
}

function same(a: Spec, b: Spec): boolean {
  return JSON.stringify(a.value) === JSON.stringify(b.value);
}

function spread(all: Curve, decimals: number | null): Wanted {
  const other = along(all.values, decimals) ?? at(all.before, decimals) ?? at(all.after, decimals);
  const after = at(all.after, decimals);
  return {
    embedding: at(all.before, decimals),
    head: after,
    final: after,
    norm: null,
    attention: null,
    mlp: null,
    other,
  };
}

function perKind(curves: Readonly<Partial<Record<Kind, Curve>>>, decimals: number | null): Wanted {
  const lane = (kind: Kind) => along(curves[kind]?.values ?? [], decimals);
  return {
    embedding: at(curves.embedding?.before ?? null, decimals),
    head: at(curves.head?.after ?? null, decimals),
    final: at(curves.norm?.after ?? null, decimals),
    norm: lane("norm"),
    attention: lane("attention"),
    mlp: lane("mlp"),
    other: lane("other") ?? at(curves.other?.before ?? curves.other?.after ?? null, decimals),
  };
}

function at(value: number | null, decimals: number | null): Spec | null {
  return value === null ? null : along([value], decimals);
}

function along(values: readonly (number | null)[], decimals: number | null): Spec | null {
  const filled = fill(values);
  if (filled === null) return null;
  const short = shorten(filled, decimals);
  const [first = 0, ...more] = short;
  return { value: more.length === 0 ? first : short, first };
}

/** Nulls replaced by the value before them, or the first one there is; null when there is none. */
function fill(values: readonly (number | null)[]): number[] | null {
  let last = values.find((value) => value !== null);
  if (last === undefined || last === null) return null;
  const filled: number[] = [];
  for (const value of values) {
    last = value ?? last;
    filled.push(last);
  }
  return filled;
}
