/**
 * Files and folders, by whatever means the browser has. Pickers are looked up when they are used, so that a page
 * without them falls back to inputs for reading and to private storage for writing.
 */
import { type Found, type FoundFile, groupModels, type Origin } from "./found.ts";

export const canPickFolders = (): boolean => typeof window.showDirectoryPicker === "function";
export const canPickFiles = (): boolean => typeof window.showSaveFilePicker === "function";

/** Every file below a folder; hidden ones are passed over. */
export async function filesBelow(directory: FileSystemDirectoryHandle, prefix = ""): Promise<FoundFile[]> {
  const files: FoundFile[] = [];
  const handles: (FileSystemFileHandle | FileSystemDirectoryHandle)[] = [];
  for await (const handle of directory.values()) if (!handle.name.startsWith(".")) handles.push(handle);
  // Browsers list a folder in any order; people expect that of the names.
  handles.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  for (const handle of handles) {
    const path = `${prefix}${handle.name}`;
    if (handle.kind === "file") files.push({ path, file: await handle.getFile() });
    else files.push(...(await filesBelow(handle, `${path}/`)));
  }
  return files;
}

/** The models below a folder; a folder of folders holds several. */
export async function modelsBelow(directory: FileSystemDirectoryHandle): Promise<Found[]> {
  const groups = groupModels(await filesBelow(directory, `${directory.name}/`));
  return groups.map((group) => ({ ...group, origin: { kind: "folder", handle: directory } }));
}

/** What was dropped: handles where the browser gives them, else plain files. */
export async function modelsDropped(transfer: DataTransfer): Promise<Found[]> {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  // Handles must be asked for before anything is awaited; the list is empty afterwards.
  const asked = items.map((item) => item.getAsFileSystemHandle?.() ?? null);
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...transfer.files];
  if (asked.every((one) => one !== null)) return modelsOf((await Promise.all(asked)).filter((one) => one !== null));
  const files: FoundFile[] = [];
  for (const [i, entry] of entries.entries()) {
    const file = plain[i];
    if (entry !== null) files.push(...(await entryFiles(entry)));
    else if (file !== undefined) files.push({ path: file.name, file });
  }
  return groupModels(files).map((group) => ({ ...group, origin: { kind: "none" } }));
}

async function modelsOf(handles: readonly FileSystemHandle[]): Promise<Found[]> {
  const found: Found[] = [];
  const loose: FileSystemFileHandle[] = [];
  for (const handle of handles) {
    if (handle.kind === "directory") found.push(...(await modelsBelow(handle as FileSystemDirectoryHandle)));
    else loose.push(handle as FileSystemFileHandle);
  }
  return [...found, ...(await modelsFrom(loose))];
}

/** Models among loose file handles. */
export async function modelsFrom(handles: readonly FileSystemFileHandle[]): Promise<Found[]> {
  const byName = new Map(handles.map((handle) => [handle.name, handle]));
  const files = await Promise.all(handles.map(async (handle) => ({ path: handle.name, file: await handle.getFile() })));
  return groupModels(files).map((group) => {
    const own = group.files.map(({ path }) => byName.get(path)).filter((handle) => handle !== undefined);
    const origin: Origin = { kind: "files", handles: own };
    return { ...group, origin };
  });
}

function entryFiles(entry: FileSystemEntry): Promise<FoundFile[]> {
  return new Promise((resolve, reject) => {
    const path = entry.fullPath.replace(/^\//, "");
    if (entry.isFile) {
      (entry as FileSystemFileEntry).file((file) => resolve([{ path, file }]), reject);
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    const all: Promise<FoundFile[]>[] = [];
    const more = () =>
      reader.readEntries((some) => {
        if (some.length === 0) void Promise.all(all).then((parts) => resolve(parts.flat()), reject);
        else {
          all.push(...some.map(entryFiles));
          more();
        }
      }, reject);
    more();
  });
}

/** Asks for a folder of models; null when the person changed their mind. */
export async function pickModelFolder(): Promise<Found[] | null> {
  if (canPickFolders()) {
    const directory = await quietly(window.showDirectoryPicker({ id: "models" }));
    return directory === null ? null : modelsBelow(directory);
  }
  return fromInput(true);
}

export async function pickModelFiles(): Promise<Found[] | null> {
  if (typeof window.showOpenFilePicker === "function") {
    const handles = await quietly(window.showOpenFilePicker({ id: "models", multiple: true }));
    return handles === null ? null : modelsFrom(handles);
  }
  return fromInput(false);
}

function fromInput(folder: boolean): Promise<Found[] | null> {
  return new Promise((resolve) => {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.webkitdirectory = folder;
    input.addEventListener("cancel", () => resolve(null));
    input.addEventListener("change", () => {
      const files = [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
      resolve(groupModels(files).map((group) => ({ ...group, origin: { kind: "none" } })));
    });
    input.click();
  });
}

export const pickOutputFolder = (): Promise<FileSystemDirectoryHandle | null> =>
  quietly(window.showDirectoryPicker({ id: "output", mode: "readwrite" }));

export const pickOutputFile = (name: string): Promise<FileSystemFileHandle | null> =>
  quietly(
    window.showSaveFilePicker({
      id: "output",
      suggestedName: `${name}.safetensors`,
      types: [{ description: "safetensors", accept: { "application/octet-stream": [".safetensors"] } }],
    }),
  );

/** A picker that was closed answers null; anything else it throws is a real failure. */
async function quietly<T>(picking: Promise<T>): Promise<T | null> {
  try {
    return await picking;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    throw error;
  }
}
