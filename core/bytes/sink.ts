/**
 * Where bytes go. Sequential, because the plan fixed every offset beforehand. `close` publishes;
 * `abort` leaves nothing behind that looks finished. Error paths abort, never close.
 */
export interface ByteSink {
  readonly name: string;
  /** Bytes worth a write of their own; 8 MiB when absent. Smaller pieces are gathered. */
  readonly enough?: number;
  /** Writes it takes before the first of them is answered, in order; one when absent. */
  readonly ahead?: number;
  /** Resolves when the bytes are taken and their memory may be used again. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
  /** Resolves when what was written would survive a power cut. */
  sync?(): Promise<void>;
  /** Writing goes on while a sync is waited for, so that syncing all the time costs nothing and leaves little for the end. */
  readonly syncsAside?: boolean;
  /** Lets go of the file as it is, for `Folder.reopen`. Where it is absent, an unfinished file can only be aborted. */
  leave?(): Promise<void>;
}

/** A place that holds named files: a folder on disk, a picked directory, private storage. */
export interface Folder {
  readonly name: string;
  /** Opens a new file for writing. A name that exists is replaced only when the sink closes. */
  create(name: string): Promise<ByteSink>;
  /** Removes a file if it is there, finished or left. */
  remove(name: string): Promise<void>;
  /** Bytes of a finished file; null where there is none. Without it, nothing can be resumed in this folder. */
  sizeOf?(name: string): Promise<number | null>;
  /** Goes on with a file that was left, cut to its first `size` bytes; null where it has fewer. */
  reopen?(name: string, size: number): Promise<ByteSink | null>;
}

/** Collects a folder's files in memory; for tests and for outputs of a few kilobytes. */
export function memoryFolder(name = "memory"): Folder & {
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
  /** Those that were left unfinished. */
  readonly left: Map<string, Uint8Array<ArrayBuffer>>;
} {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const left = new Map<string, Uint8Array<ArrayBuffer>>();
  const sinkOf = (file: string, parts: Uint8Array<ArrayBuffer>[]): ByteSink => ({
    name: file,
    write: async (bytes) => {
      parts.push(bytes.slice());
    },
    close: async () => {
      files.set(file, join(parts));
    },
    abort: async () => {
      parts.length = 0;
    },
    sync: async () => {},
    leave: async () => {
      left.set(file, join(parts));
    },
  });
  return {
    name,
    files,
    left,
    create: async (file) => sinkOf(file, []),
    remove: async (file) => {
      files.delete(file);
      left.delete(file);
    },
    sizeOf: async (file) => files.get(file)?.length ?? null,
    reopen: async (file, size) => {
      const bytes = left.get(file);
      if (bytes === undefined || bytes.length < size) return null;
      left.delete(file);
      return sinkOf(file, [bytes.slice(0, size)]);
    },
  };
}

/** One array out of many, in order. */
export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
