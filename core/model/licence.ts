/**
 * The licence of a model, as its model card states it, and of a mixture of models. Identifiers are
 * those of the Hub's `license:` field. A help for the eye, not legal advice: what is not known to be
 * compatible has no joint licence here.
 */
import type { ByteSource } from "../bytes/source.ts";

/** Front matter comes first in a card; this many bytes hold it. */
const FRONT = 64 * 1024;

/** What a model card says of a model. */
export interface CardFacts {
  /** Its `license:` ("other" gives its `license_name`), or null. */
  readonly licence: string | null;
  /** The first of its `base_model:`, or null. */
  readonly basedOn: string | null;
}

/** The facts in a README's front matter. */
export async function cardFacts(readme: ByteSource | undefined): Promise<CardFacts> {
  if (readme === undefined) return { licence: null, basedOn: null };
  const bytes = await readme.read({ start: 0, end: Math.min(FRONT, readme.size) });
  const text = new TextDecoder().decode(bytes);
  const front = /^\uFEFF?---[ \t]*\r?\n(.*?)\r?\n---/s.exec(text)?.[1];
  if (front === undefined) return { licence: null, basedOn: null };
  const licence = field(front, "license");
  return {
    licence: licence === "other" ? (field(front, "license_name") ?? licence) : licence,
    basedOn: field(front, "base_model"),
  };
}

/** The first value of a top-level field: a word, a quoted word, or the first of a list. */
function field(front: string, name: string): string | null {
  const found = new RegExp(`^${name}:[ \\t]*(?:\\[[ \\t]*|\\r?\\n[ \\t]*-[ \\t]+)?["']?([^"'\\s,\\]#]+)`, "m").exec(
    front,
  );
  return found?.[1] ?? null;
}

const PERMISSIVE = [
  "cc0-1.0",
  "unlicense",
  "wtfpl",
  "isc",
  "mit",
  "bsd-2-clause",
  "bsd-3-clause",
  "bsd",
  "apache-2.0",
] as const;

/** Each from permissive to strict: a licence may be replaced by any later one of the same chain. */
const CHAINS: readonly (readonly string[])[] = [
  [...PERMISSIVE, "cc-by-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0"],
  [...PERMISSIVE, "cc-by-4.0", "cc-by-sa-4.0"],
  [...PERMISSIVE, "lgpl-3.0", "gpl-3.0", "agpl-3.0"],
  ...[
    ["llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "gemma", "deepseek"],
    ["openrail", "openrail++", "creativeml-openrail-m", "bigscience-openrail-m", "bigcode-openrail-m"],
  ]
    .flat()
    .map((terms) => [...PERMISSIVE, terms]),
];

/**
 * The strictest of some licences when all others may be folded into it, else null: null too when one is
 * unknown.
 */
export function joinLicences(licences: readonly (string | null)[]): string | null {
  const names = new Set<string>();
  for (const licence of licences) {
    if (licence === null || licence === "other" || licence === "unknown") return null;
    names.add(licence.toLowerCase());
  }
  const [only] = names;
  if (only === undefined || names.size === 1) return only ?? null;
  const chain = CHAINS.find((candidates) => [...names].every((name) => candidates.includes(name)));
  return chain?.findLast((name) => names.has(name)) ?? null;
}
