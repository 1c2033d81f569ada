/**
 * The vectors of one tensor, on the host in f64. Of rows, tiles bring partials of segments (rows cut at block bounds),
 * which are put together in order when the sweep is complete. Of columns, they bring partials of the whole tile,
 * which are added in the order of the tiles, each as soon as those before it are there.
 */
import type { Reduced } from "./passes.ts";
import { BLOCK, entriesOf, segmentsBefore } from "./program.ts";
import type { Scalar, Vector } from "./tensor.ts";

export interface Vectors {
  /** Takes a tile's partials, in any order of tiles. */
  absorb(vector: Reduced, first: number, count: number, partials: Float64Array): void;
  /** To be called when all tiles of the sweep are absorbed. */
  finish(vectors: readonly Reduced[]): void;
  /** The entries a tile looks up: see `Table`. */
  table(vector: Vector, first: number, count: number): Float32Array<ArrayBuffer>;
  /** The entry of every element of some spots, each of `length` elements from its first on, one spot behind the other. */
  spread(vector: Vector, spots: readonly number[], length: number): Float32Array<ArrayBuffer>;
  /** The numbers of a finished sweep, and those that another run found. */
  settled(vector: Reduced): Float64Array;
  recall(vector: Reduced, numbers: Float64Array): void;
}

/** Partials of columns that wait for the tiles before theirs, by first element. */
interface Columns {
  readonly totals: Float64Array;
  readonly waiting: Map<number, { readonly count: number; readonly partials: Float64Array }>;
  next: number;
}

const LEAST = { sum: 0, max: Number.NEGATIVE_INFINITY } as const;
const COMBINE = { sum: (a: number, b: number) => a + b, max: Math.max } as const;

/**
 * @param count elements in the tensor
 * @param evaluate the value of a settled scalar
 */
export function createVectors(count: number, evaluate: (scalar: Scalar) => number): Vectors {
  const settled = new Map<Vector, Float64Array>();
  const singles = new Map<Vector, Float32Array<ArrayBuffer>>();
  const segments = new Map<Reduced, Float64Array>();
  const columnwise = new Map<Reduced, Columns>();

  function absorb(vector: Reduced, first: number, tile: number, partials: Float64Array): void {
    const { axis, columns, how } = vector;
    if (axis === "rows") {
      const all = segments.get(vector) ?? new Float64Array(segmentsBefore(count, columns));
      segments.set(vector, all);
      all.set(partials, segmentsBefore(first, columns));
      return;
    }
    const state = columnwise.get(vector) ?? {
      totals: new Float64Array(columns).fill(LEAST[how]),
      waiting: new Map(),
      next: 0,
    };
    columnwise.set(vector, state);
    state.waiting.set(first, { count: tile, partials });
    for (let one = state.waiting.get(state.next); one !== undefined; one = state.waiting.get(state.next)) {
      state.waiting.delete(state.next);
      let column = state.next % columns;
      for (const part of one.partials) {
        state.totals[column] = COMBINE[how](state.totals[column]!, part);
        column = column + 1 === columns ? 0 : column + 1;
      }
      state.next += one.count;
    }
  }

  function finish(vectors: readonly Reduced[]): void {
    for (const vector of vectors) {
      const { axis, columns, how } = vector;
      if (axis === "columns") {
        settled.set(vector, columnwise.get(vector)?.totals ?? new Float64Array(columns).fill(LEAST[how]));
        columnwise.delete(vector);
        continue;
      }
      const rows = new Float64Array(Math.ceil(count / columns)).fill(LEAST[how]);
      const parts = segments.get(vector) ?? new Float64Array(0);
      for (let at = 0, segment = 0; at < count; segment++) {
        const row = Math.floor(at / columns);
        rows[row] = COMBINE[how](rows[row]!, parts[segment]!);
        at = Math.min((row + 1) * columns, (Math.floor(at / BLOCK) + 1) * BLOCK);
      }
      settled.set(vector, rows);
      segments.delete(vector);
    }
  }

  function evaluateAll(vector: Vector): Float64Array {
    const known = settled.get(vector);
    if (known !== undefined) return known;
    if (vector.op === "reduce") throw new Error("Internal error: a vector was used before the sweep that yields it.");
    const args = vector.args.map((arg) => (arg.type === "vector" ? evaluateAll(arg) : evaluate(arg)));
    const length = vector.axis === "rows" ? Math.ceil(count / vector.columns) : vector.columns;
    const odd = args.find((arg) => typeof arg !== "number" && arg.length !== length);
    if (odd !== undefined) throw new Error("Internal error: vectors of different axes were put together.");
    const made = new Float64Array(length);
    const [a, b, ...more] = args.map((arg) => (typeof arg === "number" ? new Float64Array(length).fill(arg) : arg));
    const { fn } = vector;
    if (a !== undefined && b !== undefined && more.length === 0)
      for (let i = 0; i < length; i++) made[i] = fn(a[i]!, b[i]!);
    else {
      const all = [a, b, ...more].filter((one) => one !== undefined);
      for (let i = 0; i < length; i++) made[i] = fn(...all.map((one) => one[i]!));
    }
    settled.set(vector, made);
    return made;
  }

  function single(vector: Vector): Float32Array<ArrayBuffer> {
    const known = singles.get(vector) ?? new Float32Array(evaluateAll(vector));
    singles.set(vector, known);
    return known;
  }

  function spread(vector: Vector, spots: readonly number[], length: number): Float32Array<ArrayBuffer> {
    const all = single(vector);
    const { axis, columns } = vector;
    const made = new Float32Array(spots.length * length);
    for (const [s, first] of spots.entries()) {
      for (let at = 0; at < length; ) {
        const column = (first + at) % columns;
        const end = Math.min(length, at + columns - column);
        const to = s * length + at;
        if (axis === "rows") made.fill(all[Math.floor((first + at) / columns)]!, to, s * length + end);
        else made.set(all.subarray(column, column + end - at), to);
        at = end;
      }
    }
    return made;
  }

  function table(vector: Vector, first: number, tile: number): Float32Array<ArrayBuffer> {
    const all = single(vector);
    const entries = entriesOf(vector, first, tile);
    if (vector.axis === "rows") {
      const row = Math.floor(first / vector.columns);
      return all.slice(row, row + entries);
    }
    const column = first % vector.columns;
    const part = new Float32Array(entries);
    const whole = all.subarray(column, column + entries);
    part.set(whole);
    part.set(all.subarray(0, entries - whole.length), whole.length);
    return part;
  }

  return {
    absorb,
    finish,
    table,
    spread,
    settled: evaluateAll,
    recall: (vector, numbers) => {
      settled.set(vector, numbers);
    },
  };
}
