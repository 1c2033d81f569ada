/**
 * The loop that obeys a plan: read ahead, compute, write behind. It decides nothing; bytes in flight are
 * bounded by the plan's budget, files grow in plan order, the small files that make a folder a model
 * come last. A run that is cancelled removes what it wrote; one that fails does so too, unless it keeps a journal: then
 * what is finished stays, and the next run goes on from there.
 */

import { bytesPer, isFloat } from "../bytes/dtype.ts";
import { isShared } from "../bytes/shared.ts";
import type { Folder } from "../bytes/sink.ts";
import type { ByteSource } from "../bytes/source.ts";
import type { Clock } from "../clock.ts";
import type { Engine } from "../engine/engine.ts";
import { DeviceTrouble, isAbort, throwIfAborted, WeightloomError } from "../errors.ts";
import type { CopyPlan, MergePlan, Plan, TensorPlan } from "../plan/plan.ts";
import { announce } from "./announce.ts";
import { createBudget } from "./budget.ts";
import { createFacts } from "./facts.ts";
import type { Gate } from "./gate.ts";
import type { Journal } from "./journal.ts";
import { createMarks } from "./marks.ts";
import { type Asked, createRecorder, RECORD } from "./record.ts";
import { remarksOf } from "./remarks.ts";
import { beginningOf } from "./resume.ts";
import { createRounds } from "./rounds.ts";
import { createSoundness, lookingAt, type Unsound } from "./soundness.ts";
import { createSpares } from "./spares.ts";
import type { TileHost } from "./tiles.ts";
import { createWriter } from "./writer.ts";

export interface RunEvent {
  readonly readBytes: number;
  /** Of the result, with what earlier runs wrote. */
  readonly writtenBytes: number;
  /** What earlier runs wrote. */
  readonly keptBytes: number;
  /** The tensor whose bytes were written last. */
  readonly tensor: string;
  readonly tensorsDone: number;
}

