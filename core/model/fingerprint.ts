/**
 * A short name for a tokenizer, to see at a glance whether two models share one: FNV-1a (64 bit, Fowler,
 * Noll and Vo) over the bytes of its file. It tells files apart; it proves nothing against an adversary.
 */
import type { ByteSource } from "../bytes/source.ts";

/** The file that holds the vocabulary, the most telling first. */
const TOKENIZERS = [
  "tokenizer.json",
  "tokenizer.model",
  "spiece.model",
  "sentencepiece.bpe.model",
  "tekken.json",
  "vocab.json",
  "vocab.txt",
] as const;

const CHUNK = 4 * 1024 * 1024;

/** 16 hexadecimal digits, or null when there is no tokenizer among the files. */
export async function tokenizerFingerprint(files: ReadonlyMap<string, ByteSource>): Promise<string | null> {
  for (const name of TOKENIZERS) {
    const source = files.get(name);
    if (source !== undefined) return fingerprint(source);
  }
  return null;
}

/** FNV-1a 64 of a whole source, read in pieces. */
export async function fingerprint(source: ByteSource): Promise<string> {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let start = 0; start < source.size; start += CHUNK) {
    const bytes = await source.read({ start, end: Math.min(source.size, start + CHUNK) });
    for (const byte of bytes) {
      low = (low ^ byte) >>> 0;
      // Times 2^40 + 435, modulo 2^64, in two halves; every product is below 2^53.
      const product = low * 435;
      high = (high * 435 + Math.floor(product / 0x100000000) + ((low << 8) >>> 0)) % 0x100000000;
      low = product >>> 0;
    }
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
