/**
 * What was downloaded, in private storage: a file per stretch, in a folder per content. Private storage cannot change a file's
 * date, so across visits the longest written counts as the longest unused.
 */
import type { RangeStore } from "../core/hub/cache.ts";

/** @param root made when something is first kept */
export function privateRanges(root: () => Promise<FileSystemDirectoryHandle>): RangeStore {
  const parts = (key: string) => key.split("/") as [content: string, range: string];
  return {
    list: async () => {
      const found: { key: string; size: number; used: number }[] = [];
      for await (const folder of (await root()).values()) {
        if (folder.kind !== "directory") continue;
        for await (const handle of folder.values()) {
          if (handle.kind !== "file" || !/^\d+-\d+$/.test(handle.name)) continue;
          const { size, lastModified: used } = await handle.getFile();
          found.push({ key: `${folder.name}/${handle.name}`, size, used });
        }
      }
      return found;
    },
    read: async (key) => {
      const [content, range] = parts(key);
      try {
        const handle = await (await (await root()).getDirectoryHandle(content)).getFileHandle(range);
        return new Uint8Array(await (await handle.getFile()).arrayBuffer());
      } catch (error) {
        if (error instanceof DOMException && error.name === "NotFoundError") return null;
        throw error;
      }
    },
    write: async (key, bytes) => {
      const [content, range] = parts(key);
      const folder = await (await root()).getDirectoryHandle(content, { create: true });
      const handle = await folder.getFileHandle(range, { create: true });
      const writable = await handle.createWritable();
      try {
        await writable.write(bytes);
        await writable.close();
      } catch (error) {
        await writable.abort().catch(() => {});
        await folder.removeEntry(range).catch(() => {});
        throw error;
      }
    },
    touch: async () => {},
    remove: async (key) => {
      const [content, range] = parts(key);
      const all = await root();
      await (await all.getDirectoryHandle(content)).removeEntry(range);
      // Refused while something is left in it.
      await all.removeEntry(content).catch(() => {});
    },
  };
}
