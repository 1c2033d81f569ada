/**
 * What lives in a lane: one instance of the kernels and the memory it works in. A tile passes through
 * in strips that fit the cache, so the memory is small, is grown once for a program and is reused; the
 * tile's own bytes stay in JavaScript's buffers. Needs neither DOM nor Node.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import { WeightloomError } from "../../errors.ts";
import { BLOCK, entriesOf, segmentsBefore } from "../../graph/program.ts";
import type { TileJob, TileResult } from "../engine.ts";
import { type Part, type Stage, stagesOf } from "../stages.ts";
import { compile } from "./compile.ts";
import { type Layout, STATE, STRIP, TABLE_HEADER } from "./layout.ts";
import { type RankKernel, rankBytes, rankInto } from "./rank.ts";

export interface Lane {
  /** Works a tile off and returns when it is done. Throws a DeviceError when it cannot. */
  run(job: TileJob): TileResult;
}

interface Kernels extends RankKernel {
  readonly base: WebAssembly.Global;
}

/** A program ready to run in this lane. */
interface Ready {
  readonly layout: Layout;
  readonly run: (count: number, index: number, counter: number) => void;
}

const PAGE = 65536;
const REMEMBERED = 64;

/** Instantiates the compiled kernels. Rejects with a DeviceError where SIMD WebAssembly does not run. */
export async function createLane(module: WebAssembly.Module): Promise<Lane> {
  let kernels: Kernels;
  try {
    const instance = await WebAssembly.instantiate(module);
    kernels = instance.exports as unknown as Kernels;
  } catch (cause) {
    const message = "The SIMD kernels did not start. They need 16 MiB of memory and a browser from 2023 or later.";
    throw new WeightloomError("DeviceError", message, { cause });
  }
  const base = Number(kernels.base.value);
  const programs = new Map<string, Ready>();

  /** Tiles of one sweep follow one another: remembering the last programs is enough. */
  const readyFor = (job: TileJob, at = base): Ready => {
    const { program, encode, dtypes, count } = job;
    const sized = program.tables.length + program.reductions.length > 0 ? count : "";
    const key = `${at} ${encode} ${dtypes.join(" ")} ${sized} ${program.key}`;
    const before = programs.get(key);
    if (before !== undefined) return before;
    if (programs.size >= REMEMBERED) programs.clear();
    const { code, layout } = compile(job, at);
    grow(kernels.memory, layout.bytes());
    const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { kernels: { ...kernels } });
    const made = { layout, run: instance.exports.run as Ready["run"] };
    programs.set(key, made);
    return made;
  };

  /** Memory for the results of each stage, from tile to tile. */
  const planes: Uint8Array<ArrayBuffer>[] = [];
  const planeOf = (stage: number, bytes: number): Uint8Array<ArrayBuffer> => {
    const known = planes[stage];
    const plane = known !== undefined && known.length >= bytes ? known : new Uint8Array(bytes);
    planes[stage] = plane;
    return plane.subarray(0, bytes);
  };

  /** Ranks what one stage yields, or compares the ranks. */
  const runRanks = (job: TileJob, { level, ...stage }: Stage, columns: number, results: readonly Plane[]): Plane => {
    const own = partOf(job, stage, results);
    const ready = readyFor(own);
    const levelled = level === null ? null : partOf(job, level, results);
    const levels = levelled === null ? null : readyFor(levelled, ready.layout.bytes());
    const end = (levels ?? ready).layout.bytes();
    grow(kernels.memory, end + rankBytes(columns));
    const dtype = level === null ? "F32" : "BF16";
    const bytes = planeOf(results.length, job.count * bytesPer(dtype));
    const take = rankInto(kernels, end, { columns, dtype, to: bytes });
    // Both go on a strip at a time: what they yield is used while it is in the cache.
    const others = levels === null || levelled === null ? null : strips(kernels.memory, levels, levelled, null);
    for (const { at, length } of strips(kernels.memory, ready, own, null)) {
      const other = others?.next();
      take(at, other === undefined || other.done === true ? 0 : other.value.at, length);
    }
    return { bytes, dtype };
  };

  return {
    run: (job) => {
      checkJob(job);
      const results: Plane[] = [];
      for (const stage of stagesOf(job.program, true)) {
        if (stage.columns !== null) results.push(runRanks(job, stage, stage.columns, results));
        else {
          const last = stage.program === job.program ? job : { ...partOf(job, stage, results), encode: job.encode };
          return { ...runTile(kernels.memory, readyFor(last), last), inputs: job.inputs };
        }
      }
      throw new Error("Internal error: a program without a last stage.");
    },
  };
}

