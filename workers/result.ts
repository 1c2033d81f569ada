/**
 * The one result that private storage holds. A next merge writes over its weights where they lie: fresh room for a gigabyte, on the
 * disk and in the system's memory, takes longer than the bytes do. But whoever was given its files may still be reading them, a
 * download for minutes: then they are left to whoever has them, and the next merge begins with new ones.
 */

const RESULT = "weightloom-result";
/** An empty file beside the result that says that its files were given away. */
const GIVEN = "weightloom-result-given";

/** Files of the last private run, by name. A merge that writes there meanwhile has removed the small ones first. */
export async function giveResult(storage: FileSystemDirectoryHandle): Promise<readonly File[]> {
  // Before anything is given away: a merge in another tab looks for it.
  await storage.getFileHandle(GIVEN, { create: true });
  const folder = await storage.getDirectoryHandle(RESULT, { create: true });
  const files: File[] = [];
  for await (const handle of folder.values()) if (handle.kind === "file") files.push(await handle.getFile());
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @param weights names of the files that will be written over where they are there; all others are removed */
export async function roomForResult(
  storage: FileSystemDirectoryHandle,
  weights: readonly string[],
): Promise<FileSystemDirectoryHandle> {
  if (await isGiven(storage)) await clear(storage);
  const folder = await storage.getDirectoryHandle(RESULT, { create: true });
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  for (const name of names) if (!weights.includes(name)) await folder.removeEntry(name, { recursive: true });
  if (!(await isGiven(storage))) return folder;
  // Given away in this moment, by another tab.
  await clear(storage);
  return storage.getDirectoryHandle(RESULT, { create: true });
}

const isGiven = (storage: FileSystemDirectoryHandle): Promise<boolean> =>
  storage.getFileHandle(GIVEN).then(
    () => true,
    () => false,
  );

async function clear(storage: FileSystemDirectoryHandle): Promise<void> {
  await storage.removeEntry(RESULT, { recursive: true }).catch(() => {});
  await storage.removeEntry(GIVEN).catch(() => {});
}
