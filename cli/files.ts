/**
 * Node's hands: files as byte sources and a folder as a place to write. A file is written under a
 * `.partial` name and renamed when it is closed, so nothing unfinished carries a finished name.
 */
import { existsSync, fstatSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { ByteSink, Folder } from "../core/bytes/sink.ts";
import { type ByteSource, checkRange } from "../core/bytes/source.ts";
import { codeOf, messageOf, throwIfAborted, WeightloomError } from "../core/errors.ts";
import { directWriter } from "./direct.ts";

/** A file on disk, opened at the first read; any number of reads may be under way. */
export async function fileSource(path: string): Promise<ByteSource> {
  const { size: whole, mtimeNs } = await stat(path, { bigint: true });
  const size = Number(whole);
  const name = basename(path);
  let handle: Promise<FileHandle> | null = null;
  /** A file that changes while it is merged would end up half old, half new. Asked without a detour: a thread of the pool would take 15 times as long. */
  function checkUnchanged(file: FileHandle): void {
    const now = fstatSync(file.fd, { bigint: true });
    if (now.size === whole && now.mtimeNs === mtimeNs) return;
    throw new WeightloomError(
      "FileError",
      `${name} changed while it was being read: it had ${size.toLocaleString("en")} bytes of ${timeOf(mtimeNs)} and has ${now.size.toLocaleString("en")} of ${timeOf(now.mtimeNs)}. Let whatever writes it finish, then start again.`,
    );
  }
  return {
    name,
    size,
    version: String(mtimeNs),
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
          checkUnchanged(file);
          throw new WeightloomError(
            "FileError",
            `${name}: ended at byte ${(range.start + filled).toLocaleString("en")} while being read, though it has ${size.toLocaleString("en")} bytes. Check the disk it lies on.`,
          );
        }
        filled += bytesRead;
      }
      checkUnchanged(file);
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

/** In a folder that has this file lies an unfinished model, whatever else lies there. */
export const JOURNAL = ".weightloom-journal";
export const isUnfinished = (folder: string): boolean => existsSync(join(folder, JOURNAL));

export function refuseUnfinished(folder: string): void {
  if (!isUnfinished(folder)) return;
  throw new WeightloomError(
    "FileError",
    `${folder} holds a merge that is not finished. Give the command that began it again, with --resume.`,
  );
}

/** The files directly in a folder, or the one file a path names, by name. */
export async function filesAt(path: string): Promise<Map<string, ByteSource>> {
  const info = await stat(path);
  if (!info.isDirectory()) return new Map([[basename(path), await fileSource(path)]]);
  refuseUnfinished(path);
  const files = new Map<string, ByteSource>();
  for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.endsWith(".partial")) continue;
    const full = join(path, entry.name);
    if ((await stat(full)).isFile()) files.set(entry.name, await fileSource(full));
  }
  return files;
}

/** A folder on disk, made when the first file is. What is closed in it is on the disk for certain. */
export function diskFolder(path: string): Folder {
  return {
    name: basename(path),
    create: async (name) => {
      await makeFolder(path).catch((cause: unknown) => {
        throw cannotWrite(path, cause);
      });
      return diskSink(path, name, await openFile(path, name, "w"));
    },
    remove: async (name) => {
      await rm(join(path, name), { force: true });
      await rm(partialOf(path, name), { force: true });
    },
    sizeOf: (name) =>
      stat(join(path, name)).then(
        (info) => (info.isFile() ? info.size : null),
        () => null,
      ),
    reopen: async (name, size) => {
      const left = await stat(partialOf(path, name)).catch(() => null);
      if (left === null || left.size < size) return null;
      const file = await openFile(path, name, "r+");
      await file.truncate(size);
      return diskSink(path, name, file, size);
    },
  };
}

const partialOf = (path: string, name: string) => `${join(path, name)}.partial`;

const openFile = (path: string, name: string, how: "w" | "r+"): Promise<FileHandle> =>
  open(partialOf(path, name), how).catch((cause: unknown) => {
    throw cannotWrite(join(path, name), cause);
  });

const cannotWrite = (path: string, cause: unknown) =>
  new WeightloomError("FileError", `${path} cannot be written (${messageOf(cause)}). Choose another output folder.`, {
    cause,
  });

/** All of the bytes, from offset `at` of the file on; the system may take them in parts. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

/** @param start where the next byte goes */
function diskSink(path: string, name: string, file: FileHandle, start = 0): ByteSink {
  const final = join(path, name);
  const direct = directWriter(partialOf(path, name));
  let at = start;
  let isNamed = false;
  const explained = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (cause) {
      throw writingFailed(final, cause);
    }
  };
  async function closeBoth(): Promise<void> {
    await direct.close();
    await file.close();
  }
  return {
    name,
    enough: 512 * 1024,
    syncsAside: true,
    write: (bytes) =>
      explained(
        (async () => {
          const pages = await direct.write(bytes, at);
          await writeAll(file, bytes.subarray(0, pages.from), at);
          await writeAll(file, bytes.subarray(pages.to), at + pages.to);
          at += bytes.length;
        })(),
      ),
    sync: () =>
      explained(
        (async () => {
          // A new file's bytes are worth nothing without its name.
          await Promise.all([file.datasync(), ...(isNamed ? [] : [syncFolder(path)])]);
          isNamed = true;
        })(),
      ),
    close: () =>
      explained(
        (async () => {
          await file.datasync();
          await closeBoth();
          await rename(partialOf(path, name), final);
          await syncFolder(path);
        })(),
      ),
    abort: async () => {
      await closeBoth().catch(() => {});
      await rm(partialOf(path, name), { force: true });
    },
    leave: () => closeBoth().catch(() => {}),
  };
}

/** Makes a folder and those above it that are missing. Their names, too, are on the disk for certain. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let above = dirname(resolve(path)); ; above = dirname(above)) {
    await syncFolder(above);
    if (above === top || above === dirname(above)) return;
  }
}

/** A rename survives a power cut once the folder it happened in is on the disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows does not open folders, and needs none of this.
  const folder = await open(path, "r").catch(() => null);
  try {
    await folder?.sync();
  } catch (error) {
    if (!["EINVAL", "EPERM", "EISDIR"].includes(codeOf(error))) throw error;
  } finally {
    await folder?.close();
  }
}

export const writingFailed = (path: string, cause: unknown) =>
  new WeightloomError("FileError", `${path}: writing failed. ${reasonOf(cause)}`, { cause });

/** Why writing failed, and what to do. */
function reasonOf(cause: unknown): string {
  switch (codeOf(cause)) {
    case "ENOSPC":
    case "EDQUOT":
      return "The disk is full: free some space, or choose a folder on another disk.";
    case "ENOENT":
      return "The folder is not there any more: somebody removed or renamed it.";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `The folder may not be written any more (${messageOf(cause)}): give the permission back.`;
    case "EIO":
      return `The disk reports an error (${messageOf(cause)}): check it, or choose a folder on another one.`;
    default:
      return `${messageOf(cause)}. Check the disk, or choose another folder.`;
  }
}

/** Nanoseconds since 1970 as a date. */
const timeOf = (nanoseconds: bigint) =>
  new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, 19).replace("T", " ");