/** What a stage before the last yields. */
interface Plane {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly dtype: "F32" | "BF16";
}

/** The job of one part: its inputs are some of the tile's and of the results of stages before. */
function partOf(job: TileJob, { program, sources }: Part, results: readonly Plane[]): TileJob {
  const inputs = [...job.inputs, ...results.map(({ bytes }) => bytes)];
  const dtypes = [...job.dtypes, ...results.map(({ dtype }) => dtype)];
  return {
    ...job,
    program,
    inputs: sources.map((source) => inputs[source]!),
    dtypes: sources.map((source) => dtypes[source]!),
    encode: "F32",
  };
}

function runTile(memory: WebAssembly.Memory, ready: Ready, job: TileJob): TileResult {
  const output = ready.layout.output === null ? null : outputOf(job);
  const work = strips(memory, ready, job, output);
  for (;;) {
    const step = work.next();
    if (step.done) return { ...step.value, output };
  }
}

/** A strip that is done. */
interface Strip {
  /** Where its encoded output lies until the next is asked for; 0 where there is none. */
  readonly at: number;
  readonly length: number;
}

/** Works a tile off, strip by strip. The output goes to `output`, if it is not null, after each. */
function* strips(
  memory: WebAssembly.Memory,
  { layout, run }: Ready,
  job: TileJob,
  output: Uint8Array<ArrayBuffer> | null,
): Generator<Strip, Omit<TileResult, "output">> {
  const { count, first, program } = job;
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  const doubles = new Float64Array(memory.buffer);

  words.set(job.words.subarray(0, program.words), layout.uniforms.at / 4);
  bytes.fill(0, layout.sums.at, layout.sums.at + layout.sums.bytes);
  for (const { at, bytes: length } of layout.histograms) bytes.fill(0, at, at + length);

  const singles = new Float32Array(memory.buffer);
  layout.tables.forEach(({ at }, t) => {
    words[at / 4] = first % program.tables[t]!.columns;
    singles.set(job.tables[t]!, (at + TABLE_HEADER) / 4);
  });
  const reductions = beginReductions(layout, job, memory);

  const blocks = Math.ceil(count / BLOCK);
  const sums = new Float64Array(program.sums.length * blocks);
  for (let start = 0; start < count; start += STRIP) {
    const length = Math.min(STRIP, count - start);
    layout.inputs.forEach(({ at }, slot) => {
      const size = bytesPer(job.dtypes[slot]!);
      bytes.set(job.inputs[slot]!.subarray(start * size, (start + length) * size), at);
    });
    for (const { beginStrip } of reductions) beginStrip();
    run(length, start, (first + start) / 4);
    layout.partials.forEach(({ at }, s) => {
      const strip = doubles.subarray(at / 8, at / 8 + Math.ceil(length / BLOCK));
      sums.set(strip, s * blocks + start / BLOCK);
    });
    for (const { endStrip } of reductions) endStrip();
    if (output !== null && layout.output !== null) {
      const { at } = layout.output;
      const size = bytesPer(job.encode);
      output.set(bytes.subarray(at, at + length * size), start * size);
    }
    yield { at: layout.output?.at ?? 0, length };
  }
  const histograms = histogramsOf(layout, words, job.bins);
  return { sums, histograms, reductions: reductions.map(({ result }) => result()), inputs: job.inputs };
}

