/**
 * What was downloaded, kept for the next time up to a size: stretches of files by the name of their content, so that a model that is
 * opened again, or a new commit that changed only its card, costs nothing. What has not been used for longest goes first.
 * Every stretch is checked when it is read; one that is damaged is downloaded again. Who keeps the bytes is the store's affair: a
 * folder on the command line, private storage in the page.
 */
import { checksumOf, toHex } from "../bytes/checksum.ts";
import type { Fill, RemoteFile } from "./stretch.ts";

export interface StoredRange {
  /** "content/start-end", see `keyOf`. */
  readonly key: string;
  /** Bytes it takes up. */
  readonly size: number;
  /** When it was last used, ms since 1970. */
  readonly used: number;
}

/** Keeps named bytes. None of its failures matters but for the download it would have saved. */
export interface RangeStore {
  list(): Promise<readonly StoredRange[]>;
  /** Null when it is not there. */
  read(key: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Whole or not at all. */
  write(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  touch(key: string): Promise<void>;
  remove(key: string): Promise<void>;
}

export interface RangeCache {
  /** The same as a fill, out of the store as far as it goes. */
  through(file: RemoteFile, fill: Fill): Fill;
  /** Bytes in it. */
  size(): Promise<number>;
  clear(): Promise<void>;
}

/** Stretches end at multiples of this, so that a small read need not load much. */
const BLOCK = 4 * 1024 * 1024;
/** Shorter ones are not worth a file, unless they are all there is. */
const LEAST = 16 * 1024;
/** Of a file larger than a share of the limit only its beginning and samples are kept: the rest would push itself out. */
const SHARE = 0.5;
const MODEST = 1024 * 1024;
/** Use is noted when the last note is older, ms. */
const STALE = 60_000;
const SUM = 64;

interface Held {
  readonly start: number;
  readonly end: number;
  readonly key: string;
  readonly size: number;
  used: number;
}

export const keyOf = (content: string, start: number, end: number) => `${content}/${start}-${end}`;

/** @param limit bytes the store may hold */
export function createCache(store: RangeStore, limit: number): RangeCache {
  const held = new Map<string, Held[]>();
  let total = 0;
  let broken = false;

  const ready: Promise<void> = store.list().then(
    (all) => {
      for (const { key, size, used } of all) {
        const [, content, start, end] = /^([\w-]+)\/(\d+)-(\d+)$/.exec(key) ?? [];
        if (content !== undefined) note(content, { start: Number(start), end: Number(end), key, size, used });
      }
      return evict();
    },
    () => {
      broken = true;
    },
  );

  function note(content: string, one: Held): void {
    const same = held.get(content) ?? [];
    held.set(content, same);
    if (same.some(({ key }) => key === one.key)) return;
    same.push(one);
    total += one.size;
  }

  async function drop(content: string, one: Held): Promise<void> {
    const same = held.get(content) ?? [];
    const at = same.indexOf(one);
    if (at < 0) return;
    same.splice(at, 1);
    if (same.length === 0) held.delete(content);
    total -= one.size;
    await store.remove(one.key).catch(() => {});
  }

  async function evict(): Promise<void> {
    if (total <= limit) return;
    const all = [...held].flatMap(([content, some]) => some.map((one) => ({ content, one })));
    all.sort((a, b) => a.one.used - b.one.used);
    for (const { content, one } of all) {
      if (total <= limit) return;
      await drop(content, one);
    }
  }

  /** Its bytes, or null when they are gone or not what they were. */
  async function load(content: string, one: Held): Promise<Uint8Array<ArrayBuffer> | null> {
    const stored = await store.read(one.key).catch(() => null);
    const bytes = stored?.subarray(0, one.end - one.start) as Uint8Array<ArrayBuffer> | undefined;
    const sum = new TextDecoder().decode(stored?.subarray(one.end - one.start));
    if (stored === null || bytes === undefined || sum !== sumOf(bytes)) {
      await drop(content, one);
      return null;
    }
    const now = Date.now();
    if (now - one.used > STALE) store.touch(one.key).catch(() => {});
    one.used = now;
    return bytes;
  }

  async function keep(file: RemoteFile, content: string, bytes: Uint8Array, start: number): Promise<void> {
    const whole = bytes.length === file.size;
    if (broken || (file.size > SHARE * limit && bytes.length > MODEST)) return;
    for (let at = start; at < start + bytes.length; ) {
      const end = Math.min(start + bytes.length, (Math.floor(at / BLOCK) + 1) * BLOCK);
      const part = bytes.subarray(at - start, end - start);
      const size = part.length + SUM;
      if ((whole || part.length >= LEAST) && size <= limit) {
        const out = new Uint8Array(size);
        out.set(part);
        out.set(new TextEncoder().encode(sumOf(out.subarray(0, part.length))), part.length);
        const key = keyOf(content, at, end);
        try {
          await store.write(key, out);
          note(content, { start: at, end, key, size, used: Date.now() });
        } catch {
          // A full disk is no reason to stop a merge.
          broken = true;
          return;
        }
      }
      at = end;
    }
    await evict();
  }

  return {
    through:
      (file, fill) =>
      async (out, start, fetching = {}) => {
        const { content } = file;
        if (content === null) return fill(out, start, fetching);
        await ready;
        const end = start + out.length;
        for (let at = start; at < end; ) {
          const same = held.get(content) ?? [];
          const found = same.filter((one) => one.start <= at && at < one.end).sort((a, b) => b.end - a.end)[0];
          if (found !== undefined) {
            const bytes = await load(content, found);
            fetching.signal?.throwIfAborted();
            if (bytes === null) continue;
            const to = Math.min(end, found.end);
            out.set(bytes.subarray(at - found.start, to - found.start), at - start);
            at = to;
            fetching.onBytes?.(at - start);
            continue;
          }
          const next = same.reduce((least, one) => (one.start > at && one.start < least ? one.start : least), end);
          const from = at;
          const hole = out.subarray(from - start, next - start);
          await fill(hole, from, { ...fetching, onBytes: (filled) => fetching.onBytes?.(from - start + filled) });
          await keep(file, content, hole, from);
          at = next;
        }
      },
    size: async () => {
      await ready;
      return total;
    },
    clear: async () => {
      await ready;
      for (const [content, some] of [...held]) for (const one of [...some]) await drop(content, one);
    },
  };
}

const sumOf = (bytes: Uint8Array) => toHex(checksumOf(bytes));
