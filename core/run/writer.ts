/**
 * Writes the planned weight files in order: header first, bytes forward. Takes promises of chunks, so
 * that work may finish in any order while the file grows in one. Small chunks are gathered.
 */

import type { ByteSink, Folder } from "../bytes/sink.ts";
import type { Clock } from "../clock.ts";
import { abortError } from "../errors.ts";
import type { FilePlan } from "../plan/plan.ts";
import type { Marks } from "./marks.ts";
import type { Beginning } from "./resume.ts";

const GATHER = 8 * 1024 * 1024;

export interface Chunk {
  readonly file: number;
  readonly bytes: Promise<Uint8Array<ArrayBuffer>>;
  /** With it, so many tensors of the plan are complete; absent inside a tensor. */
  readonly tensors?: number | undefined;
  /** Called once the chunk is on its way to the disk. */
  readonly done: (bytes: number) => void;
  /** Called once it is there, and its memory may be used again. */
  readonly spent: (bytes: Uint8Array<ArrayBuffer>) => void;
}

export interface Writer {
  push(chunk: Chunk): void;
  /** No more chunks; resolves when all files are closed. */
  end(): Promise<void>;
  /** Rejects as soon as a chunk or a write fails. */
  readonly failed: Promise<never>;
  /** Aborts the open file and removes those already closed, by earlier runs too. */
  abort(): Promise<void>;
  /** Stops where it is; what the marks claim stays, for another run to go on with. */
  leave(): Promise<void>;
}

export interface WriterOptions {
  readonly clock?: Clock | undefined;
  /** What was written by earlier runs. */
  readonly from?: Pick<Beginning, "files" | "sink" | "tensors"> | undefined;
  /** Told of what is finished. */
  readonly marks?: Marks | undefined;
}

export function createWriter(
  files: readonly FilePlan[],
  folder: Folder,
  { clock, from = { files: 0, sink: null, tensors: 0 }, marks }: WriterOptions = {},
): Writer {
  const queue: Chunk[] = [];
  const closed = files.slice(0, from.files).map(({ name }) => name);
  let wake = () => {};
  let ended = false;
  let aborted = false;
  let sink = from.sink;
  let current = sink === null ? from.files - 1 : from.files;
  let tensors = from.tensors;
  let pending: { bytes: Uint8Array<ArrayBuffer>; spent: Chunk["spent"] }[] = [];
  let pendingBytes = 0;
  /** Where small chunks are put together, when nobody writes from there. */
  const together: Uint8Array<ArrayBuffer>[] = [];
  /** Writes that are not answered, oldest first. */
  const under: Promise<void>[] = [];

  function joined(parts: readonly Uint8Array<ArrayBuffer>[], bytes: number): Uint8Array<ArrayBuffer> {
    const idle = together.pop();
    const room = idle === undefined || idle.length < bytes ? new Uint8Array(bytes) : idle;
    let at = 0;
    for (const part of parts) {
      room.set(part, at);
      at += part.length;
    }
    return room;
  }

  async function written(sink: ByteSink, gathered: typeof pending, length: number): Promise<void> {
    const parts = gathered.map(({ bytes }) => bytes);
    const whole = parts.length === 1 ? parts[0]! : joined(parts, length);
    const ended = clock?.begin("write", length);
    await sink.write(whole.subarray(0, length));
    ended?.();
    if (parts.length > 1) together.push(whole);
    for (const { bytes, spent } of gathered) spent(bytes);
  }

  async function flush(): Promise<void> {
    if (pendingBytes === 0 || sink === null) return;
    const write = written(sink, pending, pendingBytes);
    write.catch(() => {});
    under.push(write);
    [pending, pendingBytes] = [[], 0];
    while (under.length >= (sink.ahead ?? 1)) await under.shift();
  }

  /** Resolves when the sink has all there is. */
  async function settle(): Promise<void> {
    await flush();
    while (under.length > 0) await under.shift();
  }

  async function close(): Promise<void> {
    if (sink === null) return;
    await settle();
    if (aborted) throw abortError();
    const ended = clock?.begin("write");
    await marks?.last(tensors, sink);
    await sink.close();
    closed.push(files[current]!.name);
    sink = null;
    await marks?.files(current + 1);
    ended?.();
  }

  async function openUpTo(file: number): Promise<void> {
    while (current < file) {
      await close();
      current++;
      const plan = files[current];
      if (plan === undefined) throw new Error("Internal error: a chunk for a file that was not planned.");
      sink = await folder.create(plan.name);
      await gather(plan.header, () => {});
    }
  }

  async function gather(bytes: Uint8Array<ArrayBuffer>, spent: Chunk["spent"]): Promise<void> {
    const enough = sink?.enough ?? GATHER;
    // What is enough by itself is not copied together with what came before.
    if (bytes.length >= enough) await flush();
    pending.push({ bytes, spent });
    pendingBytes += bytes.length;
    if (pendingBytes >= enough) await flush();
  }

  async function complete(count: number): Promise<void> {
    tensors = count;
    // What cannot be reopened is finished when it is closed, not before.
    if (sink?.sync === undefined || marks?.due(sink) !== true) return;
    await settle();
    marks.tensors(tensors, sink);
  }

  async function loop(): Promise<void> {
    for (;;) {
      if (aborted) throw abortError();
      const chunk = queue.shift();
      if (chunk === undefined) {
        if (ended) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const bytes = await chunk.bytes;
      await openUpTo(chunk.file);
      await gather(bytes, chunk.spent);
      chunk.done(bytes.length);
      if (chunk.tensors !== undefined) await complete(chunk.tensors);
    }
    await openUpTo(files.length - 1);
    await close();
  }

  async function stop(): Promise<void> {
    aborted = true;
    wake();
    await finished.catch(() => {});
  }

  const finished = loop();
  const failed = finished.then(() => new Promise<never>(() => {}));
  failed.catch(() => {});

  return {
    push: (chunk) => {
      chunk.bytes.catch(() => {});
      queue.push(chunk);
      wake();
    },
    end: () => {
      ended = true;
      wake();
      return finished;
    },
    failed,
    abort: async () => {
      await stop();
      await sink?.abort();
      for (const name of closed) await folder.remove(name);
    },
    leave: async () => {
      await stop();
      await (sink?.leave ?? sink?.abort)?.();
    },
  };
}
