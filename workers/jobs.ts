/**
 * Journals of merges in private storage, one file each, whatever the merge writes to. The worker that runs a merge holds its
 * journal open, so nobody else can: that is how another tab knows that a merge is going on, and not left.
 */
import { messageOf, WeightloomError } from "../core/errors.ts";
import { differences, type Identity } from "../core/run/identity.ts";
import {
  createJournal,
  firstLine,
  type Journal,
  type Ledger,
  lineOf,
  type ParsedJournal,
  parseJournal,
} from "../core/run/journal.ts";
import { openPatiently } from "./access.ts";
import type { Left } from "./api.ts";

const FOLDER = "weightloom-jobs";

/** A journal that this worker holds. */
export interface OpenJob {
  readonly left: ParsedJournal | null;
  /**
   * Begins, or goes on where the lines end.
   * @throws FileError or MergeError where what was left is not of the same merge and models
   */
  begin(identity: Identity, about: Readonly<Record<string, string | number>>): Journal;
  /** Whether lines are there for a later run. */
  readonly isKept: boolean;
  /** Lets go of the journal; nothing of one that is not kept stays. */
  release(): Promise<void>;
}

const folderIn = async (storage: FileSystemDirectoryHandle) => storage.getDirectoryHandle(FOLDER, { create: true });

/** Waits a little for a worker that is just being ended. */
const PATIENCE = 5000;
const BRIEF = 1500;

export async function openJob(storage: FileSystemDirectoryHandle, id: string): Promise<OpenJob> {
  const folder = await folderIn(storage);
  const access = await opened(folder, id);
  const left = parseJournal(contentOf(access));
  let isOpen = true;
  let isKept = left !== null;
  let at = left?.length ?? 0;
  const close = () => {
    if (isOpen) access.close();
    isOpen = false;
  };
  const append = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    let wrote = 0;
    try {
      wrote = access.write(bytes, { at });
      access.flush();
    } catch (cause) {
      throw full(messageOf(cause));
    }
    if (wrote < bytes.length || access.getSize() < at + bytes.length) throw full("there is no room for the journal");
    at += bytes.length;
  };
  const ledger: Ledger = {
    append: async (text) => append(text),
    close: async () => close(),
    // It goes when the job is released: a tab that is killed while it checks the result checks it again.
    remove: async () => {
      isKept = false;
    },
  };
  return {
    left,
    get isKept() {
      return isKept;
    },
    begin: (identity, about) => {
      if (left !== null) refuseAnother(left.identity, identity);
      access.truncate(at);
      isKept = true;
      append((left === null ? firstLine(identity) : "") + lineOf({ run: about }));
      return createJournal(ledger, left?.finished);
    },
    release: async () => {
      close();
      if (!isKept) await folder.removeEntry(id).catch(() => {});
    },
  };
}

/** The journal of a merge, which is made where there is none. */
async function opened(folder: FileSystemDirectoryHandle, id: string): Promise<FileSystemSyncAccessHandle> {
  const existed = await folder.getFileHandle(id).then(
    () => true,
    () => false,
  );
  for (;;) {
    const access = await held(await folder.getFileHandle(id, { create: true }), PATIENCE);
    if (typeof access !== "string") return access;
    if (access === "taken")
      throw new WeightloomError(
        "MergeError",
        "This merge is going on in another tab or window. Wait for it, or cancel it there.",
      );
    if (existed)
      throw new WeightloomError(
        "MergeError",
        "This merge was finished, cancelled or discarded in another tab or window meanwhile.",
      );
    // Made a moment ago, and taken by another tab for one that never began.
  }
}

function refuseAnother(before: Identity, now: Identity): void {
  const { sources, wishes } = differences(before, now);
  if (sources.length > 0)
    throw new WeightloomError(
      "FileError",
      `This merge cannot go on, because its models changed since: ${sources.join(" ")} Put them back, or discard it and merge again.`,
    );
  if (wishes.length > 0)
    throw new WeightloomError("MergeError", `This merge cannot go on: ${wishes.join(" ")} Discard it and merge again.`);
}

const full = (why: string) =>
  new WeightloomError(
    "FileError",
    `Private storage cannot be written (${why}). Free some disk space, then go on with the merge.`,
  );

function contentOf(access: FileSystemSyncAccessHandle): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(access.getSize());
  access.read(bytes, { at: 0 });
  return bytes;
}

/** The file, where nobody else holds it or removes it meanwhile. */
async function held(
  handle: FileSystemFileHandle,
  patience: number,
): Promise<FileSystemSyncAccessHandle | "taken" | "gone"> {
  try {
    return await openPatiently(handle, patience);
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    if (name === "NotFoundError") return "gone";
    if (name === "NoModificationAllowedError") return "taken";
    throw error;
  }
}

/** Merges that were left, and the names of those that go on: somebody holds their journals. */
export async function jobsLeft(storage: FileSystemDirectoryHandle): Promise<{ left: Left[]; running: string[] }> {
  const folder = await folderIn(storage);
  const left: Left[] = [];
  const running: string[] = [];
  for await (const handle of folder.values()) {
    if (handle.kind !== "file") continue;
    const access = await held(handle, BRIEF);
    if (access === "taken") running.push(handle.name);
    if (typeof access === "string") continue;
    const parsed = parseJournal(contentOf(access));
    access.close();
    // Killed before the first line was whole.
    if (parsed === null) await folder.removeEntry(handle.name).catch(() => {});
    else left.push({ id: handle.name, ...farOf(parsed) });
  }
  return { left, running };
}

function farOf({ finished, identity }: ParsedJournal): Omit<Left, "id"> {
  const last = finished.runs.at(-1) ?? {};
  const number = (value: unknown) => (typeof value === "number" ? value : 0);
  return {
    folder: String(last.folder ?? ""),
    at: number(last.at),
    tensors: finished.tensors,
    tensorsTotal: number(last.tensors),
    files: finished.files,
    filesTotal: identity.files.filter((name) => name.endsWith(".safetensors")).length,
    rounds: finished.rounds.length,
    models: [...new Set(identity.inputs.map(({ model }) => model))],
  };
}

export async function forgetJob(storage: FileSystemDirectoryHandle, id: string): Promise<void> {
  const folder = await folderIn(storage);
  await folder.removeEntry(id).catch(() => {});
}
