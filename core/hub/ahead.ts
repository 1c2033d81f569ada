/**
 * Reading ahead. A run says what it will read, in its order (`ByteSource.expect`); that is cut into portions of some tens of
 * megabytes, and of each portion the ranges are put in file order and joined, so that the thousands of reads of a merge
 * become a few long requests. Portions are downloaded before they are needed as far as there is room; a read takes its bytes
 * as soon as they have arrived. A portion whose bytes have all been taken makes room when room is needed; the last one stays,
 * because some methods look twice.
 *
 * It is a help, never a duty: what was not announced, or is gone, is read directly.
 */
import type { ByteRange } from "../bytes/source.ts";
import { abortError } from "../errors.ts";
import type { Fill } from "./stretch.ts";

/** Largest request, and what lies between two ranges that are still read as one. */
const SPAN = 32 * 1024 * 1024;
const LEAST = 1024 * 1024;
const GAP = 64 * 1024;
/** Portions on their way at once, of one model. */
const AT_ONCE = 4;
/** Portions so far behind the one being read are given up: nothing more will be taken of them. */
const BEHIND = 3;

/** What all models of a run may hold together. */
export interface Purse {
  readonly limit: number;
  readonly users: Set<object>;
}

export const createPurse = (limit: number): Purse => ({ limit, users: new Set() });

/** One request: bytes of one file. */
interface Piece {
  readonly fill: Fill;
  readonly start: number;
  readonly end: number;
  /** Bytes announced in it, twice where they are read twice; what is left of them. */
  left: number;
  bytes: Uint8Array<ArrayBuffer> | null;
  filled: number;
  /** Reads that wait for bytes up to an offset. */
  waiting: { readonly upTo: number; readonly resolve: () => void; readonly reject: (reason: unknown) => void }[];
  failure: unknown;
}

interface Portion {
  readonly pieces: Piece[];
  readonly bytes: number;
  state: "planned" | "loading" | "loaded" | "gone";
}

