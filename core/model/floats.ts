/**
 * Whole numbers written as floats. JSON knows one kind of number, Python two: a config that says `1.0` and comes back
 * with `1` may be refused by a reader that wants a float there. So it is remembered which keys of a config have a
 * number with a point or an exponent, and printing gives them one again.
 */
import { isList, isObject } from "./config.ts";
import type { Json, JsonObject } from "./model.ts";

/** A string, or a number, or a bracket, or a sign between them. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[[\]{}:,]/g;

/** The keys under which a JSON text, known to be valid, has a whole number written as a float, alone or in a list. */
export function floatKeys(text: string): ReadonlySet<string> {
  const keys = new Set<string>();
  let key = "";
  let last = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === ":") key = JSON.parse(last) as string;
    else if (/[.eE]/.test(token) && /^[-\d]/.test(token) && Number.isInteger(Number(token))) keys.add(key);
    last = token;
  }
  return keys;
}

/** config.json's text: two spaces, and whole numbers as floats under `floats`. */
export function printConfig(config: JsonObject, floats: ReadonlySet<string> = new Set()): string {
  const print = (value: Json, key: string, indent: string): string => {
    const deeper = `${indent}  `;
    if (typeof value === "number" && floats.has(key) && Number.isInteger(value) && Math.abs(value) < 1e21)
      return `${value}.0`;
    if (isList(value)) {
      if (value.length === 0) return "[]";
      return `[\n${value.map((item) => deeper + print(item, key, deeper)).join(",\n")}\n${indent}]`;
    }
    if (isObject(value)) {
      const entries = Object.entries(value);
      if (entries.length === 0) return "{}";
      const lines = entries.map(([name, item]) => `${deeper}${JSON.stringify(name)}: ${print(item, name, deeper)}`);
      return `{\n${lines.join(",\n")}\n${indent}}`;
    }
    return JSON.stringify(value);
  };
  return `${print(config, "", "")}\n`;
}
