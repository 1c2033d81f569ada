/** Files that were asked for a handle and have not answered yet. */
const asked = new Set<{ readonly file: FileSystemFileHandle }>();

/**
 * A synchronous handle of a file in private storage. Chromium drops its answer when the file that was asked is collected as
 * garbage meanwhile, and who waits for it waits for ever: so the file is held until then.
 */
export async function openAccess(file: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> {
  const asking = { file };
  asked.add(asking);
  try {
    return await file.createSyncAccessHandle();
  } finally {
    asked.delete(asking);
  }
}
