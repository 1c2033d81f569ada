/**
 * A File or Blob as a source of bytes. Every slice of a file is opened, checked and piped from another process, which
 * takes longer than the bytes themselves: so where a run has said what it will read, what lies side by side is read as one
 * stream, from which each read takes its bytes in turn, into memory that is there already. Whatever else is read is sliced.
 */
import { messageOf, WeightloomError } from "../errors.ts";
import { holding } from "./held.ts";
import { isShared } from "./shared.ts";
import { type ByteRange, type ByteSource, checkRange } from "./source.ts";

/** Bytes of a stream that are on their way into memory that threads share, which no stream reads into. */
const STAGED = 2 ** 20;

/** Shorter spans are sliced: a stream takes longer to open than they to read, and what is read as one goes on meanwhile. */
const SHORT = 64 * 1024;

/** Announced spans that are looked through for the one that a read begins; a run reads in order, or nearly so. */
const NEAR = 64;

export function fromBlob(name: string, blob: Blob): ByteSource {
  let spans: ByteRange[] = [];
  /** Spans before this one have been read or passed over. */
  let next = 0;
  let flow: Flow | null = null;

  /** The stream that has the range next, opened where an announced span begins. */
  function flowFor({ start, end }: ByteRange): Flow | null {
    if (flow !== null && flow.next === start && end <= flow.last) return flow;
    const near = spans.slice(next, next + NEAR).findIndex((span) => span.start === start && end <= span.end);
    if (near < 0) return null;
    next += near + 1;
    const span = spans[next - 1]!;
    if (span.end - span.start < SHORT) return null;
    // A run reads ahead: what was asked of the stream before is still on its way.
    flow?.end();
    flow = openFlow(blob, span);
    return flow;
  }

  async function slice({ start, end }: ByteRange, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    signal?.throwIfAborted();
    try {
      const bytes = new Uint8Array(await blob.slice(start, end).arrayBuffer());
      if (bytes.length !== end - start) throw new Error(`got ${bytes.length.toLocaleString("en")} bytes`);
      return bytes;
    } catch (cause) {
      throw new WeightloomError(
        "FileError",
        `${name}: reading bytes ${start.toLocaleString("en")} to ${end.toLocaleString("en")} failed (${messageOf(cause)}). ` +
          "The file may have changed or moved since it was opened: add it again.",
        { cause },
      );
    }
  }

  function forget(): void {
    [spans, next] = [[], 0];
    flow?.stop();
    flow = null;
  }

  return {
    name,
    size: blob.size,
    ...(blob instanceof File ? { version: String(blob.lastModified) } : {}),
    read: async (range, signal, into) => {
      checkRange(name, blob.size, range);
      signal?.throwIfAborted();
      const found = flowFor(range);
      if (found === null) return slice(range, signal);
      return found.read(range.end - range.start, into).catch(() => {
        // A stream that broke says little of why; a slice does.
        if (flow === found) flow = null;
        found.stop();
        return slice(range, signal);
      });
    },
    expect: (ranges) => {
      if (ranges === null) return forget();
      for (const { start, end } of ranges) {
        const last = spans.length > next ? spans.at(-1) : undefined;
        if (last?.end === start) spans[spans.length - 1] = { start: last.start, end };
        else spans.push({ start, end });
      }
    },
    close: async () => forget(),
  };
}

/** A stretch of a blob, read forward. */
interface Flow {
  /** Offset of what the next read will get. */
  readonly next: number;
  /** Where it ends. */
  readonly last: number;
  /** The next bytes, in `into` where they fit. Reads take their turns. */
  read(length: number, into?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** Gives the stream back once what was asked for is there. */
  end(): void;
  /** Gives it back at once: reads that wait are rejected. */
  stop(): void;
}

/** Null where blobs have no streams that read into given memory. */
function openFlow(blob: Blob, { start, end }: ByteRange): Flow | null {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = blob.slice(start, end).stream().getReader({ mode: "byob" });
  } catch {
    return null;
  }
  let next = start;
  let line: Promise<unknown> = Promise.resolve();

  let staged = new ArrayBuffer(0);

  /** The next part of the stream, at most `length` bytes, in memory that passes to the stream and back. */
  async function part(buffer: ArrayBuffer, from: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const { value } = await reader.read(new Uint8Array(buffer, from, length));
    if (value === undefined || value.length === 0) throw new Error("the stream ended early");
    return value as Uint8Array<ArrayBuffer>;
  }

  async function fill(length: number, into: Uint8Array<ArrayBuffer> | undefined): Promise<Uint8Array<ArrayBuffer>> {
    if (into !== undefined && isShared(into) && into.length >= length) {
      if (staged.byteLength === 0) staged = new ArrayBuffer(Math.min(STAGED, end - start));
      for (let done = 0; done < length; ) {
        const bytes = await part(staged, 0, Math.min(staged.byteLength, length - done));
        into.set(bytes, done);
        staged = bytes.buffer;
        done += bytes.length;
      }
      return into.subarray(0, length);
    }
    let buffer = into !== undefined && into.byteLength >= length ? into.buffer : new ArrayBuffer(length);
    const from = into?.buffer === buffer ? into.byteOffset : 0;
    for (let done = 0; done < length; ) {
      const bytes = await part(buffer, from + done, length - done);
      buffer = bytes.buffer;
      done += bytes.length;
    }
    return new Uint8Array(buffer, from, length);
  }

  const stop = () => void reader.cancel().catch(() => {});

  return {
    get next() {
      return next;
    },
    last: end,
    read: (length, into) => {
      next += length;
      const turn = line.then(() => holding(reader, fill(length, into)));
      line = turn.catch(() => {});
      return turn;
    },
    end: () => void line.then(stop),
    stop,
  };
}
