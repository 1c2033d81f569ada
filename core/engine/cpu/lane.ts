/**
 * What lives in a lane: one instance of the kernels and the memory it works in. A tile passes through
 * in strips that fit the cache, so the memory is small, is grown once for a program and is reused; the
 * tile's own bytes stay in JavaScript's buffers. Needs neither DOM nor Node.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import { WeightloomError } from "../../errors.ts";
import { BLOCK, entriesOf, segmentsBefore } from "../../graph/program.ts";
import type { TileJob, TileResult } from "../engine.ts";
import { type Stage, stagesOf } from "../stages.ts";
import { grow, isShared } from "./arena.ts";
import { compile } from "./compile.ts";
import { type Area, type Layout, roomOf, STAGED, STATE, STRIP, TABLE_HEADER } from "./layout.ts";
import { type RankKernel, rankBytes, rankRows } from "./rank.ts";
import { countsIn } from "./wire.ts";

export interface Lane {
  /** Works a tile off and returns when it is done. Throws a DeviceError when it cannot. */
  run(job: TileJob): TileResult;
}

/** A program ready to run in this lane. */
interface Ready {
  readonly layout: Layout;
  readonly run: (count: number, index: number, counter: number) => void;
}

/** Bytes a lane begins with. */
const LEAST = 2 ** 20;
const REMEMBERED = 64;

/**
 * Instantiates the compiled kernels. Rejects with a DeviceError where SIMD WebAssembly does not run.
 * @param shared the memory that tiles may lie in; `module` is then compiled for it
 */
export async function createLane(module: WebAssembly.Module, shared: WebAssembly.Memory | null = null): Promise<Lane> {
  let kernels: RankKernel;
  try {
    const instance = await WebAssembly.instantiate(module, shared === null ? {} : { env: { memory: shared } });
    kernels = instance.exports as unknown as RankKernel;
  } catch (cause) {
    const message = "The SIMD kernels did not start. They need 16 MiB of memory and a browser from 2023 or later.";
    throw new WeightloomError("DeviceError", message, { cause });
  }
  const { memory } = kernels;
  let space: Area = { at: 0, bytes: 0 };
  /** An area of the memory that is this lane's alone, for one piece of work after another. */
  const areaOf = (bytes: number): Area => {
    if (bytes > space.bytes) {
      const more = Math.max(bytes, 2 * space.bytes, LEAST);
      const at = grow(memory, more);
      if (at === null) {
        throw new WeightloomError(
          "DeviceError",
          `A lane could not get ${more.toLocaleString("en")} bytes of memory. Close other tabs or merge fewer models at once.`,
        );
      }
      space = { at, bytes: more };
    }
    return space;
  };
  const programs = new Map<string, Ready>();

  /** Tiles of one sweep follow one another: remembering the last programs is enough. */
  const readyFor = (job: TileJob): Ready => {
    const { program, encode, dtypes, count } = job;
    const sized = program.tables.length + program.reductions.length > 0 ? count : "";
    const key = `${encode} ${dtypes.join(" ")} ${sized} ${program.key}`;
    const before = programs.get(key);
    if (before !== undefined) return before;
    if (programs.size >= REMEMBERED) programs.clear();
    const { code, layout } = compile(job, areaOf(roomOf(job)).at, shared !== null);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { kernels: { ...kernels } });
    const made = { layout, run: instance.exports.run as Ready["run"] };
    programs.set(key, made);
    return made;
  };

  return {
    run: (job) => {
      checkJob(job);
      const ranks: Uint8Array<ArrayBuffer>[] = [];
      for (const stage of stagesOf(job.program)) {
        const part = stage.program === job.program ? job : partOf(job, stage, ranks);
        const result = runTile(memory, readyFor(part), part);
        if (stage.columns === null) return { ...result, inputs: job.inputs };
        if (result.output === null) throw new Error("Internal error: a stage without keys.");
        rankRows(kernels, areaOf(rankBytes(stage.columns)).at, result.output, stage.columns);
        ranks.push(result.output);
      }
      throw new Error("Internal error: a program without a last stage.");
    },
  };
}

/** The job of one stage: its inputs are some of the tile's and ranks. */
function partOf(
  job: TileJob,
  { program, sources, columns }: Stage,
  ranks: readonly Uint8Array<ArrayBuffer>[],
): TileJob {
  // Memory for the output is the last stage's: keys would lie in each other's way there.
  const inputs = [...job.inputs, ...ranks];
  const dtypes = [...job.dtypes, ...ranks.map(() => "F32" as const)];
  return {
    ...job,
    into: columns === null ? job.into : undefined,
    program,
    inputs: sources.map((source) => inputs[source]!),
    dtypes: sources.map((source) => dtypes[source]!),
    encode: columns === null ? job.encode : "F32",
  };
}

function runTile(memory: WebAssembly.Memory, { layout, run }: Ready, job: TileJob): TileResult {
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
  const output = layout.output === null ? null : outputOf(job);
  const outSize = bytesPer(job.encode);
  // What lies in this very memory is read and written there; the rest passes through the staging areas.
  const sources = job.inputs.map((input, slot) => ({
    input,
    size: bytesPer(job.dtypes[slot]!),
    here: isShared(input),
  }));
  const places = words.subarray(layout.places.at / 4, (layout.places.at + layout.places.bytes) / 4);
  const outHere = output !== null && isShared(output);
  const strip = sources.every(({ here }) => here) && (output === null || outHere) ? STRIP : STAGED;
  for (let start = 0; start < count; start += strip) {
    const length = Math.min(strip, count - start);
    for (const [slot, { input, size, here }] of sources.entries()) {
      const staging = layout.inputs[slot]!.at;
      if (!here) bytes.set(input.subarray(start * size, (start + length) * size), staging);
      places[slot] = here ? input.byteOffset + start * size : staging;
    }
    if (layout.output !== null && output !== null) {
      places[sources.length] = outHere ? output.byteOffset + start * outSize : layout.output.at;
    }
    for (const { beginStrip } of reductions) beginStrip();
    run(length, start, (first + start) / 4);
    layout.partials.forEach(({ at }, s) => {
      const part = doubles.subarray(at / 8, at / 8 + Math.ceil(length / BLOCK));
      sums.set(part, s * blocks + start / BLOCK);
    });
    for (const { endStrip } of reductions) endStrip();
    if (output !== null && layout.output !== null && !outHere) {
      const { at } = layout.output;
      output.set(bytes.subarray(at, at + length * outSize), start * outSize);
    }
  }
  const histograms = histogramsOf(layout, words, job);
  return { output, sums, histograms, reductions: reductions.map(({ result }) => result()), inputs: job.inputs };
}

/** The counts, in the memory that came with the job or in new memory. */
function histogramsOf({ histograms }: Layout, words: Uint32Array, { bins, program }: TileJob) {
  const counts = histograms.map(({ at, bytes }) => words.subarray(at / 4, (at + bytes) / 4));
  if (bins === undefined) return counts.map((each) => each.slice() as Uint32Array<ArrayBuffer>);
  const copies = countsIn(bins, program);
  copies.forEach((copy, h) => {
    copy.set(counts[h]!);
  });
  return copies;
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
  return into !== undefined && into.length >= bytes ? into.subarray(0, bytes) : new Uint8Array(bytes);
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
