/**
 * What a merge has finished, line by line, so that another run can go on where one was killed. Lines are only ever
 * appended, each after the bytes it speaks of are on the disk, and each carries a checksum: a line that a power cut tore
 * does not count, and nothing after it does.
 *
 * The first line says what is being merged; the others are entries. Tensors and files are finished in the plan's order, so
 * a number says which.
 */
import type { Kept } from "../graph/settle.ts";
import type { Fact } from "./facts.ts";
import type { Identity } from "./identity.ts";
import type { Unsound } from "./soundness.ts";
import type { WholeNumbers } from "./whole.ts";

export type Entry =
  /** The first `tensors` tensors of the plan are written; those of an open file lie in its first bytes. */
  | { readonly tensors: number; readonly facts: readonly Fact[] }
  /** The first `files` weight files are closed. */
  | { readonly files: number }
  /** A small file is closed. */
  | { readonly extra: string; readonly checksum: string }
  /** What the passes of a round settled for one merged tensor. */
  | { readonly round: number; readonly merge: number; readonly settled: Settled }
  /** A round is over: all numbers of the whole model that are known by then. */
  | { readonly round: number; readonly whole: WholeNumbers }
  /** A run began: which, in words of the front end. */
  | { readonly run: Readonly<Record<string, string | number>> };

export interface Settled {
  /** Of each of its passes in that round, in order. */
  readonly kept: readonly Kept[];
  readonly unsound?: Unsound;
}

export interface Round {
  readonly whole: WholeNumbers;
  /** By number among the merged tensors. */
  readonly settled: ReadonlyMap<number, Settled>;
}

/** What the runs so far finished. */
export interface Finished {
  readonly tensors: number;
  readonly files: number;
  /** Checksums of small files. */
  readonly extras: ReadonlyMap<string, string>;
  /** Of those tensors. */
  readonly facts: readonly Fact[];
  /** Rounds that are over, from the first on. */
  readonly rounds: readonly Round[];
  readonly runs: readonly Readonly<Record<string, string | number>>[];
}

export const NOTHING_FINISHED: Finished = {
  tensors: 0,
  files: 0,
  extras: new Map(),
  facts: [],
  rounds: [],
  runs: [],
};

/** Where the lines are kept. */
export interface Ledger {
  /** Resolves when the text is on the disk for certain. One at a time. */
  append(text: string): Promise<void>;
  /** Nothing is appended any more; what is there stays. */
  close(): Promise<void>;
  /** The job is done or given up: no trace is left. */
  remove(): Promise<void>;
}

export interface Journal {
  readonly finished: Finished;
  /** Whether anything was finished, by this run or one before it. */
  readonly hasWork: boolean;
  /** In the order of the calls. */
  write(entry: Entry): Promise<void>;
  close(): Promise<void>;
  remove(): Promise<void>;
}

/** A journal that goes on after what is finished; the ledger holds the line of its identity already. */
export function createJournal(ledger: Ledger, finished: Finished = NOTHING_FINISHED): Journal {
  let last: Promise<void> = Promise.resolve();
  let waiting = "";
  let hasWork = finished.tensors > 0 || finished.files > 0 || finished.rounds.length > 0;
  return {
    finished,
    get hasWork() {
      return hasWork;
    },
    write: (entry) => {
      waiting += lineOf(entry);
      last = last.then(async () => {
        // Lines that came while others were on their way go together.
        const text = waiting;
        waiting = "";
        if (text !== "") await ledger.append(text);
        hasWork ||= "tensors" in entry || "files" in entry || "whole" in entry;
      });
      last.catch(() => {});
      return last;
    },
    close: async () => {
      await last.catch(() => {});
      await ledger.close();
    },
    remove: async () => {
      await last.catch(() => {});
      await ledger.remove();
    },
  };
}

const FORMAT = 1;

export const firstLine = (identity: Identity): string => lineOf({ weightloom: FORMAT, identity });

export function lineOf(value: object): string {
  const json = JSON.stringify(value);
  return `${checksum(json)} ${json}\n`;
}

export interface ParsedJournal {
  readonly identity: Identity;
  readonly finished: Finished;
  /** Bytes of whole lines; what follows them is torn and to be cut off. */
  readonly length: number;
}

/** @returns null when not even the first line is whole, or another format wrote it */
export function parseJournal(bytes: Uint8Array): ParsedJournal | null {
  const text = new TextDecoder();
  let at = 0;
  const next = (): unknown => {
    const end = bytes.indexOf(10, at);
    const line = end < 0 ? "" : text.decode(bytes.subarray(at, end));
    const json = line.slice(9);
    if (line[8] !== " " || line.slice(0, 8) !== checksum(json)) return null;
    at = end + 1;
    return JSON.parse(json);
  };
  // A line whose checksum is right was written by `lineOf`: its types are as they were there.
  const first = next() as { weightloom: number; identity: Identity } | null;
  if (first?.weightloom !== FORMAT) return null;
  const finished = {
    tensors: 0,
    files: 0,
    extras: new Map<string, string>(),
    facts: [] as Fact[],
    rounds: [] as Round[],
    runs: [] as Record<string, string | number>[],
  };
  let settled = new Map<number, Settled>();
  for (let entry = next() as Entry | null; entry !== null; entry = next() as Entry | null) {
    if ("tensors" in entry) {
      finished.tensors = entry.tensors;
      finished.facts.push(...entry.facts);
    } else if ("files" in entry) finished.files = entry.files;
    else if ("extra" in entry) finished.extras.set(entry.extra, entry.checksum);
    else if ("run" in entry) {
      finished.runs.push(entry.run);
      // A round that an earlier run did not end is begun anew.
      settled = new Map();
    } else if ("settled" in entry) settled.set(entry.merge, entry.settled);
    else {
      finished.rounds[entry.round] = { whole: entry.whole, settled };
      settled = new Map();
    }
  }
  return { identity: first.identity, finished, length: at };
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let word = byte;
  for (let bit = 0; bit < 8; bit++) word = word & 1 ? 0xedb88320 ^ (word >>> 1) : word >>> 1;
  return word;
});

/** CRC-32 (ISO 3309) of a text's UTF-8 bytes, eight hexadecimal digits. */
function checksum(text: string): string {
  let word = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) word = TABLE[(word ^ byte) & 255]! ^ (word >>> 8);
  return ((word ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}
