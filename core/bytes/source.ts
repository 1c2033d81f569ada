/**
 * Where bytes come from. Two members and a read; anything that wraps a source is itself a source.
 */
import { WeightloomError } from "../errors.ts";

/** Byte offsets; `end` is exclusive. Offsets past 2^32 are ordinary. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface ByteSource {
  /** What to call it in a sentence: a file name, not a path. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /**
   * What tells these bytes from later ones under the same name and of the same size: when the file was changed last, an
   * etag. Absent where they cannot change, or nobody can tell.
   */
  readonly version?: string;
  /**
   * Reads exactly the range into memory the caller then owns, or rejects with a FileError. `into` is memory that may
   * be used for it when it is large enough; a source that brings its own ignores it.
   */
  read(range: ByteRange, signal?: AbortSignal, into?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Ranges that are going to be read, in the order of reading, after those announced before; null: no more than was read
   * until now. A source that is far away downloads ahead; wrappers pass it on to what they wrap. It binds nobody.
   */
  expect?(ranges: readonly ByteRange[] | null): void;
  /** Each read takes a request over a network: better a whole tensor more than many small parts of it. */
  readonly isFar?: boolean;
  /** Gives back file descriptors and the like. Reading after it is an error. */
  close?(): Promise<void>;
}

/** A source over bytes already in memory. */
export function fromBytes(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    read: async (range) => {
      checkRange(name, bytes.length, range);
      return bytes.slice(range.start, range.end) as Uint8Array<ArrayBuffer>;
    },
  };
}

/** Refuses a range outside a source before any byte is touched. */
export function checkRange(name: string, size: number, { start, end }: ByteRange): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start > end || end > size) {
    throw new WeightloomError(
      "FileError",
      `${name}: bytes ${start.toLocaleString("en")} to ${end.toLocaleString("en")} were asked for, but the file has ${size.toLocaleString("en")} bytes. Download it again.`,
    );
  }
}
