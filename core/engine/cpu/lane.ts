/**
 * What lives in a lane: one instance of the kernels, the programs compiled so far, and a space in memory to work
 * in. Needs neither DOM nor Node.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import { WeightloomError } from "../../errors.ts";
import { BLOCK, entriesOf } from "../../graph/program.ts";
import type { TileJob, TileResult } from "../engine.ts";
import { type Stage, stagesOf } from "../stages.ts";
import { grow } from "./arena.ts";
import { compile } from "./compile.ts";
import { type RankKernel, rankBytes, rankRows } from "./rank.ts";
import { type Ready, runTile } from "./tile.ts";

export interface Lane {
  /** Works a tile off and returns when it is done. Throws a DeviceError when it cannot. */
  run(job: TileJob): TileResult;
}

interface Kernels extends RankKernel {
  readonly clear: (at: number, bytes: number) => void;
}

/** Bytes a lane begins with. */
const LEAST = 2 ** 20;
const REMEMBERED = 64;

/**
 * Instantiates the compiled kernels. Rejects with a DeviceError where SIMD WebAssembly does not run.
 * @param shared the memory that tiles may lie in; `module` is then compiled for it
 */
export async function createLane(module: WebAssembly.Module, shared: WebAssembly.Memory | null = null): Promise<Lane> {
  let kernels: Kernels;
  try {
    const instance = await WebAssembly.instantiate(module, shared === null ? {} : { env: { memory: shared } });
    kernels = instance.exports as unknown as Kernels;
  } catch (cause) {
    const message = "The SIMD kernels did not start. They need 16 MiB of memory and a browser from 2023 or later.";
    throw new WeightloomError("DeviceError", message, { cause });
  }
  const { memory } = kernels;
  let space = { at: 0, bytes: 0 };
  /** Where so many bytes are this lane's alone, for one piece of work after another. */
  const spaceFor = (bytes: number): number => {
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
    return space.at;
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
    const { code, layout } = compile(job, shared !== null);
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
        const ready = readyFor(part);
        const result = runTile(ready, part, memory, spaceFor(ready.layout.bytes()), kernels.clear);
        if (stage.columns === null) return { ...result, inputs: job.inputs, kept: job.kept };
        if (result.output === null) throw new Error("Internal error: a stage without keys.");
        rankRows(kernels, spaceFor(rankBytes(stage.columns)), result.output, stage.columns);
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

/** Refuses a job whose parts do not fit each other, before it can read past anything. */
function checkJob({ program, dtypes, words, tables, inputs, kept = [], count, first }: TileJob): void {
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
  const planes = [
    ...program.ops.flatMap((op) => (op.op === "kept" ? [op.plane] : [])),
    ...(program.keeps ?? []).map(({ plane }) => plane),
  ];
  for (const plane of planes) {
    const [found, needed] = [kept[plane]?.length ?? 0, Math.ceil(count / 8)];
    if (found < needed) refuse(`plane ${plane} has ${found} bytes instead of ${needed}`);
  }
  inputs.forEach((bytes, slot) => {
    const needed = count * bytesPer(dtypes[slot]!);
    if (bytes.length !== needed) refuse(`input ${slot} has ${bytes.length} bytes instead of ${needed}`);
  });
}
