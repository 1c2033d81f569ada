import { holding } from "../core/bytes/held.ts";

/** A synchronous handle of a file in private storage. */
const openAccess = (file: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> =>
  holding(file, file.createSyncAccessHandle());

/** The same, where somebody who is just being ended may still hold it: so many milliseconds are waited for that. */
export async function openPatiently(file: FileSystemFileHandle, patience: number): Promise<FileSystemSyncAccessHandle> {
  for (const until = performance.now() + patience; ; ) {
    try {
      return await openAccess(file);
    } catch (error) {
      const isTaken = error instanceof DOMException && error.name === "NoModificationAllowedError";
      if (!isTaken || performance.now() >= until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
