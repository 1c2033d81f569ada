/**
 * YAML text as nodes with places, and the notes taken while reading them. Nothing here throws for a bad
 * document: every problem becomes a diagnostic, and reading goes on where it can.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { messageOf } from "../errors.ts";
import type { Diagnostic } from "./recipe.ts";
import { choices, didYouMean } from "./words.ts";

/** Characters. A recipe is a page; the parser is not asked about more. */
const MAX_TEXT = 1_000_000;
/** Brackets open at once, or indentation in characters; deeper text would exhaust the parser's stack. */
const MAX_DEPTH = 200;
/** Aliases followed in one document, so that aliases of aliases cannot multiply. */
const MAX_ALIASES = 100;
const MAX_DIAGNOSTICS = 200;
/** Documents in one file. */
const MAX_DOCUMENTS = 100;

/** Offsets into the text, half open. */
export type Range = readonly [from: number, to: number];

export interface Entry {
  readonly key: string;
  /** Where the key is. */
  readonly at: Range;
  /** Null when the key has no value. */
  readonly node: Node | null;
}

export interface Reader {
  readonly root: Node | null;
  /** The first line, for what has no better place. */
  readonly whole: Range;
  error(at: Range, message: string): void;
  warn(at: Range, message: string): void;
  /** The range of a node, or of `otherwise` when there is none. */
  range(node: Node | null, otherwise: Range): Range;
  /** The node an alias stands for; null for an empty value. */
  follow(node: Node | null): Node | null;
  /** The entries of a mapping, keys unique; null and a diagnostic when it is none. */
  entries(node: Node | null, at: Range, what: string): Entry[] | null;
  /** The items of a list, at least one; null and a diagnostic otherwise. */
  items(node: Node | null, at: Range, what: string): Node[] | null;
  /** Non-empty text, or null and a diagnostic. */
  text(node: Node | null, at: Range, what: string): string | null;
}

/** The documents of a file that are not empty; at least one reader, of nothing where the file has nothing. */
export interface Stream {
  readonly readers: readonly [Reader, ...Reader[]];
  /** Every problem so far, sorted by place. */
  diagnostics(): Diagnostic[];
  /** True when a problem so far is an error. */
  failed(): boolean;
}

type Note = (severity: Diagnostic["severity"], at: Range, message: string) => void;

export function readYaml(text: string): Stream {
  const lines = new LineCounter();
  const found: Omit<Diagnostic, "line" | "column">[] = [];
  const note: Note = (severity, [from, to], message) => {
    if (found.length < MAX_DIAGNOSTICS) found.push({ severity, message, from, to });
  };
  const lineAt = (from: number): Range => [from, from + Math.max(0, text.slice(from).search(/[\r\n]|$/))];
  const [first, ...more] = load(text, lines, lineAt(0), (at, message) => note("error", at, message));
  return {
    readers: [
      readerOf(first ?? null, lineAt(0), note),
      ...more.map((document) => readerOf(document, lineAt(document.contents?.range?.[0] ?? 0), note)),
    ],
    diagnostics: () =>
      found
        .map((one) => ({ ...one, ...place(lines, one.from) }))
        .sort((a, b) => a.from - b.from || a.to - b.to || (a.message < b.message ? -1 : 1)),
    failed: () => found.some(({ severity }) => severity === "error"),
  };
}

