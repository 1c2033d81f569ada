/**
 * A folder that keeps what was downloaded: one file per stretch, in a folder per content. Files are written under another name
 * and renamed, so that none is ever half there; when it was used last is when it was changed last.
 */
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { RangeStore } from "../core/hub/hub.ts";

/** WEIGHTLOOM_CACHE, else a folder where caches are kept. */
export function cacheIn(env: Readonly<Record<string, string | undefined>>): string {
  const { WEIGHTLOOM_CACHE: given, XDG_CACHE_HOME: caches } = env;
  if (given !== undefined && given !== "") return given;
  return join(caches === undefined || caches === "" ? join(homedir(), ".cache") : caches, "weightloom");
}

const missing = (error: unknown) => (error as { code?: unknown }).code === "ENOENT";

export function diskRanges(root: string): RangeStore {
  const place = join(root, "ranges");
  const pathOf = (key: string) => join(place, ...key.split("/"));
  let written = 0;
  return {
    list: async () => {
      const folders = await readdir(place).catch((error: unknown) => {
        if (missing(error)) return [];
        throw error;
      });
      const all = folders.map(async (folder) => {
        const names = await readdir(join(place, folder)).catch(() => []);
        const stored = names.map(async (name) => {
          const path = join(place, folder, name);
          const info = await stat(path).catch(() => null);
          // What a killed process left behind.
          if (info !== null && !/^\d+-\d+$/.test(name) && Date.now() - info.mtimeMs > 3_600_000)
            await rm(path, { force: true });
          return info === null || !/^\d+-\d+$/.test(name)
            ? []
            : [{ key: `${folder}/${name}`, size: info.size, used: info.mtimeMs }];
        });
        return (await Promise.all(stored)).flat();
      });
      return (await Promise.all(all)).flat();
    },
    read: async (key) => {
      try {
        return new Uint8Array(await readFile(pathOf(key)));
      } catch (error) {
        if (missing(error)) return null;
        throw error;
      }
    },
    write: async (key, bytes) => {
      const path = pathOf(key);
      const partial = `${path}.${process.pid}-${written++}`;
      await mkdir(dirname(path), { recursive: true });
      try {
        await writeFile(partial, bytes);
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    },
    touch: (key) => utimes(pathOf(key), new Date(), new Date()),
    remove: async (key) => {
      await rm(pathOf(key), { force: true });
      // Only when nothing is left in it.
      await rmdir(dirname(pathOf(key))).catch(() => {});
    },
  };
}
