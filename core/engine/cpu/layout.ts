/**
 * The map of a lane's memory for one program. A strip of the tile is staged there beside what the program sums, counts
 * and looks up, so the memory is small and stays in the cache.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import {
  BLOCK,
  binsOf,
  entriesOf,
  type PlaneRef,
  planeBytes,
  type Reduction,
  type Table,
  WINDOW,
} from "../../graph/program.ts";
import type { TileJob } from "../engine.ts";

/** Elements per turn of a program's outer loop: a divisor of BLOCK, short enough for what helpers fill or read. */
export const STEP = WINDOW.step;
/** Elements staged at once: long enough to make a call worth it, short enough for the second-level cache. */
export const STAGED = 16 * BLOCK;
/** Elements worked off at once where nothing has to be staged. */
export const STRIP = 512 * BLOCK;

export interface Area {
  /** Byte address, from where the program's memory begins. */
  readonly at: number;
  readonly bytes: number;
}

export interface Layout {
  /** Addresses of each input's first element in the strip, of the output's, of each histogram, of each plane's. */
  readonly places: Area;
  /** The program's words as they come. */
  readonly uniforms: Area;
  /** Accumulators and partials of all sums, `unsound` and `checksum`; zero before the first strip. */
  readonly sums: Area;
  /** Of each sum: eight f64 that it adds to. */
  readonly accumulators: readonly Area[];
  /** Of each sum: the f64 partials of a strip's blocks. */
  readonly partials: readonly Area[];
  /** 16 bytes that are no longer all zero when a watched value was NaN or infinite. */
  readonly unsound: Area;
  /** The state of the checksum, as the kernel keeps it. */
  readonly checksum: Area;
  /** Where there is no other place for them. */
  readonly histograms: readonly Area[];
  /** Of each table: a header whose first word is the tile's first element modulo the columns, then its entries. */
  readonly tables: readonly Area[];
  /** Of each reduction. */
  readonly reductions: readonly Reducing[];
  /** Staging of each program input: bytes of STAGED elements. */
  readonly inputs: readonly Area[];
  readonly output: Area | null;
  /** The planes that it reads or writes, and their staging. */
  readonly planes: readonly PlaneRef[];
  readonly kept: readonly Area[];
  /** A register of STEP numbers beyond all areas; each call makes another. */
  register(): number;
  /** End of the last area, registers included. */
  bytes(): number;
}

/** A reduction of rows has a state and hands over a strip's partials; one of columns, accumulators for the tile. */
export type Reducing =
  | { readonly axis: "rows"; readonly state: Area; readonly partials: Area }
  | { readonly axis: "columns"; readonly totals: Area };

/** Bytes before a table's entries. */
export const TABLE_HEADER = 64;
/** In a state: accumulators, the position in the row, the address of the next partial. */
export const STATE = { position: 64, next: 68, bytes: 128 } as const;

const LINE = 64;
const PARTIALS = (STRIP / BLOCK) * 8;

/** What of a job decides the layout; the number of elements only where there are tables or reductions. */
export type Shape = Pick<TileJob, "program" | "dtypes" | "encode" | "count">;

/** Lays the program's memory out; addresses count from where it will begin, a multiple of 64. */
export function layOut({ program, dtypes, encode, count }: Shape): Layout {
  let end = 0;
  const area = (bytes: number): Area => {
    const at = end;
    end = align(end + bytes);
    return { at, bytes };
  };
  const planes = planesUsed(program);
  const places = area(4 * (dtypes.length + 1 + program.histograms.length + planes.length));
  const uniforms = area(program.words * 4);
  const start = end;
  const accumulators = program.sums.map(() => area(LINE));
  const partials = program.sums.map(() => area(PARTIALS));
  const unsound = area(16);
  const checksum = area(48);
  return {
    places,
    uniforms,
    sums: { at: start, bytes: end - start },
    accumulators,
    partials,
    unsound,
    checksum,
    histograms: program.histograms.map((one) => area(binsOf(one) * 4)),
    tables: program.tables.map((table) => area(TABLE_HEADER + entryBytes(table, count))),
    reductions: program.reductions.map((one) => reducing(one, count, area)),
    inputs: dtypes.map((dtype) => area(STAGED * bytesPer(dtype))),
    output: program.output === null ? null : area(STAGED * bytesPer(encode)),
    planes,
    kept: planes.map(({ bits }) => area(planeBytes(bits, STAGED))),
    register: () => area(STEP * 4).at,
    bytes: () => end,
  };
}

/** The planes a program reads or writes, each once. */
export function planesUsed({ ops, keeps = [] }: Shape["program"]): PlaneRef[] {
  const read = ops.flatMap((op) => (op.op === "kept" ? [op] : []));
  return [...new Map([...read, ...keeps].map(({ plane, bits }) => [plane, { plane, bits }])).values()];
}

/** Bytes of a table's entries, wherever a tile of so many elements begins. */
function entryBytes(table: Table, count: number): number {
  return entriesOf(table, table.columns - 1, count) * 4;
}

function reducing({ axis, columns }: Reduction, count: number, area: (bytes: number) => Area): Reducing {
  if (axis === "columns") return { axis, totals: area(Math.min(columns, count) * 8) };
  const segments = Math.ceil(STRIP / columns) + STRIP / BLOCK + 1;
  return { axis, state: area(STATE.bytes), partials: area(Math.min(segments, STRIP) * 8) };
}

const align = (address: number): number => Math.ceil(address / LINE) * LINE;
