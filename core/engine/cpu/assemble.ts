/**
 * A program as instructions for the interpreter, and the map of a lane's memory for it. A strip of
 * the tile is staged beside its registers; each value lives in a register of `STEP` elements from
 * where it is defined to where it is last used, in 64-byte turns, so a register can be overwritten
 * by the very instruction that reads it. A uniform is a slot of sixteen copies, read with step 0.
 */
import { bytesPer, type FloatDtype, type OutputDtype } from "../../bytes/dtype.ts";
import { BLOCK, entriesOf, HIGH_BINS, LOW_BINS, type Op, type Reduction, type Table } from "../../graph/program.ts";
import type { Binary, Unary } from "../../graph/tensor.ts";
import type { TileJob } from "../engine.ts";
import * as code from "./opcodes.ts";
import { countUses, malformed, operandsOf, schedule } from "./schedule.ts";

/** Elements per register: a divisor of BLOCK, short enough for a dozen registers to stay in the cache. */
export const STEP = 1024;
/** Elements staged at once: long enough to make a call worth it, short enough for the second-level cache. */
export const STRIP = 4 * BLOCK;

export interface Area {
  /** Byte address in the lane's memory. */
  readonly at: number;
  readonly bytes: number;
}

export interface Assembly {
  /** One after another, to be written at `code.at`. */
  readonly instructions: Uint32Array<ArrayBuffer>;
  readonly code: Area;
  /** 64 bytes per uniform word, sixteen copies each. */
  readonly uniforms: Area;
  /** Accumulators and partials of all sums; zero before the first strip. */
  readonly sums: Area;
  /** Of each sum: the f64 partials of a strip's blocks. */
  readonly partials: readonly Area[];
  readonly histograms: readonly Area[];
  /** Of each table: a header whose first word is the tile's first element modulo the columns, then its entries. */
  readonly tables: readonly Area[];
  /** Of each reduction. */
  readonly reductions: readonly Reducing[];
  /** Staging of each program input: a strip's bytes. */
  readonly inputs: readonly Area[];
  readonly output: Area | null;
  /** End of the last area. */
  readonly bytes: number;
}

/** A reduction of rows has a state and hands over a strip's partials; one of columns, accumulators for the tile. */
export type Reducing =
  | { readonly axis: "rows"; readonly state: Area; readonly partials: Area }
  | { readonly axis: "columns"; readonly totals: Area };

/** Bytes before a table's entries. */
export const TABLE_HEADER = 64;
/** In a state: accumulators, the position in the row, the address of the next partial. */
export const STATE = { position: 64, next: 68, bytes: 128 } as const;

const SLOT = 64;
const PARTIALS = (STRIP / BLOCK) * 8;

const DECODE: Readonly<Record<FloatDtype, number>> = {
  F64: code.DECODE_F64,
  F32: code.DECODE_F32,
  F16: code.DECODE_F16,
  BF16: code.DECODE_BF16,
  F8_E4M3: code.DECODE_F8_E4M3,
  F8_E5M2: code.DECODE_F8_E5M2,
};

const ENCODE: Readonly<Record<OutputDtype, number>> = {
  F32: code.ENCODE_F32,
  F16: code.ENCODE_F16,
  BF16: code.ENCODE_BF16,
};

const ARITHMETIC: Readonly<Record<Unary | Binary, number>> = {
  neg: code.NEG,
  abs: code.ABS,
  sign: code.SIGN,
  sqrt: code.SQRT,
  exp: code.EXP,
  log: code.LOG,
  add: code.ADD,
  sub: code.SUB,
  mul: code.MUL,
  div: code.DIV,
  min: code.MIN,
  max: code.MAX,
  lt: code.LT,
  le: code.LE,
  gt: code.GT,
  ge: code.GE,
  eq: code.EQ,
  ne: code.NE,
};

const ALONG = { rows: code.ALONG_ROWS, columns: code.ALONG_COLUMNS } as const;
const REDUCE = {
  rows: { sum: code.ROW_SUMS, max: code.ROW_MAXIMA },
  columns: { sum: code.COLUMN_SUMS, max: code.COLUMN_MAXIMA },
} as const;

/** Where a value is read: an address, and how far it moves in sixteen elements. */
interface Operand {
  readonly at: number;
  readonly step: number;
}

/** What of a job decides the layout; the number of elements only where there are tables or reductions. */
export type Shape = Pick<TileJob, "program" | "dtypes" | "encode" | "count">;

