/**
 * Buffers that are used again: fresh memory costs more than the read that fills it. Where the engine has memory of its own
 * for tiles, these are regions of it, so that a tile goes to a lane and back as an address; a buffer that is transferred
 * counts as an allocation with the garbage collector, which then runs all the time. Such regions are never let go of while
 * a run lasts, and there is an upper bound to all of them together.
 */
import type { TileMemory } from "../engine/engine.ts";

export interface Spares {
  /** Memory of at least `bytes`, or undefined where a reader's own is as good. */
  take(bytes: number): Uint8Array<ArrayBuffer> | undefined;
  /** Memory nobody looks at any more. */
  give(bytes: Uint8Array<ArrayBuffer>): void;
  /** No more: what lies idle goes back to the engine. */
  end(): void;
}

/** Smaller ones are not worth keeping. */
const LEAST = 64 * 1024;
/** Buffers of our own kept, bytes; they come on top of the run's budget. */
const KEPT = 48e6;

/** @param budget bytes that may be in flight */
export function createSpares(budget: number, memory: TileMemory | null): Spares {
  return memory === null ? ownSpares() : engineSpares(memory, 1.25 * budget);
}

/** @param most bytes of all regions together, in use or not */
function engineSpares(memory: TileMemory, most: number): Spares {
  const idle: Uint8Array<ArrayBuffer>[] = [];
  const made = new Map<number, Uint8Array<ArrayBuffer>>();
  let total = 0;

  /** The smallest that is large enough; -1 when none is. */
  function fitting(bytes: number): number {
    let best = -1;
    for (const [at, { length }] of idle.entries())
      if (length >= bytes && (best < 0 || length < idle[best]!.length)) best = at;
    return best;
  }

  return {
    take: (bytes) => {
      if (bytes < LEAST) return undefined;
      const best = fitting(bytes);
      const size = rounded(bytes);
      const close = best >= 0 && idle[best]!.length <= 2 * size;
      const fresh = !close && total + size <= most ? memory.take(size) : undefined;
      if (fresh !== undefined) {
        made.set(fresh.byteOffset, fresh);
        total += fresh.length;
        return fresh;
      }
      return best < 0 ? undefined : idle.splice(best, 1)[0];
    },
    give: ({ buffer, byteOffset }) => {
      const region = made.get(byteOffset);
      if (region?.buffer === buffer) idle.push(region);
    },
    end: () => {
      for (const region of idle.splice(0)) memory.give(region);
    },
  };
}

function ownSpares(): Spares {
  const buffers: ArrayBuffer[] = [];
  let held = 0;
  return {
    take: (bytes) => {
      if (bytes < LEAST) return undefined;
      const at = buffers.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 2 * bytes);
      const [taken] = at < 0 ? [] : buffers.splice(at, 1);
      if (taken === undefined) return undefined;
      held -= taken.byteLength;
      return new Uint8Array(taken);
    },
    give: ({ buffer }) => {
      if (buffer.byteLength < LEAST || buffer.byteLength > KEPT) return;
      // What has lain here longest is of a size that is not asked for any more.
      while (held + buffer.byteLength > KEPT) held -= buffers.shift()?.byteLength ?? 0;
      held += buffer.byteLength;
      buffers.push(buffer);
    },
    end: () => {},
  };
}

/** In steps of an eighth of a power of two, so that a slightly different tile can use it next. */
function rounded(bytes: number): number {
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
