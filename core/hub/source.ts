/** A file of the Hub as a source of bytes. Beginnings and small files are fetched once; what a run announced comes from ahead. */
import { type ByteSource, checkRange } from "../bytes/source.ts";
import type { Ahead } from "./ahead.ts";
import type { Fill, RemoteFile } from "./stretch.ts";

/** Files up to this are fetched whole and kept. */
const SMALL = 256 * 1024;
/** A shard's header is mostly shorter than this; it is fetched with the first eight bytes, which say how long it is. */
const HEAD = 64 * 1024;

/** Lets so many do something at once; the others wait in line. */
export type Lanes = <T>(work: () => Promise<T>) => Promise<T>;

export function createLanes(count: number): Lanes {
  let free = count;
  const line: (() => void)[] = [];
  return async (work) => {
    if (free === 0) await new Promise<void>((next) => line.push(next));
    else free--;
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

export interface HubSource extends ByteSource {
  readonly file: RemoteFile;
  /** Fetches the beginning, so that what reads it soon need not wait. */
  warm(signal?: AbortSignal): Promise<void>;
}

export function hubSource(file: RemoteFile, fill: Fill, ahead: Ahead, lanes: Lanes): HubSource {
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  const { size } = file;
  const first = size <= SMALL ? size : HEAD;
  let beginning: Promise<Uint8Array<ArrayBuffer>> | null = null;

  async function direct(start: number, end: number, signal?: AbortSignal, into?: Uint8Array<ArrayBuffer>) {
    const length = end - start;
    const out = into !== undefined && into.length >= length ? into.subarray(0, length) : new Uint8Array(length);
    await lanes(() => fill(out, start, { signal }));
    return out;
  }

  function begin(signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    beginning ??= direct(0, first, signal).catch((error: unknown) => {
      // What failed or was cancelled is no answer for the next.
      beginning = null;
      throw error;
    });
    return beginning;
  }

  return {
    file,
    name,
    size,
    version: file.content ?? file.commit,
    isFar: true,
    warm: async (signal) => {
      await begin(signal);
    },
    read: async (range, signal, into) => {
      checkRange(name, size, range);
      signal?.throwIfAborted();
      const { start, end } = range;
      if (start === end) return new Uint8Array(0);
      if (end <= first && (beginning !== null || start === 0)) {
        const bytes = await begin(signal);
        // After the header there is nothing at the beginning that would be read again soon.
        if (first < size && start > 0) beginning = null;
        return bytes.slice(start, end);
      }
      return ahead.take(fill, range, signal, into) ?? direct(start, end, signal, into);
    },
    expect: (ranges) => {
      ahead.expect(fill, ranges);
    },
  };
}
