/**
 * The loop that obeys a plan: read ahead, compute, write behind. It decides nothing; bytes in flight are
 * bounded by the plan's budget, files grow in plan order, the small files that make a folder a model
 * come last. A run that fails or is cancelled removes what it wrote.
 */

import { bytesPer, isFloat } from "../bytes/dtype.ts";
import type { Folder } from "../bytes/sink.ts";
import type { ByteSource } from "../bytes/source.ts";
import type { Clock } from "../clock.ts";
import type { Engine } from "../engine/engine.ts";
import { throwIfAborted, WeightloomError } from "../errors.ts";
import type { CopyPlan, MergePlan, Plan } from "../plan/plan.ts";
import { announce } from "./announce.ts";
import { createBudget } from "./budget.ts";
import { type Asked, createRecorder, RECORD } from "./record.ts";
import { collectWatched, remarksOf, type Seen } from "./remarks.ts";
import { createRounds } from "./rounds.ts";
import { createSoundness, lookingAt, type Unsound } from "./soundness.ts";
import { createSpares } from "./spares.ts";
import type { TileHost } from "./tiles.ts";
import { createWriter } from "./writer.ts";

export interface RunEvent {
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** The tensor whose bytes were written last. */
  readonly tensor: string;
  readonly tensorsDone: number;
}

export interface RunOptions {
  readonly engine: Engine;
  readonly folder: Folder;
  /** Budget for buffers in flight, bytes; the plan was made for it. */
  readonly memory: number;
  readonly signal?: AbortSignal;
  /** How the plan was asked for: then a record of what was written lies beside it. */
  readonly asked?: Asked | undefined;
  /** Told where the time goes. */
  readonly clock?: Clock;
  /** Called after every chunk written; cheap, so throttle what is slow. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Told at once when something went wrong and the run went on, in a sentence. */
  readonly onTrouble?: (sentence: string) => void;
}

export interface RunResult {
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Most buffer bytes held at one moment. */
  readonly peakBytes: number;
  readonly seconds: number;
  /** Sentences about numbers that only the weights tell: where slerp was a line, how far model_stock went. */
  readonly remarks: readonly string[];
  /** What went wrong, in sentences, although the run went on to its end. */
  readonly troubles: readonly string[];
  /** Tensors with NaN or infinity, in a model or in the result. */
  readonly unsound: readonly Unsound[];
  /** Tiles that a second engine computed too; null where the engine is not one to be checked. */
  readonly checked: number | null;
}

const COPY_CHUNK = 8 * 1024 * 1024;

/**
 * Runs a plan to the end. Rejects with AbortError when cancelled, else with the first failure; either
 * way no file of this run is left.
 */
