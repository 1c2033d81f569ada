/**
 * The browser's places to write: a picked folder, a single picked file, private storage. A writable
 * stream keeps its bytes in a swap file until it is closed, so an aborted file never appears.
 */
import { createOwner } from "../core/bytes/shared.ts";
import type { ByteSink, Folder } from "../core/bytes/sink.ts";
import { messageOf, WeightloomError } from "../core/errors.ts";
import { type Access, type Scribe, scribeHere } from "./scribe.ts";

async function writableSink(handle: FileSystemFileHandle): Promise<ByteSink> {
  const writable = await handle.createWritable();
  const owned = createOwner();
  return {
    name: handle.name,
    write: (bytes) => explain(handle.name, writable.write(owned(bytes))),
    close: () => explain(handle.name, writable.close()),
    abort: () => writable.abort().catch(() => {}),
  };
}

/** A picked directory (or a folder of private storage). */
export function directoryFolder(directory: FileSystemDirectoryHandle): Folder {
  return {
    name: directory.name,
    create: async (name) => {
      const existed = await has(directory, name);
      const handle = await explain(name, directory.getFileHandle(name, { create: true }));
      const sink = await explain(name, writableSink(handle));
      return {
        ...sink,
        abort: async () => {
          await sink.abort();
          // getFileHandle made an empty file of that name; one that was there before is left as it was.
          if (!existed) await directory.removeEntry(name).catch(() => {});
        },
      };
    },
    remove: (name) => directory.removeEntry(name).catch(() => {}),
    sizeOf: (name) => sizeIn(directory, name),
  };
}

const sizeIn = (directory: FileSystemDirectoryHandle, name: string): Promise<number | null> =>
  directory
    .getFileHandle(name)
    .then((handle) => handle.getFile())
    .then(
      ({ size }) => size,
      () => null,
    );

/** One picked file; only the weights go there. */
export function fileFolder(handle: FileSystemFileHandle): Folder {
  return {
    name: handle.name,
    create: () => explain(handle.name, writableSink(handle)),
    remove: async () => {
      // A published file cannot be taken back without a parent; emptying it makes sure it does not look finished.
      const writable = await handle.createWritable();
      await writable.truncate(0);
      await writable.close();
    },
  };
}

/** Bytes worth a write of their own. */
const PIECE = 2 ** 20;
/** The thread that writes has the next at hand while its answer is on the way to a thread that has much else to do. */
const AHEAD = 4;

/**
 * Private storage through synchronous handles, which write in place and fastest: a file that is left has what was written. One that
 * is there already is written over and cut at its end, which spares the system finding room on the disk and in memory.
 */
export function privateFolder(directory: FileSystemDirectoryHandle, scribe: Scribe = scribeHere): Folder {
  async function open(name: string, size: number): Promise<ByteSink | null> {
    const handle = await explain(name, directory.getFileHandle(name, { create: true }));
    const access = await explain(name, scribe.open(handle, size));
    return access === null ? null : privateSink(directory, name, access, size);
  }
  return {
    name: directory.name,
    create: async (name) => {
      const sink = await open(name, 0);
      if (sink === null) throw new Error("Internal error: a file has less than nothing.");
      return sink;
    },
    remove: (name) => directory.removeEntry(name).catch(() => {}),
    sizeOf: (name) => sizeIn(directory, name),
    reopen: open,
  };
}

function privateSink(directory: FileSystemDirectoryHandle, name: string, access: Access, start: number): ByteSink {
  let at = start;
  const full = () =>
    new WeightloomError(
      "FileError",
      `${name}: private storage is full. Free some disk space or save to a folder instead.`,
    );
  /** In a private window Chromium may say that it wrote what it had no room for. */
  const settle = async () => {
    const wanted = at;
    if ((await access.flush()) < wanted) throw full();
  };
  return {
    name,
    enough: PIECE,
    ahead: AHEAD,
    write: async (bytes) => {
      const from = at;
      at += bytes.length;
      for (let done = 0; done < bytes.length; ) {
        const wrote = await explain(name, access.write(bytes.subarray(done), from + done));
        if (wrote === 0) throw full();
        done += wrote;
      }
    },
    sync: () => explain(name, settle()),
    close: async () => {
      // What an earlier result had beyond this one's end.
      await explain(name, access.cut(at));
      await explain(name, settle());
      await access.close();
    },
    abort: async () => {
      await access.close().catch(() => {});
      await directory.removeEntry(name).catch(() => {});
    },
    leave: async () => {
      await access.flush();
      await access.close();
    },
  };
}

/** A fresh folder inside a picked one, so that nothing of the person's is overwritten: name, name-2, ... */
export async function freshFolder(parent: FileSystemDirectoryHandle, name: string): Promise<FileSystemDirectoryHandle> {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${name}-${n}`;
    if (await hasFolder(parent, candidate)) continue;
    return parent.getDirectoryHandle(candidate, { create: true });
  }
}

async function has(directory: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  return directory.getFileHandle(name).then(
    () => true,
    () => false,
  );
}

async function hasFolder(directory: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  return directory.getDirectoryHandle(name).then(
    () => true,
    (error: unknown) => error instanceof DOMException && error.name === "TypeMismatchError",
  );
}

/** Says which file it was and what to do, whatever the platform threw. */
async function explain<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof WeightloomError || (error instanceof Error && error.name === "AbortError")) throw error;
    const full = error instanceof Error && error.name === "QuotaExceededError";
    const advice = full
      ? "The disk or the browser's allowance is full: free some space"
      : "Check that the folder still exists and may be written";
    throw new WeightloomError(
      "FileError",
      `${name}: writing failed (${messageOf(error)}). ${advice}, then merge again.`,
      { cause: error },
    );
  }
}
