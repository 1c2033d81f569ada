/**
 * A short name for a tokenizer, to see at a glance whether two models share one: FNV-1a (64 bit, Fowler,
 * Noll and Vo) over the bytes of its file. It tells files apart; it proves nothing against an adversary.
 */
import type { ByteSource } from "../bytes/source.ts";
import { VOCABULARY_FILES } from "./filenames.ts";

const CHUNK = 4 * 1024 * 1024;

/** 16 hexadecimal digits, or null when there is no tokenizer among the files. */
export async function tokenizerFingerprint(files: ReadonlyMap<string, ByteSource>): Promise<string | null> {
  for (const name of VOCABULARY_FILES) {
    const source = files.get(name);
    if (source !== undefined) return fingerprint(source);
  }
  return null;
}

/** FNV-1a 64 of a whole source, read in pieces. */
export async function fingerprint(source: ByteSource): Promise<string> {
  const hash = createHash();
  for (let start = 0; start < source.size; start += CHUNK) {
    hash.bytes(await source.read({ start, end: Math.min(source.size, start + CHUNK) }));
  }
  return hash.end();
}

export interface Hash {
  bytes(all: Uint8Array): void;
  /** A text and a line's end. */
  text(line: string): void;
  /** 16 hexadecimal digits. */
  end(): string;
}

/** FNV-1a 64 of whatever it is told, in order. */
export function createHash(): Hash {
  // The state in three parts, high 32 bits and twice 16 low ones, so that every product fits an i32.
  let high = 0xcbf29ce4 | 0;
  let middle = 0x8422;
  let low = 0x2325;
  const bytes = (all: Uint8Array) => {
    for (let i = 0; i < all.length; i++) {
      low ^= all[i]!;
      // Times 2^40 + 435, modulo 2^64.
      const first = low * 435;
      const second = middle * 435 + (first >>> 16);
      high = (Math.imul(high, 435) + (second >>> 16) + (((middle << 16) | low) << 8)) | 0;
      middle = second & 0xffff;
      low = first & 0xffff;
    }
  };
  const encoder = new TextEncoder();
  const hex = (value: number, digits: number) => (value >>> 0).toString(16).padStart(digits, "0");
  return {
    bytes,
    text: (line) => bytes(encoder.encode(`${line}\n`)),
    end: () => hex(high, 8) + hex(middle, 4) + hex(low, 4),
  };
}
