/** How much private storage can still take. Of picked folders browsers do not tell. */
import { WeightloomError } from "../../core/errors.ts";
import { formatBytes } from "../../core/units.ts";

/** Bytes; null where the browser does not say. */
export async function freeSpace(): Promise<number | null> {
  const { quota, usage } = await navigator.storage.estimate().catch((): StorageEstimate => ({}));
  return quota === undefined ? null : Math.max(0, quota - (usage ?? 0));
}

/** Rejects with a FileError when private storage has no room for so many bytes. */
export async function needSpace(bytes: number): Promise<void> {
  const free = await freeSpace();
  if (free === null || free >= bytes) return;
  throw new WeightloomError(
    "FileError",
    `The result has ${formatBytes(bytes)}, and the browser's private storage has ${formatBytes(free)} left. Merge to a folder, or make room on the disk.`,
  );
}
