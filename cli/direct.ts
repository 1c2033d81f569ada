/**
 * Whole pages of a file, written past the system's cache. What goes through the cache is copied, page by page, into memory
 * that the system has to find first, and lies there when the merge is done and waits for the disk; a gigabyte takes half a
 * second of two processors that way. Past it the disk fetches the pages from where they are.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { isShared } from "../core/bytes/shared.ts";
import { codeOf } from "../core/errors.ts";
import { DISK_PAGE } from "../core/run/spares.ts";

export interface Direct {
  /**
   * Writes what can be written this way of bytes that go to offset `at` of the file: the whole pages among them, if they are
   * pages of memory too.
   * @returns which of the bytes were: none where `from` is `to`
   */
  write(bytes: Uint8Array<ArrayBuffer>, at: number): Promise<{ readonly from: number; readonly to: number }>;
  close(): Promise<void>;
}

/** Less is quicker through the cache, which answers before the disk does. */
const LEAST = 256 * 1024;
const NONE = { from: 0, to: 0 };

/** Beside another handle of the same file, for the bytes around the pages. Where the file system knows no such way, nothing is written. */
export function directWriter(path: string, openFile: typeof open = open): Direct {
  let handle: Promise<FileHandle | null> | null = null;
  // Elsewhere the flag is not there, or means something else.
  let isPossible = process.platform === "linux";

  /** Null where it cannot be opened this way: if anything else is wrong the other handle will tell. */
  const opened = () => {
    handle ??= openFile(path, constants.O_WRONLY | constants.O_DIRECT).catch(() => null);
    return handle;
  };

  return {
    write: async (bytes, at) => {
      const from = (DISK_PAGE - (at % DISK_PAGE)) % DISK_PAGE;
      const to = bytes.length - ((at + bytes.length) % DISK_PAGE);
      // Memory that threads share begins with a page; of other memory only the system knows.
      const arePages = isShared(bytes) && (bytes.byteOffset + from) % DISK_PAGE === 0;
      if (!isPossible || !arePages || to - from < LEAST) return NONE;
      try {
        const file = await opened();
        if (file !== null)
          return { from, to: from + (await file.write(bytes, from, to - from, at + from)).bytesWritten };
      } catch (error) {
        // Larger pages are asked for, or another kind of memory.
        if (codeOf(error) !== "EINVAL") throw error;
      }
      isPossible = false;
      return NONE;
    },
    close: async () => {
      await (await handle)?.close();
      handle = null;
    },
  };
}
