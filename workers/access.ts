import { holding } from "../core/bytes/held.ts";

/** A synchronous handle of a file in private storage. */
export const openAccess = (file: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> =>
  holding(file, file.createSyncAccessHandle());
