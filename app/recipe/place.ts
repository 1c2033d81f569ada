/**
 * Where in a recipe's text a place is: the keys above it, and whether a key or a value stands there. Read from indents,
 * so that it also works while the text is not YAML. Pure.
 */

export interface Place {
  /** Keys from the outermost: ["models", "parameters"]. Names that a person chose are among them. */
  readonly path: readonly string[];
  /** The key whose value stands here; null when a key stands here. */
  readonly key: string | null;
  /** The method of this recipe of the file, as far as it is written. */
  readonly method: string | null;
}

const LEAD = /^( *)((?:- +)*)/;
const PAIR = /^["']?([^\s"':#][^"':]*)["']?:(?:\s|$)/;

interface Line {
  /** Column of the first key or value. */
  readonly column: number;
  /** Column of the first dash before it; null without. */
  readonly dash: number | null;
  readonly key: string | null;
}

function lineOf(text: string): Line | null {
  const [lead = "", spaces = "", dashes = ""] = LEAD.exec(text) ?? [];
  const rest = text.slice(lead.length);
  if (rest.trim() === "" || rest.startsWith("#"))
    return dashes === "" ? null : { column: lead.length, dash: spaces.length, key: null };
  return { column: lead.length, dash: dashes === "" ? null : spaces.length, key: PAIR.exec(rest)?.[1]?.trim() ?? null };
}

export function placeAt(text: string, offset: number): Place {
  const before = text.slice(0, offset).split("\n");
  const current = before.pop() ?? "";
  const start = before.reduce((at, line, i) => (/^---(\s|$)/.test(line) ? i + 1 : at), 0);
  const [lead = "", spaces = "", dashes = ""] = LEAD.exec(current) ?? [];
  const typed = current.slice(lead.length);
  const key = /^["']?([^\s"':#][^"':]*)["']?:\s/.exec(`${typed}${typed.endsWith(":") ? " " : ""}`)?.[1] ?? null;
  const path: string[] = [];
  // A parent's key stands left of `limit`; a list's key may stand right above its dashes.
  let limit = dashes === "" ? lead.length : spaces.length + 1;
  let column = lead.length;
  for (let i = before.length - 1; i >= start && limit > 0; i--) {
    const line = lineOf(before[i] ?? "");
    if (line === null) continue;
    if (line.column === column && line.dash !== null && line.dash < limit) limit = line.dash + 1;
    else if (line.column < limit && line.key !== null) {
      path.unshift(line.key);
      column = line.column;
      limit = line.dash === null ? line.column : line.dash + 1;
    }
  }
  return { path, key: key?.trim() ?? null, method: methodIn(text, offset) };
}

function methodIn(text: string, offset: number): string | null {
  const from = Math.max(0, text.lastIndexOf("\n---", offset - 1));
  const end = text.indexOf("\n---", offset);
  return /^merge_method:[ \t]*["']?([\w-]+)/m.exec(text.slice(from, end < 0 ? undefined : end))?.[1] ?? null;
}
