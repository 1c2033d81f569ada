/**
 * What lives in a lane: one instance of the kernels, the programs compiled so far, and a space in memory to work
 * in. Needs neither DOM nor Node.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import { WeightloomError } from "../../errors.ts";
import { BLOCK, entriesOf, looksAtRows, planeBytes } from "../../graph/program.ts";
import type { Beside, TileJob } from "../engine.ts";
import { type Stage, stagesOf } from "../stages.ts";
import { grow } from "./arena.ts";
import { compile } from "./compile.ts";
import { planesUsed, type Shape, STAGED } from "./layout.ts";
import { type RankKernel, rankBytes, rankInto, resultOf, SLACK } from "./rank.ts";
import { createSearch, type SearchKernels } from "./search.ts";
import { type Ahead, type Ready, runTile, strips } from "./tile.ts";

/** Works a tile off and returns when it is done. */
export type Lane = Beside;

interface Kernels extends RankKernel, SearchKernels {
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
  const { memory, clear } = kernels;
  const take = (bytes: number): number => {
    const at = grow(memory, bytes);
    if (at !== null) return at;
    throw new WeightloomError(
      "DeviceError",
      `A lane could not get ${bytes.toLocaleString("en")} bytes of memory. Close other tabs or merge fewer models at once.`,
    );
  };
  let space = { at: 0, bytes: 0 };
  /** Where so many bytes are this lane's alone, for one piece of work after another. */
  const spaceFor = (bytes: number): number => {
    if (bytes > space.bytes) {
      const more = Math.max(bytes, 2 * space.bytes, LEAST);
      space = { at: take(more), bytes: more };
    }
    return space.at;
  };
  const programs = new Map<string, Ready>();

  /** Tiles of one sweep follow one another: remembering the last programs is enough. */
  const readyFor = (shape: Shape): Ready => {
    const { program, encode, dtypes, count } = shape;
    const sized = program.tables.length + program.reductions.length > 0 ? count : "";
    const key = `${encode} ${dtypes.join(" ")} ${sized} ${program.key}`;
    const before = programs.get(key);
    if (before !== undefined) return before;
    if (programs.size >= REMEMBERED) programs.clear();
    const { code, layout } = compile(shape, shared !== null);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { kernels: { ...kernels } });
    const made = { layout, run: instance.exports.run as Ready["run"] };
    programs.set(key, made);
    return made;
  };

  /** Addresses for the results of each stage, from tile to tile. */
  const planes: { at: number; bytes: number }[] = [];
  const planeOf = (stage: number, bytes: number): number => {
    const known = planes[stage];
    if (known !== undefined && known.bytes >= bytes) return known.at;
    const plane = { at: take(bytes + SLACK), bytes };
    planes[stage] = plane;
    return plane.at;
  };

  /** Everything a tile needs is made before any of it runs, since the memory must not grow then. */
  const prepare = (job: TileJob) => {
    const results: Plane[] = [];
    let end = 0;
    const take = (bytes: number): number => {
      const at = end;
      end = Math.ceil((at + bytes) / 64) * 64;
      return at;
    };
    const ready = (stage: Stage, encode?: TileJob["encode"]) => {
      const made = readyFor({ ...shapeOf(job, stage, results), ...(encode === undefined ? {} : { encode }) });
      return { stage, ready: made, at: take(made.layout.bytes()) };
    };
    const stages = stagesOf(job.program);
    // Strips of keys lie in one place, whichever stage makes them: they are used before the next is made.
    const keys = stages.length > 1 ? take(STAGED * 4) : 0;
    const ranked = stages.flatMap((stage) => {
      const { looks } = stage;
      if (looks === null) return [];
      const own = ready(stage);
      const dtype = resultOf(looks);
      const bytes = job.count * bytesPer(dtype);
      results.push({ at: planeOf(results.length, bytes), bytes, dtype });
      return [{ ...own, looks, scratch: take(rankBytes(looks)) }];
    });
    const last = ready(stages.at(-1)!, job.encode);
    return { results, ranked, keys, last, base: spaceFor(end) };
  };

  return {
    search: createSearch(kernels, spaceFor),
    run: (job) => {
      checkJob(job);
      const { results, ranked, keys, last, base } = prepare(job);
      const roomAt = (at: number) => ({ memory, base: base + at, clear });
      let ahead: Ahead = null;
      for (const [s, { stage, ready, at, looks, scratch }] of ranked.entries()) {
        const before = ahead;
        // A strip at a time: what it yields is used while it is in the cache.
        const room = { ...roomAt(at), strip: base + keys };
        const values = strips(ready, partOf(job, stage, results, memory), room, null, before);
        const look = rankInto(kernels, base + scratch, looks, job, results[s]!.at);
        let done = 0;
        ahead = (end) => {
          before?.(end);
          while (done < end) {
            const { value, done: isOver } = values.next();
            if (isOver === true) break;
            done = look(value.at, value.length);
          }
        };
      }
      const whole = ranked.length === 0;
      const part = whole ? job : { ...partOf(job, last.stage, results, memory), encode: job.encode };
      return { ...runTile(last.ready, part, roomAt(last.at), ahead), inputs: job.inputs, kept: job.kept };
    },
  };
}

/** What a stage before the last yields: somewhere in the lane's memory. */
interface Plane {
  readonly at: number;
  readonly bytes: number;
  readonly dtype: "F32" | "BF16";
}

/** What decides about a stage's code: its inputs are some of the tile's and of the results of stages before. */
function shapeOf({ dtypes, count }: TileJob, { program, sources }: Stage, results: readonly Plane[]): Shape {
  const all = [...dtypes, ...results.map(({ dtype }) => dtype)];
  return { program, dtypes: sources.map((source) => all[source]!), encode: "F32", count };
}

/** The job of one stage. The memory must not grow before it is done. */
function partOf(job: TileJob, stage: Stage, results: readonly Plane[], { buffer }: WebAssembly.Memory): TileJob {
  const planes = results.map(({ at, bytes }) => new Uint8Array(buffer, at, bytes) as Uint8Array<ArrayBuffer>);
  const inputs = [...job.inputs, ...planes];
  return { ...job, ...shapeOf(job, stage, results), inputs: stage.sources.map((source) => inputs[source]!) };
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
    if (looksAtRows(op) && (first % op.columns !== 0 || count % op.columns !== 0)) {
      refuse(`it has parts of rows of ${op.columns} elements to rank`);
    }
  }
  for (const { plane, bits } of planesUsed(program)) {
    const [found, needed] = [kept[plane]?.length ?? 0, planeBytes(bits, count)];
    if (found < needed) refuse(`plane ${plane} has ${found} bytes instead of ${needed}`);
  }
  inputs.forEach((bytes, slot) => {
    const needed = count * bytesPer(dtypes[slot]!);
    if (bytes.length !== needed) refuse(`input ${slot} has ${bytes.length} bytes instead of ${needed}`);
  });
}
