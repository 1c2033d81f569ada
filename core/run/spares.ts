/**
 * Buffers that are used again: fresh memory costs more than the read that fills it. Where the engine has memory of its own
 * for tiles, these are parts of it, so that a tile goes to a lane and back as an address; a buffer that is transferred
 * counts as an allocation with the garbage collector, which then runs all the time.
 */
import type { TileMemory } from "../engine/engine.ts";

export interface Spares {
  /**
   * Memory of `bytes` bytes or more, or undefined where a reader's own is as good.
   * @param at offset in the file these bytes are for: then they lie as far into a page of memory as of the file, if they can
   */
  take(bytes: number, at?: number): Uint8Array<ArrayBuffer> | undefined;
  /** Memory nobody looks at any more. */
  give(bytes: Uint8Array<ArrayBuffer>): void;
  /** No more: what lies idle goes back to the engine. */
  end(): void;
}

/** Smaller buffers of our own are not worth keeping. */
const LEAST = 64 * 1024;
/** Buffers of our own kept, bytes; they come on top of the run's budget. */
const KEPT = 48e6;

/** Most bytes of an engine's memory: a WebAssembly memory ends at 4 GiB, and its lanes need some. */
const ENGINE_MOST = 3 * 2 ** 30;
/** Less of an engine's memory is not worth asking for. */
const PAGE = 65536;
/** What regions begin at multiples of; loops may write as much behind one. */
const ALIGNED = 64;
/** What a disk takes as it lies: pages of a file that are pages of memory. Most disks and file systems ask for this or less. */
export const DISK_PAGE = 4096;

/** @param budget bytes that may be in flight */
export function createSpares(budget: number, memory: TileMemory | null): Spares {
  if (memory === null) return ownSpares();
  // Whoever holds the budget's bytes in pieces of many sizes leaves gaps. What is never touched costs nothing.
  let most = Math.min(ENGINE_MOST, 1.25 * budget);
  let space = memory.take(most);
  while (space === undefined && most > PAGE) {
    most /= 2;
    space = memory.take(most);
  }
  return space === undefined ? ownSpares() : engineSpares(memory, space);
}

/** Hands out parts of one region: the smallest gap that fits, and gaps that meet become one. */
function engineSpares(memory: TileMemory, space: Uint8Array<ArrayBuffer>): Spares {
  const start = Math.ceil(space.byteOffset / ALIGNED) * ALIGNED;
  /** By address. */
  const gaps = [{ at: start, end: space.byteOffset + space.length }];
  /** By where they begin for whoever took them. */
  const lent = new Map<number, { readonly at: number; readonly size: number }>();

  return {
    take: (bytes, place) => {
      // Numbers have to lie at multiples of their size.
      const into = place === undefined || place % 8 > 0 || bytes < LEAST ? 0 : DISK_PAGE + (place % DISK_PAGE);
      const size = Math.ceil((bytes + into) / ALIGNED) * ALIGNED + ALIGNED;
      let best = -1;
      for (const [g, { at, end }] of gaps.entries()) {
        if (end - at >= size && (best < 0 || end - at < gaps[best]!.end - gaps[best]!.at)) best = g;
      }
      const gap = gaps[best];
      if (gap === undefined) return undefined;
      const { at } = gap;
      gap.at += size;
      if (gap.at === gap.end) gaps.splice(best, 1);
      const begin = into === 0 ? at : Math.floor(at / DISK_PAGE) * DISK_PAGE + into;
      lent.set(begin, { at, size });
      return new Uint8Array(space.buffer, begin, bytes);
    },
    give: ({ buffer, byteOffset }) => {
      const part = buffer === space.buffer ? lent.get(byteOffset) : undefined;
      if (part === undefined) return;
      lent.delete(byteOffset);
      const { at, size } = part;
      const next = gaps.findIndex((gap) => gap.at > at);
      const place = next < 0 ? gaps.length : next;
      const [before, after] = [gaps[place - 1], gaps[place]];
      const own = { at, end: at + size };
      if (after?.at === own.end) {
        own.end = after.end;
        gaps.splice(place, 1);
      }
      if (before?.end === own.at) before.end = own.end;
      else gaps.splice(place, 0, own);
    },
    // What a lane may still be writing to after a run that failed is nobody's again.
    end: () => (lent.size === 0 ? memory.give(space) : undefined),
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