/** Lays the program out from byte `base` of the lane's memory. Throws a DeviceError for a malformed one. */
export function assemble({ program, dtypes, encode, count }: Shape, base: number): Assembly {
  const order = schedule(program, dtypes);
  let end = align(base);
  const area = (bytes: number): Area => {
    const at = end;
    end = align(end + bytes);
    return { at, bytes };
  };

  // Every op makes at most one instruction, every input one, every result one.
  const most = order.length + program.sums.length + program.histograms.length + 2 * program.reductions.length + 1;
  const instructionArea = area(most * code.INSTRUCTION_BYTES);
  const uniforms = area(program.words * SLOT);
  const accumulators = program.sums.map(() => area(SLOT));
  const partials = program.sums.map(() => area(PARTIALS));
  const sums = { at: uniforms.at + align(uniforms.bytes), bytes: program.sums.length * (SLOT + align(PARTIALS)) };
  const histograms = program.histograms.map(({ digit }) => area((digit === "high" ? HIGH_BINS : LOW_BINS) * 4));
  const tables = program.tables.map((table) => area(TABLE_HEADER + entryBytes(table, count)));
  const reductions = program.reductions.map((one) => reducing(one, count, area));
  const inputs = dtypes.map((dtype) => area(STRIP * bytesPer(dtype)));
  const output = program.output === null ? null : area(STRIP * bytesPer(encode));

  const words: number[] = [];
  const emit = (opcode: number, d: number, a: Operand | null, b: Operand | null = null, c: Operand | null = null) =>
    words.push(opcode, d, a?.at ?? 0, a?.step ?? 0, b?.at ?? 0, b?.step ?? 0, c?.at ?? 0, c?.step ?? 0);
  const slot = (word: number): Operand => ({ at: uniforms.at + word * SLOT, step: 0 });

  // Registers come last in memory because their number is known last.
  const uses = countUses(program, order);
  const registers = registerFile(end);
  const home = new Map<number, Operand>();
  const operand = (value: number): Operand => {
    const op = program.ops[value];
    if (op?.op === "uniform") return slot(op.word);
    const found = home.get(value);
    if (found === undefined) throw malformed(program, `value ${value} is used before it is defined`);
    return found;
  };
  const release = (value: number): void => {
    const left = (uses.get(value) ?? 0) - 1;
    uses.set(value, left);
    const register = home.get(value);
    if (left === 0 && register !== undefined) registers.free(register.at);
  };
  const emitResults = (value: number): void => {
    program.sums.forEach((summed, s) => {
      if (summed !== value) return;
      emit(code.SUM, accumulators[s]!.at, operand(value), { at: partials[s]!.at, step: 0 });
      release(value);
    });
    program.histograms.forEach((histogram, h) => {
      if (histogram.value !== value) return;
      const high = histogram.digit === "high";
      if (!high && histogram.word === null) throw malformed(program, `histogram ${h} of low digits has no word`);
      const word = high ? null : slot(histogram.word ?? 0);
      emit(high ? code.HISTOGRAM_HIGH : code.HISTOGRAM_LOW, histograms[h]!.at, operand(value), word);
      release(value);
    });
    program.reductions.forEach((one, r) => {
      if (one.value !== value) return;
      const { how, axis, columns } = one;
      const place = reductions[r]!;
      let source = operand(value);
      if (source.step === 0) {
        // The larger of a uniform and itself, as a register: runs begin anywhere in it.
        const copy = registers.take();
        emit(code.MAX, copy, source, source);
        registers.free(copy);
        source = { at: copy, step: SLOT };
      }
      const to = place.axis === "rows" ? place.state.at : place.totals.at;
      emit(REDUCE[axis][how], to, source, { at: columns, step: 0 });
      release(value);
    });
    if (program.output === value && output !== null) {
      emit(ENCODE[encode], output.at, operand(value));
      release(value);
    }
  };

  const emitFused = (
    op: Op,
    swallowed: Op,
    d: number,
    a: Operand | null,
    b: Operand | null,
    c: Operand | null,
  ): void => {
    if (op.op === "add") emit(code.MUL_ADD, d, a, b, c);
    else if (swallowed.op === "input") emit(code.SUB_BF16, d, { at: inputs[swallowed.slot]!.at, step: 0 }, a);
    else if (swallowed.op === "top") emit(code.KEEP, d, a, slot(swallowed.word), slot(swallowed.word + 1));
    else throw malformed(program, `${op.op} swallows ${swallowed.op}`);
  };

  for (const { value, fused } of order) {
    const op = program.ops[value]!;
    if (op.op !== "uniform") {
      const read = operandsOf(program, value, fused);
      const sources = read.map(operand);
      for (const source of read) release(source);
      const d = registers.take();
      const [a = null, b = null, c = null] = sources;
      if (op.op === "input") {
        const dtype = dtypes[op.slot];
        if (dtype === undefined) throw malformed(program, `input ${op.slot} has no dtype`);
        emit(DECODE[dtype], d, { at: inputs[op.slot]!.at, step: 0 });
      } else if (op.op === "random") emit(code.RANDOM, d, slot(op.word), slot(op.word + 1));
      else if (op.op === "top") emit(code.TOP, d, a, slot(op.word), slot(op.word + 1));
      else if (op.op === "tied") emit(code.TIED, d, a, slot(op.word));
      else if (op.op === "along") {
        const table = program.tables[op.table];
        const at = tables[op.table]?.at;
        if (table === undefined || at === undefined) throw malformed(program, `there is no table ${op.table}`);
        emit(ALONG[table.axis], d, { at, step: 0 }, { at: table.columns, step: 0 });
      } else if (op.op === "rank") throw malformed(program, "it has a rank that was not taken apart");
      else if (op.op === "where") emit(code.WHERE, d, a, b, c);
      else if (fused !== null) emitFused(op, program.ops[fused]!, d, a, b, c);
      else emit(ARITHMETIC[op.op], d, a, b);
      home.set(value, { at: d, step: SLOT });
    }
    emitResults(value);
  }
  return {
    instructions: Uint32Array.from(words),
    code: { at: instructionArea.at, bytes: words.length * 4 },
    uniforms,
    sums,
    partials,
    histograms,
    tables,
    reductions,
    inputs,
    output,
    bytes: registers.end(),
  };
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

function registerFile(start: number) {
  const idle: number[] = [];
  let end = start;
  return {
    /** Address of a register nobody holds; the one freed last, which is likeliest to be in the cache. */
    take: (): number => {
      const register = idle.pop();
      if (register !== undefined) return register;
      end += STEP * 4;
      return end - STEP * 4;
    },
    free: (register: number): void => void idle.push(register),
    end: (): number => end,
  };
}

const align = (address: number): number => Math.ceil(address / SLOT) * SLOT;
