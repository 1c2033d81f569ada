/**
 * Files that are almost right: a seed with a few edits. Edits know what such files are made of (digits, brackets, names,
 * lengths), so that most of what comes out passes the first check and fails, or should not, at a later one.
 */
import fc from "fast-check";

type Bytes = Uint8Array<ArrayBuffer>;

interface Edit {
  readonly how: "flip" | "set" | "insert" | "remove" | "copy" | "cut" | "word" | "number";
  /** Where, and a second place or a length, as shares of the file in 2^-16. */
  readonly at: number;
  readonly to: number;
  readonly value: number;
}

/** What breaks readers: limits, near misses of keywords, deep and long things, text that is not text. */
const WORDS = [
  ...["0", "-1", "1e309", "1e-400", "2147483648", "4294967296", "9007199254740993", "18446744073709551615", "NaN"],
  ...["null", "true", "{}", "[]", '""', "[[[[[[[[", "}}}}", '"\\u0000"', '"\\ud800"', "\u202e", "\u0000", "\ufeff"],
  ...["__proto__", "constructor", "toString", "__metadata__", "weight_map", "data_offsets", "dtype", "shape"],
  ...[
    "../../etc/passwd",
    "C:\\x",
    "model.safetensors",
    "F8_E4M3",
    "BF16",
    "I64",
    "F4",
    "merge_method",
    "&a *a",
    "<<: *a",
  ],
  ...["models:", "- ", "!!js/function", "? ", "|\n", "{{", "%YAML 9.9", "\t", "---\n", "...\n", "[0, 1, 2]", ".inf"],
  "[".repeat(2000),
  '{"a":'.repeat(500),
  "x".repeat(5000),
];

const edit: fc.Arbitrary<Edit> = fc.record({
  how: fc.constantFrom<Edit["how"][]>(
    "flip",
    "set",
    "insert",
    "remove",
    "copy",
    "cut",
    "word",
    "word",
    "number",
    "number",
  ),
  at: fc.nat(65535),
  to: fc.nat(65535),
  value: fc.nat(0x7fffffff),
});

/** A seed after some edits; shrinks towards the seed. */
export function almost(seeds: readonly Bytes[]): fc.Arbitrary<Bytes> {
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 6 }))
    .map(([seed, edits]) => edits.reduce(apply, seed));
}

const encoder = new TextEncoder();

function apply(bytes: Bytes, { how, at, to, value }: Edit): Bytes {
  const place = Math.floor((at * bytes.length) / 65536);
  const other = Math.floor((to * bytes.length) / 65536);
  const length = 1 + (value % 40);
  switch (how) {
    case "flip": {
      const out = bytes.slice();
      if (place < out.length) out[place]! ^= 1 << (value % 8);
      return out;
    }
    case "set": {
      const out = bytes.slice();
      if (place < out.length) out[place] = value;
      return out;
    }
    case "insert":
      return splice(bytes, place, place, Uint8Array.of(value));
    case "remove":
      return splice(bytes, place, Math.min(bytes.length, place + length), new Uint8Array(0));
    case "copy":
      return splice(bytes, place, place, bytes.slice(other, other + length * 4));
    case "cut":
      return bytes.slice(0, place);
    case "word":
      return splice(bytes, place, value % 3 === 0 ? place : Math.min(bytes.length, place + length), word(value));
    case "number": {
      // The first digits at or after the place become another number.
      let from = place;
      while (from < bytes.length && !isDigit(bytes[from]!)) from++;
      let end = from;
      while (end < bytes.length && isDigit(bytes[end]!)) end++;
      return end === from
        ? bytes
        : splice(bytes, from, end, value % 2 === 0 ? word(value % 9) : encoder.encode(`${value % 70}`));
    }
    default:
      return how satisfies never;
  }
}

const isDigit = (byte: number) => byte >= 48 && byte <= 57;
const word = (value: number) => encoder.encode(WORDS[value % WORDS.length]);

function splice(bytes: Bytes, from: number, to: number, between: Uint8Array): Bytes {
  const out = new Uint8Array(from + between.length + bytes.length - to);
  out.set(bytes.subarray(0, from));
  out.set(between, from);
  out.set(bytes.subarray(to), from + between.length);
  return out;
}