export async function run(plan: Plan, options: RunOptions): Promise<RunResult> {
  const started = performance.now();
  const inner = new AbortController();
  const stop = () => inner.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", stop, { once: true });
  throwIfAborted(options.signal);

  const { clock } = options;
  const budget = createBudget(options.memory);
  const writer = createWriter(plan.files, options.folder, clock);
  const made: string[] = [];
  let readBytes = 0;
  let writtenBytes = 0;
  let tensorsDone = 0;
  const { signal } = inner;

  const cancelled = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  cancelled.catch(() => {});

  const soundness = createSoundness();
  const record = createRecorder();
  const troubles: string[] = [];
  const watch = options.engine.watch?.((sentence) => {
    troubles.push(sentence);
    options.onTrouble?.(sentence);
  });
  const spare = createSpares(options.memory, options.engine.memory);

  async function read(source: ByteSource, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    throwIfAborted(signal);
    const ended = clock?.begin("read", end - start);
    const bytes = await source.read({ start, end }, signal, spare.take(end - start));
    ended?.();
    readBytes += end - start;
    return bytes;
  }

  function emit(
    tensor: MergePlan | CopyPlan,
    bytes: number,
    chunk: Promise<Uint8Array<ArrayBuffer>>,
    last: boolean,
  ): void {
    writer.push({
      file: tensor.output.file,
      bytes: chunk,
      spent: spare.give,
      done: (length) => {
        if (length !== bytes)
          throw new Error(`Internal error: ${tensor.name} yielded ${length} bytes where ${bytes} were planned.`);
        budget.release(bytes);
        writtenBytes += length;
        if (last) tensorsDone++;
        options.onEvent?.({ readBytes, writtenBytes, tensor: tensor.name, tensorsDone });
      },
    });
  }

  /** The bytes, looked at on their way. */
  async function looked({ name, dtype, from }: CopyPlan, at: number, bytes: Uint8Array<ArrayBuffer>) {
    if (!isFloat(dtype)) {
      record.part(name, at, bytes, undefined);
      return bytes;
    }
    const { inputs, unsound, checksum } = await options.engine.run(lookingAt(name, dtype, bytes), signal);
    const [same = bytes] = inputs;
    if (unsound) soundness.copied(name, from.ref, dtype, same);
    record.part(name, at, same, checksum);
    return same;
  }

  async function copy(tensor: CopyPlan): Promise<void> {
    const { source, range } = tensor.from;
    for (let start = range.start; start < range.end; start += COPY_CHUNK) {
      const end = Math.min(start + COPY_CHUNK, range.end);
      await budget.acquire(end - start);
      emit(
        tensor,
        end - start,
        read(source, start, end).then((bytes) => looked(tensor, start - range.start, bytes)),
        end === range.end,
      );
    }
    if (range.start === range.end) tensorsDone++;
  }

  const rounds = createRounds(plan.tensors);
  const seen: Seen = new Map();
  const noted: Promise<void>[] = [];
  const host: Omit<TileHost, "emit"> = {
    engine: options.engine,
    budget,
    clock,
    signal,
    read: (plan, index, first, count) => {
      const { info, start, dtype } = plan.inputs[index]!;
      const size = bytesPer(dtype);
      return read(info.source, start + first * size, start + (first + count) * size);
    },
    room: spare.take,
    recycle: spare.give,
    unsound: soundness.tile,
    made: ({ name, dtype }, first, { output, checksum }) => {
      if (output !== null) record.part(name, first * bytesPer(dtype), output, checksum);
    },
  };

  async function merge(tensor: MergePlan): Promise<void> {
    let left = tensor.output.range.end - tensor.output.range.start;
    const { settled, settlement } = await rounds.finish(tensor, {
      ...host,
      emit: (bytes, chunk) => {
        left -= bytes;
        emit(tensor, bytes, chunk, left === 0);
      },
    });
    if (tensor.watched.length === 0) return;
    const note = settled.then(() => collectWatched(tensor, settlement, seen));
    note.catch(() => {});
    noted.push(note);
  }

  const takeBack = announce(plan.tensors);

  async function produce(): Promise<void> {
    await rounds.survey({ ...host, emit: () => {} });
    for (const tensor of plan.tensors) {
      throwIfAborted(signal);
      await (tensor.action === "copy" ? copy(tensor) : merge(tensor));
    }
    await writer.end();
    for (const extra of plan.extras) {
      throwIfAborted(signal);
      const bytes =
        extra.content instanceof Uint8Array
          ? extra.content
          : await extra.content.read({ start: 0, end: extra.content.size }, signal);
      made.push(extra.name);
      await writeFile(options.folder, extra.name, bytes);
      writtenBytes += bytes.length;
      record.extra(extra.name, bytes);
    }
    await Promise.all(noted);
    if (options.asked !== undefined) {
      const bytes = record.bytes(plan, options.asked, soundness.report(plan.tensors));
      made.push(RECORD);
      await writeFile(options.folder, RECORD, bytes);
      writtenBytes += bytes.length;
    }
    throwIfAborted(signal);
  }

  const production = produce();
  try {
    await Promise.race([production, writer.failed, cancelled]);
  } catch (error) {
    inner.abort(error);
    budget.cancel();
    await Promise.allSettled([production, writer.abort()]);
    for (const name of made) await options.folder.remove(name);
    throw options.signal?.aborted === true ? (options.signal.reason ?? error) : clarify(error);
  } finally {
    options.signal?.removeEventListener("abort", stop);
    takeBack();
    spare.end();
    watch?.end();
  }
  const headers = plan.files.reduce((sum, file) => sum + file.header.length, 0);
  return {
    readBytes,
    writtenBytes: writtenBytes + headers,
    peakBytes: budget.peak,
    seconds: (performance.now() - started) / 1000,
    remarks: remarksOf(plan.method, seen),
    troubles,
    unsound: soundness.report(plan.tensors),
    checked: watch?.checked ?? null,
  };
}

async function writeFile(folder: Folder, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const sink = await folder.create(name);
  try {
    await sink.write(bytes);
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** Whatever was thrown, as an error whose name a person's front end knows. */
function clarify(error: unknown): unknown {
  if (error instanceof WeightloomError || (error instanceof Error && error.name === "AbortError")) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new WeightloomError("MergeError", `The merge stopped: ${text}`, { cause: error });
}
