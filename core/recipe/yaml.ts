/**
 * Pieces of YAML text. Anything a YAML 1.1 reader (Python's) might take for something else is quoted, and
 * numbers are written so that both readers see a number.
 */
import type { Scalar } from "./recipe.ts";
import { parseRef, plainRef, splitRef } from "./ref.ts";

/** Columns after which a list continues on the next line. */
const WIDTH = 100;

/** `key: [a, b]`, over several lines where it is long. */
export function list(key: string, values: readonly Scalar[]): string[] {
  if (values.length === 0) return [`${key}: []`];
  const lines = [`${key}: [`];
  for (const [i, one] of values.entries()) {
    const word = `${scalar(one)}${i + 1 < values.length ? "," : "]"}`;
    const line = lines.at(-1) ?? "";
    if (i > 0 && line.length + word.length >= WIDTH) lines.push(`  ${word}`);
    else lines[lines.length - 1] = i > 0 ? `${line} ${word}` : line + word;
  }
  return lines;
}

/** Lines as one item of a list: a dash, then the rest under it. */
export function item([first = "", ...rest]: readonly string[]): string[] {
  return [`  - ${first}`, ...rest.map((line) => `    ${line}`)];
}

export function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** `key: value`, or nothing for a value that is not there. */
export function line(key: string, value: Scalar | undefined): string[] {
  return value === undefined ? [] : [`${key}: ${scalar(value)}`];
}

/** A line with a model's name: text where the text can say it, otherwise the mapping. */
export function refLine(key: string, ref: string | undefined): string[] {
  return ref === undefined ? [] : [`${key}: ${reference(ref)}`];
}

export function scalar(one: Scalar): string {
  return typeof one === "string" ? text(one) : typeof one === "number" ? number(one) : String(one);
}

/** What is no reference is left as it is, for whoever reads it to complain about. */
function reference(ref: string): string {
  if (typeof splitRef(ref) === "string") return text(ref);
  const { lora, ...model } = parseRef(ref);
  const plain = plainRef(parseRef(ref));
  if (plain !== null) return text(plain);
  const pathOf = ({ path, revision }: typeof model) =>
    `{path: ${text(path)}${revision === undefined ? "" : `, revision: ${text(revision)}`}}`;
  return `{model: ${pathOf(model)}${lora === undefined ? "" : `, lora: ${pathOf(lora)}`}}`;
}

/** Shortest digits that read back equal. YAML 1.1 wants a point before an exponent: 1e-7 is text there. */
function number(one: number): string {
  return String(one).replace(/^(-?\d+)e/, "$1.0e");
}

const PLAIN = /^(?:\.{0,2}\/)?[A-Za-z][\w./@+-]*$/;
const WORDS = /^(?:true|false|yes|no|on|off|y|n|null)$/i;
/** What JSON leaves as it is but YAML does not call printable, or takes for a line break. */
const HIDDEN = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** Plain where no reader can mistake it, otherwise in double quotes with JSON's escapes. */
export function text(words: string): string {
  if (PLAIN.test(words) && !WORDS.test(words)) return words;
  return JSON.stringify(words).replace(HIDDEN, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