export interface RunOptions {
  readonly engine: Engine;
  readonly folder: Folder;
  /** Budget for buffers in flight, bytes; the plan was made for it. */
  readonly memory: number;
  /** Aborted with an AbortError it cancels; with any other error it stops, and what a journal has stays. */
  readonly signal?: AbortSignal;
  /** Closed, it pauses the run. */
  readonly gate?: Gate | undefined;
  /** Where finished work is written down, and what earlier runs finished. It is removed with the last file. */
  readonly journal?: Journal | undefined;
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
  /** By this run. */
  readonly readBytes: number;
  /** Of the result. */
  readonly writtenBytes: number;
  /** Of them, by earlier runs. */
  readonly keptBytes: number;
  /** Most buffer bytes held at one moment. */
  readonly peakBytes: number;
  /** Of work; a pause is none. */
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
 * way no file of this run is left, but for what a journal keeps.
 */
export async function run(plan: Plan, options: RunOptions): Promise<RunResult> {
  const started = performance.now();
  const inner = new AbortController();
  const stop = () => inner.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", stop, { once: true });

  const { clock, gate, journal } = options;
  const pausedBefore = gate?.closedFor() ?? 0;
  const budget = createBudget(options.memory);
  const from = await beginningOf(plan, journal?.finished, options.folder);
  const soundness = createSoundness();
  const record = createRecorder();
  const facts = createFacts(plan.tensors, { record, soundness }, journal?.finished.facts ?? [], from.tensors);
  const marks = journal === undefined ? undefined : createMarks(journal, facts.upTo);
  const writer = createWriter(plan.files, options.folder, { clock, from, marks });
  const made = [...from.extras.keys()];
  const headers = plan.files.map(({ header }) => header.length);
  let readBytes = 0;
  /** Without headers. */
  let writtenBytes = from.bytes - sum(headers.slice(0, from.files + (from.sink === null ? 0 : 1)));
  let tensorsDone = from.tensors;
  let isWhole = false;
  const { signal } = inner;

  const cancelled = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  cancelled.catch(() => {});
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});

  const troubles: string[] = [];
  const watch = options.engine.watch?.((sentence) => {
    troubles.push(sentence);
    options.onTrouble?.(sentence);
  });
  const spare = createSpares(options.memory, options.engine.memory);

  /** @param at where in a file of the result these bytes go, if they go there as they are */
  async function read(source: ByteSource, start: number, end: number, at?: number): Promise<Uint8Array<ArrayBuffer>> {
    throwIfAborted(signal);
    const ended = clock?.begin("read", end - start);
    const room = spare.take(end - start, at);
    const bytes = await source.read({ start, end }, signal, room);
    ended?.();
    readBytes += end - start;
    // Where the engine works on tiles where they lie, those that a source made elsewhere are brought there.
    if (room === undefined || !isShared(room) || bytes.buffer === room.buffer) return bytes;
    room.set(bytes);
    return room.subarray(0, bytes.length);
  }

  function emit(
    { name, output: { file } }: TensorPlan,
    bytes: number,
    chunk: Promise<Uint8Array<ArrayBuffer>>,
    tensors: number | undefined,
  ): void {
    writer.push({
      file,
      bytes: chunk,
      tensors,
      spent: spare.give,
      done: (length) => {
        if (length !== bytes)
          throw new Error(`Internal error: ${name} yielded ${length} bytes where ${bytes} were planned.`);
        budget.release(bytes);
        writtenBytes += length;
        tensorsDone = tensors ?? tensorsDone;
        options.onEvent?.({ readBytes, writtenBytes, keptBytes: from.bytes, tensor: name, tensorsDone });
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

  async function copy(tensor: CopyPlan, number: number): Promise<void> {
    const { source, range } = tensor.from;
    if (range.start === range.end) emit(tensor, 0, Promise.resolve(new Uint8Array(0)), number);
    for (let start = range.start; start < range.end; start += COPY_CHUNK) {
      const end = Math.min(start + COPY_CHUNK, range.end);
      await gate?.pass(signal);
      await budget.acquire(end - start);
      emit(
        tensor,
        end - start,
        read(source, start, end, tensor.output.range.start + start - range.start).then((bytes) =>
          looked(tensor, start - range.start, bytes),
        ),
        end === range.end ? number : undefined,
      );
    }
  }

  const rounds = createRounds(plan.tensors);
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
    pass: async () => gate?.pass(signal),
    fail: (error) => fail(error),
    room: spare.take,
    recycle: spare.give,
    unsound: soundness.tile,
    made: ({ name, dtype }, first, { output, checksum }) => {
      if (output !== null) record.part(name, first * bytesPer(dtype), output, checksum);
    },
  };

  async function merge(tensor: MergePlan, number: number): Promise<void> {
    let left = tensor.output.range.end - tensor.output.range.start;
    const work = rounds.finish(tensor, {
      ...host,
      emit: (bytes, chunk) => {
        left -= bytes;
        emit(tensor, bytes, chunk, left === 0 ? number : undefined);
      },
    });
    facts.expect(tensor, number, work);
    await work;
  }

  const takeBack = announce(plan.tensors, from.tensors, journal?.finished.rounds.length);

  async function produce(): Promise<void> {
    if (from.tensors < plan.tensors.length)
      await rounds.survey({ ...host, emit: () => {} }, journal && { journal, soundness });
    for (const [index, tensor] of plan.tensors.entries()) {
      if (index < from.tensors) continue;
      throwIfAborted(signal);
      await (tensor.action === "copy" ? copy(tensor, index + 1) : merge(tensor, index + 1));
    }
    await writer.end();
    for (const extra of plan.extras) {
      throwIfAborted(signal);
      const known = from.extras.get(extra.name);
      if (known !== undefined) {
        record.knownExtra(extra.name, known);
        continue;
      }
      const bytes =
        extra.content instanceof Uint8Array
          ? extra.content
          : await extra.content.read({ start: 0, end: extra.content.size }, signal);
      made.push(extra.name);
      await writeFile(options.folder, extra.name, bytes);
      writtenBytes += bytes.length;
      const checksum = record.extra(extra.name, bytes);
      await journal?.write({ extra: extra.name, checksum });
    }
    await facts.upTo(plan.tensors.length);
    if (options.asked !== undefined) {
      const bytes = record.bytes(plan, options.asked, soundness.report(plan.tensors));
      made.push(RECORD);
      await writeFile(options.folder, RECORD, bytes);
      writtenBytes += bytes.length;
    }
    throwIfAborted(signal);
    isWhole = true;
    await journal?.remove();
  }

  // Cancelled before it began, it has to leave as little as any other.
  if (options.signal?.aborted === true) stop();
  const production = produce();
  try {
    await Promise.race([production, writer.failed, failed, cancelled]);
  } catch (error) {
    inner.abort(error);
    budget.cancel();
    // While the journal is removed it is too late to stop or to cancel: the result is whole, and is neither left nor taken back.
    const isDone = isWhole && (await settledWell(production));
    if (!isDone) {
      const cancelled = options.signal?.aborted === true && isAbort(options.signal.reason);
      // A device that was caught computing wrongly may have done so before, whatever is finished.
      const distrusted = error instanceof DeviceTrouble && error.trouble === "wrong";
      if (journal?.hasWork === true && !cancelled && !distrusted) {
        await Promise.allSettled([production, writer.leave()]);
        await journal.close();
      } else {
        await Promise.allSettled([production, writer.abort()]);
        for (const name of made) await options.folder.remove(name);
        await journal?.remove();
      }
      throw options.signal?.aborted === true ? (options.signal.reason ?? error) : clarify(error);
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
    takeBack();
    spare.end();
    watch?.end();
  }
  return {
    readBytes,
    writtenBytes: writtenBytes + sum(headers),
    keptBytes: from.bytes,
    peakBytes: budget.peak,
    seconds: (performance.now() - started - (gate?.closedFor() ?? 0) + pausedBefore) / 1000,
    remarks: remarksOf(plan.method, facts.seen),
    troubles,
    unsound: soundness.report(plan.tensors),
    checked: watch?.checked ?? null,
  };
}

const settledWell = (work: Promise<unknown>) =>
  work.then(
    () => true,
    () => false,
  );

const sum = (sizes: readonly number[]) => sizes.reduce((all, size) => all + size, 0);

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