function readerOf(document: Document | null, whole: Range, note: Note): Reader {
  const error = (at: Range, message: string) => note("error", at, message);
  let aliases = 0;

  const range = (node: Node | null, otherwise: Range): Range =>
    node?.range ? [node.range[0], node.range[1]] : otherwise;

  function follow(node: Node | null): Node | null {
    if (!isAlias(node)) return isScalar(node) && node.value === null ? null : node;
    const target = ++aliases > MAX_ALIASES || document === null ? undefined : node.resolve(document);
    if (target === undefined) {
      const why =
        aliases > MAX_ALIASES
          ? `Only ${MAX_ALIASES} aliases are followed`
          : `"&${node.source}" is not defined before it`;
      error(range(node, whole), `"*${node.source}" cannot be replaced: ${why}. Write the value out.`);
      return null;
    }
    return follow(target);
  }

  function entries(node: Node | null, at: Range, what: string): Entry[] | null {
    const map = follow(node);
    if (!isMap(map)) {
      const subject = what.charAt(0).toUpperCase() + what.slice(1);
      error(range(node, at), `${subject} must be a mapping of names to values; found ${described(map)}.`);
      return null;
    }
    const own: Entry[] = [];
    const seen = new Set<string>();
    for (const pair of map.items) {
      const keyNode = pair.key as Node;
      const key = isScalar(keyNode) ? String(keyNode.value) : "";
      const place = range(keyNode, at);
      if (!isScalar(keyNode)) continue; // reported by the YAML parser
      if (seen.has(key)) error(place, `"${key}" is given twice in ${what}. Keep one of them.`);
      else own.push({ key, at: place, node: follow((pair.value ?? null) as Node | null) });
      seen.add(key);
    }
    return own;
  }

  function items(node: Node | null, at: Range, what: string): Node[] | null {
    const list = follow(node);
    if (isSeq(list) && list.items.length > 0) return list.items as Node[];
    const sentence = isSeq(list) ? `${what} is an empty list` : `${what} must be a list; found ${described(list)}`;
    error(range(node, at), `${sentence}. Give at least one item, each on a line that starts with a dash.`);
    return null;
  }

  function textOf(node: Node | null, at: Range, what: string): string | null {
    const scalar = follow(node);
    if (isScalar(scalar) && typeof scalar.value === "string" && scalar.value.trim() !== "") return scalar.value;
    const hint = isScalar(scalar) && scalar.value !== "" ? ` Put it in quotes: "${scalar.source}".` : "";
    error(range(node, at), `${what} must be text; found ${described(scalar)}.${hint}`);
    return null;
  }

  return {
    root: (document?.contents ?? null) as Node | null,
    whole,
    error,
    warn: (at, message) => note("warning", at, message),
    range,
    follow,
    entries,
    items,
    text: textOf,
  };
}

/** Reports a key that is not among `known`. */
export function unknownKey(reader: Reader, { key, at }: Entry, where: string, known: readonly string[]): void {
  reader.error(at, `Unknown key "${key}" in ${where}.${didYouMean(key, known)} It takes ${choices(known, "and")}.`);
}

/** What a node is, in a few words, for "found ...". */
export function described(node: Node | null): string {
  if (isMap(node)) return "a mapping";
  if (isSeq(node)) return "a list";
  if (!isScalar(node) || node.value === null) return "nothing";
  if (typeof node.value === "string") return node.value === "" ? "empty text" : `the text "${clip(node.value)}"`;
  return typeof node.value === "boolean" ? String(node.value) : `the number ${clip(node.source ?? String(node.value))}`;
}

function clip(words: string): string {
  return words.length > 60 ? `${words.slice(0, 59)}…` : words;
}

function place(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function load(text: string, lines: LineCounter, whole: Range, error: Reader["error"]): Document[] {
  const tooMuch = beyond(text);
  if (tooMuch !== null) {
    error(whole, tooMuch);
    return [];
  }
  try {
    const options = { lineCounter: lines, prettyErrors: false, stringKeys: true, uniqueKeys: false } as const;
    const parsed = parseAllDocuments(text, { ...options, logLevel: "silent", version: "1.2", schema: "core" });
    const documents = Array.isArray(parsed) ? parsed : [];
    const filled = documents.filter(
      ({ contents }) => !(contents === null || (isScalar(contents) && contents.value === null)),
    );
    for (const { errors, warnings } of documents) {
      for (const { message, pos } of errors) error(pos, `This is not valid YAML: ${message}.`);
      for (const { message, pos } of warnings) error(pos, `Tags have no place in a recipe: ${message}. Remove it.`);
    }
    const extra = filled[MAX_DOCUMENTS]?.contents?.range;
    if (extra)
      error([extra[0], extra[1]], `A file may hold ${MAX_DOCUMENTS} recipes; found ${filled.length}. Split it.`);
    return filled.slice(0, MAX_DOCUMENTS);
  } catch (cause) {
    error(whole, `This text cannot be read as YAML: ${messageOf(cause)}.`);
    return [];
  }
}

function beyond(text: string): string | null {
  if (text.length > MAX_TEXT) {
    const [size, most] = [text.length, MAX_TEXT].map((count) => count.toLocaleString("en-US"));
    return `This text has ${size} characters; a recipe may have ${most}. Is it the right file?`;
  }
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = bracket === "[" || bracket === "{" ? depth + 1 : Math.max(0, depth - 1);
    deepest = Math.max(deepest, depth);
  }
  if (deepest <= MAX_DEPTH && !/^[ \t?:-]{201}/m.test(text)) return null;
  return `This text is nested more than ${MAX_DEPTH} levels deep; a recipe needs fewer than ten. Is it the right file?`;
}
