/**
 * A strict reader for the JSON of headers and indexes, walked by the caller value by value, so nothing is built that
 * was not asked for. JSON.parse keeps the last of two equal keys in silence, takes any number and nests without limit;
 * this one refuses all three. Text is untrusted and may be 100 MB long: no regular expressions, no recursion on input
 * except in `skip`, which is capped.
 */
export type JsonType = "object" | "array" | "string" | "number" | "true" | "false" | "null" | "nothing";

export interface JsonReader {
  /** What the next value is, by its first character; "nothing" at the end or where no value can begin. */
  next(): JsonType;
  /** Reads an object. `each` gets every key, in order, and must read exactly one value. */
  object(each: (key: string) => void): void;
  /** Reads an array. `each` must read exactly one item. */
  array(each: () => void): void;
  string(): string;
  /** A whole number from 0 to 2^53 - 1, written plainly: no sign, fraction, exponent or leading zero. */
  integer(): number;
  /** Any one value, checked and dropped. */
  skip(): void;
  /** Nothing but white space may follow. */
  end(): void;
}

/** Levels inside a skipped value. */
const MAX_DEPTH = 32;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** @param fail makes the error to throw out of what is wrong and where; it adds the file's name */
export function readJson(text: string, fail: (what: string) => Error): JsonReader {
  let at = 0;

  const fault = (what: string, where = at) => fail(`${what} at character ${(where + 1).toLocaleString("en")}`);
  const found = () => (at < text.length ? quote(String.fromCodePoint(text.codePointAt(at) ?? 0)) : "the end");
  const expected = (what: string) => fault(`${what} was expected, but ${found()} stands there`);

  function space(): void {
    for (;;) {
      const c = text.charCodeAt(at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      at++;
    }
  }

  function take(char: string): boolean {
    space();
    if (text[at] !== char) return false;
    at++;
    return true;
  }

  function list(open: string, close: string, item: () => void): void {
    if (!take(open)) throw expected(quote(open));
    if (take(close)) return;
    do item();
    while (take(","));
    if (!take(close)) throw expected(`"," or ${quote(close)}`);
  }

  function string(): string {
    space();
    if (text.charCodeAt(at) !== QUOTE) throw expected("a string");
    const start = at + 1;
    // Nearly all of a header is names, so this loop decides the speed; `i` stays in a register, `at` would not.
    let i = start;
    let c = text.charCodeAt(i);
    while (c >= 0x20 && c !== QUOTE && c !== BACKSLASH) c = text.charCodeAt(++i);
    at = i;
    if (c === BACKSLASH) return escaped(start);
    if (c !== QUOTE) throw expected("the rest of a string");
    at++;
    return text.slice(start, i);
  }

  /** The rest of a string from its first escape on. */
  function escaped(start: number): string {
    const parts = [text.slice(start, at)];
    for (;;) {
      const c = text.charCodeAt(at);
      if (c === QUOTE) break;
      if (c === BACKSLASH) {
        parts.push(unescaped());
        continue;
      }
      const from = at;
      while (text.charCodeAt(at) >= 0x20 && text.charCodeAt(at) !== QUOTE && text.charCodeAt(at) !== BACKSLASH) at++;
      if (at === from) throw expected("the rest of a string");
      parts.push(text.slice(from, at));
    }
    at++;
    const whole = parts.join("");
    if (/\p{Surrogate}/u.test(whole)) throw fault("half of a surrogate pair stands in a string", start - 1);
    return whole;
  }

  function unescaped(): string {
    const char = text[at + 1] ?? "";
    if (char === "u") {
      const digits = text.slice(at + 2, at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw fault("a broken \\u escape stands");
      at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const plain = Object.hasOwn(ESCAPES, char) ? ESCAPES[char] : undefined;
    if (plain === undefined) throw fault("an unknown escape stands");
    at += 2;
    return plain;
  }

  /** Any JSON number, as it is written. */
  function number(): string {
    space();
    const start = at;
    if (text[at] === "-") at++;
    const whole = at;
    if (digits() === 0) throw expected("a number");
    if (text[whole] === "0" && at > whole + 1) throw fault("a number with a leading zero stands", start);
    if (text[at] === ".") {
      at++;
      if (digits() === 0) throw expected("a digit");
    }
    if (text[at] === "e" || text[at] === "E") {
      at++;
      if (text[at] === "+" || text[at] === "-") at++;
      if (digits() === 0) throw expected("a digit");
    }
    return text.slice(start, at);
  }

  function digits(): number {
    const start = at;
    while (text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++;
    return at - start;
  }

  function integer(): number {
    const written = number();
    // 2^53 - 1 has 16 digits.
    const value = written.length <= 16 && /^\d+$/.test(written) ? Number(written) : Number.NaN;
    if (Number.isSafeInteger(value)) return value;
    throw fault(
      `the number ${written.slice(0, 40)}, which is not a plain whole number from 0 to 2^53 - 1, stands`,
      at - written.length,
    );
  }

  function word(letters: string): void {
    if (!text.startsWith(letters, at)) throw expected("a value");
    at += letters.length;
  }

  function skip(depth = 0): void {
    if (depth > MAX_DEPTH) throw fault(`a value nested more than ${MAX_DEPTH} levels deep stands`);
    const type = reader.next();
    if (type === "object") reader.object(() => skip(depth + 1));
    else if (type === "array") reader.array(() => skip(depth + 1));
    else if (type === "string") string();
    else if (type === "number") number();
    else if (type === "nothing") throw expected("a value");
    else word(type);
  }

  const reader: JsonReader = {
    next: () => {
      space();
      const c = text[at];
      if (c === '"') return "string";
      if (c === "{") return "object";
      if (c === "[") return "array";
      if (c === "t") return "true";
      if (c === "f") return "false";
      if (c === "n") return "null";
      return c !== undefined && (c === "-" || (c >= "0" && c <= "9")) ? "number" : "nothing";
    },
    object: (each) => {
      const keys = keySet();
      list("{", "}", () => {
        space();
        const start = at;
        const key = string();
        if (!keys.add(key)) throw fault(`the key ${quote(key)} stands a second time`, start);
        if (!take(":")) throw expected('":"');
        each(key);
      });
    },
    array: (each) => list("[", "]", each),
    string,
    integer,
    skip: () => skip(),
    end: () => {
      space();
      if (at < text.length) throw expected("nothing more");
    },
  };
  return reader;
}

/** Most objects have three keys, and a Set for each of 100,000 of them costs more than looking. */
function keySet(): { add(key: string): boolean } {
  const few: string[] = [];
  let many: Set<string> | null = null;
  return {
    add: (key) => {
      if (many !== null) return many.size < many.add(key).size;
      if (few.includes(key)) return false;
      if (few.push(key) > 8) many = new Set(few);
      return true;
    },
  };
}

/** Characters that would change how the sentence around them is shown: controls, line ends, direction marks. */
const UNSEEN = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Outside text for a sentence: in quotes, cut at 120 characters, with everything invisible spelt out. */
export function quote(name: string): string {
  const short = name.length > 120 ? `${name.slice(0, 120)}...` : name;
  return JSON.stringify(short).replace(UNSEEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `"a", "b", "c" and 4 more`. */
export function quoteSome(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(quote).join(", ");
  return names.length <= 3 ? shown : `${shown} and ${(names.length - 3).toLocaleString("en")} more`;
}
