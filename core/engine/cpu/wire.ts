/**
 * Jobs and results as they cross to a lane and back. What lies in shared memory crosses as an address, or not at all where
 * the other side knows it already; everything else is transferred.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import { isShared } from "../../bytes/shared.ts";
import { binsOf, type Program } from "../../graph/program.ts";
import type { TileJob, TileResult } from "../engine.ts";

interface Place {
  readonly at: number;
  readonly bytes: number;
}
type Bytes = Uint8Array<ArrayBuffer>;

export interface JobOnWire extends Omit<TileJob, "program" | "inputs" | "kept" | "into" | "bins" | "clock"> {
  /** Its key alone when the lane has met it. */
  readonly program: Program | string;
  readonly inputs: readonly (Bytes | Place)[];
  readonly kept: readonly (Bytes | Place)[] | undefined;
  readonly into: Bytes | Place | undefined;
  readonly bins: Bytes | Place | undefined;
}

export interface ResultOnWire extends Omit<TileResult, "output" | "inputs" | "kept" | "histograms"> {
  readonly output: Bytes | null;
  readonly inputs: readonly (Bytes | null)[];
  readonly kept: readonly (Bytes | null)[] | undefined;
  /** Null when they are where the job said. */
  readonly histograms: TileResult["histograms"] | null;
}

const pack = (bytes: Bytes): Bytes | Place => (isShared(bytes) ? { at: bytes.byteOffset, bytes: bytes.length } : bytes);

/**
 * Every field by name: what is left of an object after some of it was taken is made a field at a time, as slowly as a table.
 * @param met keys of the programs the lane has
 */
export function packJob(job: TileJob, met: ReadonlySet<string>): JobOnWire {
  const { program, dtypes, encode, words, tables, tensor, first, count, inputs, kept, into, bins } = job;
  return {
    program: met.has(program.key) ? program.key : program,
    dtypes,
    encode,
    words,
    tables,
    tensor,
    first,
    count,
    inputs: inputs.map(pack),
    kept: kept?.map(pack),
    into: into && pack(into),
    bins: bins && pack(bins),
  };
}

/**
 * @param met the programs the lane has, by key
 * @param memory what addresses refer to; null where nothing is shared
 */
export function unpackJob(job: JobOnWire, met: Map<string, Program>, memory: WebAssembly.Memory | null): TileJob {
  const { program, dtypes, encode, words, tables, tensor, first, count, inputs, kept, into, bins } = job;
  if (typeof program !== "string") met.set(program.key, program);
  const known = typeof program === "string" ? met.get(program) : program;
  if (known === undefined) throw new Error("Internal error: a lane has not met the program of its tile.");
  const unpack = (one: Bytes | Place): Bytes => {
    if (one instanceof Uint8Array) return one;
    if (memory === null) throw new Error("Internal error: an address came to a lane that shares no memory.");
    return new Uint8Array(memory.buffer, one.at, one.bytes) as Bytes;
  };
  return {
    program: known,
    dtypes,
    encode,
    words,
    tables,
    tensor,
    first,
    count,
    inputs: inputs.map(unpack),
    kept: kept?.map(unpack),
    into: into && unpack(into),
    bins: bins && unpack(bins),
  };
}

export function packResult(result: TileResult): ResultOnWire {
  const { output, sums, histograms, reductions, inputs, kept, unsound, checksum } = result;
  return {
    sums,
    reductions,
    unsound,
    checksum,
    output: output === null || isShared(output) ? null : output,
    inputs: inputs.map((bytes) => (isShared(bytes) ? null : bytes)),
    kept: kept?.map((bytes) => (isShared(bytes) ? null : bytes)),
    histograms: histograms.some(isShared) ? null : histograms,
  };
}

/** @param spent milliseconds the lane worked on it */
export function unpackResult(result: ResultOnWire, job: TileJob, spent: number): TileResult {
  const { output, sums, histograms, reductions, inputs, kept, unsound, checksum } = result;
  const { program, count, encode, into, bins } = job;
  const there = program.output === null ? null : (into?.subarray(0, count * bytesPer(encode)) ?? null);
  return {
    sums,
    reductions,
    unsound,
    checksum,
    spent,
    output: output ?? there,
    inputs: inputs.map((bytes, i) => bytes ?? job.inputs[i]!),
    kept: kept?.map((bytes, plane) => bytes ?? job.kept![plane]!),
    histograms: histograms ?? (bins === undefined ? [] : countsIn(bins, program, count)),
  };
}

/** The histograms of a program over so many elements that lie one after another in `bins`. */
export function countsIn(bins: Bytes, { histograms }: Program, count: number): Uint32Array<ArrayBuffer>[] {
  let at = bins.byteOffset;
  return histograms.map((histogram) => {
    const counts = new Uint32Array(bins.buffer, at, binsOf(histogram, count));
    at += counts.byteLength;
    return counts;
  });
}