/** The counts, in the memory that came with the job or in new memory. */
function histogramsOf({ histograms }: Layout, words: Uint32Array, bins: ArrayBuffer | undefined) {
  let end = 0;
  return histograms.map(({ at, bytes }) => {
    const counts = words.subarray(at / 4, (at + bytes) / 4);
    if (bins === undefined) return counts.slice() as Uint32Array<ArrayBuffer>;
    const copy = new Uint32Array(bins, end, counts.length);
    copy.set(counts);
    end += bytes;
    return copy;
  });
}

/** What is done for each reduction before, between and after the strips of a tile. */
function beginReductions(layout: Layout, { program, first, count }: TileJob, memory: WebAssembly.Memory) {
  const words = new Uint32Array(memory.buffer);
  const doubles = new Float64Array(memory.buffer);
  return layout.reductions.map((place, r) => {
    const { how, columns } = program.reductions[r]!;
    if (place.axis === "columns") {
      const totals = doubles.subarray(place.totals.at / 8, place.totals.at / 8 + Math.min(columns, count));
      totals.fill(how === "sum" ? 0 : Number.NEGATIVE_INFINITY);
      return { beginStrip: () => {}, endStrip: () => {}, result: () => totals.slice() };
    }
    const { state, partials } = place;
    const all = new Float64Array(segmentsBefore(first + count, columns) - segmentsBefore(first, columns));
    if (how === "sum") doubles.fill(0, state.at / 8, state.at / 8 + 8);
    else new Float32Array(memory.buffer).fill(Number.NEGATIVE_INFINITY, state.at / 4, state.at / 4 + 4);
    words[(state.at + STATE.position) / 4] = first % columns;
    const next = (state.at + STATE.next) / 4;
    let done = 0;
    return {
      beginStrip: () => {
        words[next] = partials.at;
      },
      endStrip: () => {
        const part = doubles.subarray(partials.at / 8, words[next]! / 8);
        all.set(part, done);
        done += part.length;
      },
      result: () => all,
    };
  });
}

/** Where the output goes: the memory that came with the job, or new memory. */
function outputOf({ count, encode, into }: TileJob): Uint8Array<ArrayBuffer> {
  const bytes = count * bytesPer(encode);
  return into !== undefined && into.byteLength >= bytes ? new Uint8Array(into, 0, bytes) : new Uint8Array(bytes);
}

/** Refuses a job whose parts do not fit each other, before it can read past anything. */
function checkJob({ program, dtypes, words, tables, inputs, count, first }: TileJob): void {
  const refuse = (why: string): never => {
    throw new WeightloomError("DeviceError", `A tile of ${program.key} cannot run: ${why}. Report this as a bug.`);
  };
  if (first % BLOCK !== 0 || first < 0 || first + count > 2 ** 32) {
    refuse(`it starts at element ${first}, which is not a multiple of ${BLOCK} below 2^32`);
  }
  if (words.length < program.words) refuse(`it has ${words.length} uniform words of ${program.words}`);
  if (inputs.length !== program.inputs.length || dtypes.length !== inputs.length) {
    refuse(`it has ${inputs.length} inputs and ${dtypes.length} dtypes for ${program.inputs.length}`);
  }
  program.tables.forEach((table, t) => {
    const [found, needed] = [tables[t]?.length ?? 0, entriesOf(table, first, count)];
    if (found !== needed) refuse(`table ${t} has ${found} entries instead of ${needed}`);
  });
  for (const op of program.ops) {
    if (op.op === "rank" && (first % op.columns !== 0 || count % op.columns !== 0)) {
      refuse(`it has parts of rows of ${op.columns} elements to rank`);
    }
  }
  inputs.forEach((bytes, slot) => {
    const needed = count * bytesPer(dtypes[slot]!);
    if (bytes.length !== needed) refuse(`input ${slot} has ${bytes.length} bytes instead of ${needed}`);
  });
}

function grow(memory: WebAssembly.Memory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE);
  if (missing <= 0) return;
  try {
    memory.grow(missing);
  } catch (cause) {
    throw new WeightloomError(
      "DeviceError",
      `A lane could not get ${bytes.toLocaleString("en")} bytes of memory. Close other tabs or merge fewer models at once.`,
      { cause },
    );
  }
}