export interface Ahead {
  /** Ranges of a file that will be read next, after all announced before; null: nothing more will be, forget the rest. */
  expect(fill: Fill, ranges: readonly ByteRange[] | null): void;
  /** The bytes, or null when they were not announced. */
  take(
    fill: Fill,
    range: ByteRange,
    signal: AbortSignal | undefined,
    into: Uint8Array<ArrayBuffer> | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> | null;
}

interface Announced extends ByteRange {
  readonly fill: Fill;
}

export function createAhead(purse: Purse): Ahead {
  let announced: Announced[] = [];
  let portions: Portion[] = [];
  let held = 0;
  let stopping = new AbortController();
  const me = {};
  const heard = new WeakSet<AbortSignal>();

  const share = () => purse.limit / Math.max(1, purse.users.size);
  const span = () => Math.max(LEAST, Math.min(SPAN, Math.floor(share() / 3)));

  function forget(reason: unknown = abortError()): void {
    stopping.abort(reason);
    stopping = new AbortController();
    for (const portion of portions) drop(portion, reason);
    portions = [];
    announced = [];
    purse.users.delete(me);
  }

  function drop(portion: Portion, reason: unknown): void {
    if (portion.state === "loading" || portion.state === "loaded") held -= portion.bytes;
    portion.state = "gone";
    for (const piece of portion.pieces) {
      piece.bytes = null;
      for (const { reject } of piece.waiting) reject(reason);
      piece.waiting = [];
    }
  }

  /** Cuts what was announced since the last time into portions. */
  function plan(): void {
    const most = span();
    let some: Announced[] = [];
    let size = 0;
    const close = () => {
      if (some.length > 0) portions.push(portionOf(some, most));
      [some, size] = [[], 0];
    };
    for (const { fill, start, end } of announced) {
      for (let at = start; at < end; ) {
        const to = Math.min(end, at + most - size);
        some.push({ fill, start: at, end: to });
        size += to - at;
        at = to;
        if (size >= most) close();
      }
    }
    close();
    announced = [];
  }

  function load(portion: Portion): void {
    portion.state = "loading";
    held += portion.bytes;
    const { signal } = stopping;
    let open = portion.pieces.length;
    for (const piece of portion.pieces) {
      const bytes = new Uint8Array(piece.end - piece.start);
      piece.bytes = bytes;
      const onBytes = (filled: number) => arrived(piece, filled);
      piece
        .fill(bytes, piece.start, { signal, onBytes })
        .then(
          () => arrived(piece, bytes.length),
          (error: unknown) => {
            piece.failure = error ?? abortError();
            for (const { reject } of piece.waiting) reject(piece.failure);
            piece.waiting = [];
          },
        )
        .finally(() => {
          open--;
          if (open > 0 || portion.state !== "loading") return;
          portion.state = "loaded";
          pump();
        });
    }
  }

  function arrived(piece: Piece, filled: number): void {
    if (filled < piece.filled) return;
    piece.filled = filled;
    const ready = piece.waiting.filter(({ upTo }) => upTo <= filled);
    if (ready.length === 0) return;
    piece.waiting = piece.waiting.filter(({ upTo }) => upTo > filled);
    for (const { resolve } of ready) resolve();
  }

  const spent = ({ state, pieces }: Portion) =>
    state === "loaded" && pieces.every(({ left, waiting }) => left <= 0 && waiting.length === 0);

  /** Starts what comes next, as far as there is room, and makes room of what has been taken. */
  function pump(): void {
    let loading = portions.filter(({ state }) => state === "loading").length;
    const begun = portions.findLastIndex(({ state }) => state !== "planned");
    for (let i = begun + 1; i < portions.length && loading < AT_ONCE; i++) {
      const portion = portions[i]!;
      const used = portions.slice(0, i).filter(spent).slice(0, -1);
      for (const old of used) if (held + portion.bytes > share()) drop(old, abortError());
      if (held + portion.bytes > share()) break;
      load(portion);
      loading++;
    }
    while (portions[0]?.state === "gone") portions.shift();
  }

  /** Where a range lies in portions that are not gone; null when a part of it lies in none. */
  function find(fill: Fill, { start, end }: ByteRange) {
    const parts: { portion: Portion; piece: Piece; start: number; end: number }[] = [];
    for (let at = start; at < end; ) {
      const part = at === start ? first(fill, at, 0) : first(fill, at, portions.indexOf(parts.at(-1)!.portion));
      if (part === null) return null;
      const to = Math.min(end, part.piece.end);
      parts.push({ ...part, start: at, end: to });
      at = to;
    }
    return parts;
  }

  /** The first piece with that byte of which something is still wanted, else one that has been taken and is still here. */
  function first(fill: Fill, at: number, from: number): { portion: Portion; piece: Piece } | null {
    let again: { portion: Portion; piece: Piece } | null = null;
    for (let i = Math.max(0, from); i < portions.length; i++) {
      const portion = portions[i]!;
      if (portion.state === "gone") continue;
      for (const piece of portion.pieces) {
        if (piece.fill !== fill || at < piece.start || at >= piece.end || piece.failure !== null) continue;
        if (piece.left > 0) return { portion, piece };
        again = { portion, piece };
      }
    }
    return again;
  }

  const whenFilled = (piece: Piece, upTo: number) =>
    piece.filled >= upTo
      ? Promise.resolve()
      : new Promise<void>((resolve, reject) => piece.waiting.push({ upTo, resolve, reject }));

  /** A run that is cancelled needs nothing more. */
  function listen(signal: AbortSignal | undefined): void {
    if (signal === undefined || heard.has(signal)) return;
    heard.add(signal);
    signal.addEventListener("abort", () => forget(signal.reason), { once: true });
  }

  return {
    expect: (fill, ranges) => {
      if (ranges === null) return forget();
      for (const { start, end } of ranges) announced.push({ fill, start, end });
      if (announced.length > 0) purse.users.add(me);
    },
    take: (fill, range, signal, into) => {
      if (announced.length > 0) plan();
      if (portions.length === 0 || range.start === range.end) return null;
      const parts = find(fill, range);
      if (parts === null) return null;
      listen(signal);
      for (const { portion, piece, start, end } of parts) {
        // Counted when it is asked for: whoever asks next for the same bytes means the next time they were announced.
        piece.left -= end - start;
        if (portion.state === "planned") load(portion);
      }
      const at = portions.indexOf(parts[0]!.portion);
      const idle = ({ state, pieces }: Portion) =>
        state === "loaded" && pieces.every(({ waiting }) => waiting.length === 0);
      for (const old of portions.slice(0, Math.max(0, at - BEHIND))) if (idle(old)) drop(old, abortError());
      // The memory is taken hold of now: a portion may be given back while its last bytes are being copied.
      const ready = parts.map(({ piece, start, end }) => {
        const { bytes } = piece;
        return whenFilled(piece, end - piece.start).then(() => bytes!.subarray(start - piece.start, end - piece.start));
      });
      pump();
      return (async () => {
        const length = range.end - range.start;
        const out = into !== undefined && into.length >= length ? into.subarray(0, length) : new Uint8Array(length);
        const taken = await Promise.all(ready);
        for (const [i, bytes] of taken.entries()) out.set(bytes, parts[i]!.start - range.start);
        pump();
        return out;
      })();
    },
  };
}

/** The ranges of a portion in file order, neighbours joined. */
function portionOf(ranges: readonly Announced[], most: number): Portion {
  const byFile = new Map<Fill, Announced[]>();
  for (const range of ranges) {
    const same = byFile.get(range.fill);
    if (same === undefined) byFile.set(range.fill, [range]);
    else same.push(range);
  }
  const pieces: Piece[] = [];
  for (const [fill, same] of byFile) {
    same.sort((a, b) => a.start - b.start);
    let open: { start: number; end: number; left: number } | null = null;
    const close = () => {
      if (open !== null) pieces.push({ fill, ...open, bytes: null, filled: 0, waiting: [], failure: null });
    };
    for (const { start, end } of same) {
      if (open !== null && start <= open.end + GAP && Math.max(end, open.end) - open.start <= most + GAP) {
        open = { start: open.start, end: Math.max(open.end, end), left: open.left + end - start };
      } else {
        close();
        open = { start, end, left: end - start };
      }
    }
    close();
  }
  return { pieces, bytes: pieces.reduce((sum, { start, end }) => sum + end - start, 0), state: "planned" };
}
