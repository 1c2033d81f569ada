/**
 * Node's hands: files as byte sources and a folder as a place to write. A file is written under a
 * `.partial` name and renamed when it is closed, so nothing unfinished carries a finished name.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Folder } from "../core/bytes/sink.ts";
import { type ByteSource, checkRange } from "../core/bytes/source.ts";
import { messageOf, throwIfAborted, WeightloomError } from "../core/errors.ts";

/** A file on disk, opened at the first read; any number of reads may be under way. */
export async function fileSource(path: string): Promise<ByteSource> {
  const { size } = await stat(path);
  const name = basename(path);
  let handle: Promise<FileHandle> | null = null;
  return {
    name,
    size,
    read: async (range, signal, into) => {
      checkRange(name, size, range);
      throwIfAborted(signal);
      handle ??= open(path, "r");
      const file = await handle;
      const length = range.end - range.start;
      const bytes = into !== undefined && into.length >= length ? into.subarray(0, length) : new Uint8Array(length);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, range.start + filled);
        if (bytesRead === 0) {
          throw new WeightloomError(
            "FileError",
            `${name}: ended at byte ${(range.start + filled).toLocaleString("en")} while being read, though it had ${size.toLocaleString("en")} bytes before. It changed during the merge: start again.`,
          );
        }
        filled += bytesRead;
      }
      return bytes;
    },
    close: async () => {
      await (await handle)?.close();
      handle = null;
    },
  };
}

/** Gives back the descriptors of many sources. */
export async function closeAll(sources: Iterable<ByteSource>): Promise<void> {
  for (const source of sources) await source.close?.();
}

/** The files directly in a folder, or the one file a path names, by name. */
export async function filesAt(path: string): Promise<Map<string, ByteSource>> {
  const info = await stat(path);
  if (!info.isDirectory()) return new Map([[basename(path), await fileSource(path)]]);
  const files = new Map<string, ByteSource>();
  for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.endsWith(".partial")) continue;
    const full = join(path, entry.name);
    if ((await stat(full)).isFile()) files.set(entry.name, await fileSource(full));
  }
  return files;
}

/** A folder on disk, made when the first file is. */
export function diskFolder(path: string): Folder {
  return {
    name: basename(path),
    create: async (name) => {
      await mkdir(path, { recursive: true });
      const final = join(path, name);
      const partial = `${final}.partial`;
      const file = await open(partial, "w").catch((cause: unknown) => {
        throw new WeightloomError(
          "FileError",
          `${final} cannot be written (${messageOf(cause)}). Choose another output folder.`,
          { cause },
        );
      });
      return {
        name,
        enough: 512 * 1024,
        write: async (bytes) => {
          let written = 0;
          while (written < bytes.length) {
            written += (await file.write(bytes, written, bytes.length - written)).bytesWritten;
          }
        },
        close: async () => {
          await file.close();
          await rename(partial, final);
        },
        abort: async () => {
          await file.close().catch(() => {});
          await rm(partial, { force: true });
        },
      };
    },
    remove: (name) => rm(join(path, name), { force: true }),
  };
}
