/**
 * What lives in a lane: one instance of the kernels and the memory it works in. A tile passes through
 * in strips that fit the cache, so the memory is small, is grown once for a program and is reused; the
 * tile's own bytes stay in JavaScript's buffers. Needs neither DOM nor Node.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import { WeightloomError } from "../../errors.ts";
import { BLOCK } from "../../graph/program.ts";
import type { TileJob, TileResult } from "../engine.ts";
import { type Assembly, assemble, STEP, STRIP } from "./assemble.ts";

export interface Lane {
  /** Works a tile off and returns when it is done. Throws a DeviceError when it cannot. */
  run(job: TileJob): TileResult;
}

interface Kernels {
  readonly memory: WebAssembly.Memory;
  readonly base: WebAssembly.Global;
  readonly run: (start: number, stop: number, count: number, step: number, index: number, counter: number) => void;
}

const PAGE = 65536;
const SLOT_WORDS = 16;

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
  let key = "";
  let assembly: Assembly | null = null;

  return {
    run: (job) => {
      checkJob(job);
      // Tiles of one sweep follow one another: remembering the last program is enough.
      const wanted = `${job.encode} ${job.dtypes.join(" ")} ${job.program.key}`;
      if (assembly === null || key !== wanted) {
        assembly = assemble(job.program, job.dtypes, job.encode, base);
        key = wanted;
        grow(kernels.memory, assembly.bytes);
      }
      return runTile(kernels, assembly, job);
    },
  };
}

function runTile({ memory, run }: Kernels, assembly: Assembly, job: TileJob): TileResult {
  const { count, first, program } = job;
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  const doubles = new Float64Array(memory.buffer);

  words.set(assembly.instructions, assembly.code.at / 4);
  job.words.forEach((word, i) => {
    const at = assembly.uniforms.at / 4 + i * SLOT_WORDS;
    words.fill(word, at, at + SLOT_WORDS);
  });
  bytes.fill(0, assembly.sums.at, assembly.sums.at + assembly.sums.bytes);
  for (const { at, bytes: length } of assembly.histograms) bytes.fill(0, at, at + length);

  const blocks = Math.ceil(count / BLOCK);
  const sums = new Float64Array(program.sums.length * blocks);
  const output = assembly.output === null ? null : outputOf(job);
  for (let start = 0; start < count; start += STRIP) {
    const length = Math.min(STRIP, count - start);
    assembly.inputs.forEach(({ at }, slot) => {
      const size = bytesPer(job.dtypes[slot]!);
      bytes.set(job.inputs[slot]!.subarray(start * size, (start + length) * size), at);
    });
    run(assembly.code.at, assembly.code.at + assembly.code.bytes, length, STEP, start, (first + start) / 4);
    assembly.partials.forEach(({ at }, s) => {
      const strip = doubles.subarray(at / 8, at / 8 + Math.ceil(length / BLOCK));
      sums.set(strip, s * blocks + start / BLOCK);
    });
    if (output !== null && assembly.output !== null) {
      const { at } = assembly.output;
      const size = bytesPer(job.encode);
      output.set(bytes.subarray(at, at + length * size), start * size);
    }
  }
  const histograms = assembly.histograms.map(({ at, bytes: length }) => words.slice(at / 4, (at + length) / 4));
  return { output, sums, histograms, inputs: job.inputs };
}

/** Where the output goes: the memory that came with the job, or new memory. */
function outputOf({ count, encode, into }: TileJob): Uint8Array<ArrayBuffer> {
  const bytes = count * bytesPer(encode);
  return into !== undefined && into.byteLength >= bytes ? new Uint8Array(into, 0, bytes) : new Uint8Array(bytes);
}

/** Refuses a job whose parts do not fit each other, before it can read past anything. */
function checkJob({ program, dtypes, words, inputs, count, first }: TileJob): void {
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
