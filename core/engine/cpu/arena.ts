/**
 * One WebAssembly memory that this thread and all lanes see. Tiles that lie in it are worked on where they are:
 * nothing is copied into a lane or out of it, and messages carry addresses instead of buffers. Regions are made by
 * growing the memory, which every thread may do; lanes get their work space the same way.
 */
import type { TileMemory } from "../engine.ts";

const PAGE = 65536;
/** All that 32-bit addresses reach. */
const MOST = 65536;
/** Room behind a region for the last turn of a loop. */
const BEHIND = 64;

export interface Arena extends TileMemory {
  readonly memory: WebAssembly.Memory;
}

export function createArena(): Arena {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST, shared: true });
  const idle: Uint8Array<ArrayBuffer>[] = [];
  return {
    memory,
    take: (bytes) => {
      const at = idle.findIndex(({ length }) => length >= bytes && length <= 2 * bytes);
      if (at >= 0) return idle.splice(at, 1)[0];
      const region = grow(memory, bytes + BEHIND);
      // Only engines and files see it, and they treat both kinds alike; the types of everything else stay simple.
      return region === null ? undefined : (new Uint8Array(memory.buffer, region, bytes) as Uint8Array<ArrayBuffer>);
    },
    give: (bytes) => void idle.push(bytes),
  };
}

/** The address of so many fresh bytes at the end of a memory, or null when it does not get larger. */
export function grow(memory: WebAssembly.Memory, bytes: number): number | null {
  try {
    return memory.grow(Math.ceil(bytes / PAGE)) * PAGE;
  } catch {
    return null;
  }
}
