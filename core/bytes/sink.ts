/**
 * Where bytes go. Sequential, because the plan fixed every offset beforehand. `close` publishes;
 * `abort` leaves nothing behind that looks finished. Error paths abort, never close.
 */
export interface ByteSink {
  readonly name: string;
  /** Bytes worth a write of their own; 8 MiB when absent. Smaller pieces are gathered. */
  readonly enough?: number;
  /** Resolves when the bytes are taken and their memory may be used again. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** A place that holds named files: a folder on disk, a picked directory, private storage. */
export interface Folder {
  readonly name: string;
  /** Opens a new file for writing. A name that exists is replaced only when the sink closes. */
  create(name: string): Promise<ByteSink>;
  /** Removes a file if it is there. */
  remove(name: string): Promise<void>;
}

/** Collects a folder's files in memory; for tests and for outputs of a few kilobytes. */
export function memoryFolder(name = "memory"): Folder & { readonly files: Map<string, Uint8Array<ArrayBuffer>> } {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    name,
    files,
    create: async (file) => {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      return {
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
      };
    },
    remove: async (file) => {
      files.delete(file);
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
