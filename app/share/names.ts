/**
 * What of a document may leave the machine: models by name only. A reference that is a path keeps its last folder; a
 * repository (`org/name@revision`) is a name already. Pure.
 */
import { WeightloomError } from "../../core/errors.ts";
import { type Document, modelsOfDocument, printDocument } from "../../core/recipe/document.ts";
import { formatRef, type ModelPath, parseRef } from "../../core/recipe/ref.ts";
import { renamesInDocument } from "../state/rename.ts";

/** `org/name` or `name`; anything else is somewhere on a disk or behind an address. */
const NAME = /^(?!\.{1,2}(\/|$))[\w.-]+(\/[\w.-]+)?$/;
const DRIVE = /^[A-Za-z]:/;

function bare(one: ModelPath): ModelPath {
  if (NAME.test(one.path)) return one;
  const path = one.path
    .replace(DRIVE, "")
    .replace(/[?#].*$/, "")
    .split(/[\\/]+/)
    .filter((part) => part !== "" && part !== "." && part !== "..")
    .at(-1)
    // An address may carry a password before an at-sign.
    ?.replace(/^.*@/, "");
  return { ...one, path: path === undefined || path === "" || path === "~" ? "model" : path };
}

/** The name a reference has for somebody else. */
export function bareName(ref: string): string {
  const { lora, ...model } = parseRef(ref);
  return formatRef({ ...bare(model), ...(lora === undefined ? {} : { lora: bare(lora) }) });
}

/** The document with bare names, told apart by numbers where two paths end alike. */
export function withoutPaths(document: Document): Document {
  const names = modelsOfDocument(document);
  const taken = new Set(names.filter((name) => bareName(name) === name));
  const renames = new Map<string, string>();
  for (const name of names) {
    const short = bareName(name);
    if (short === name) continue;
    let free = short;
    for (let n = 2; taken.has(free); n++) free = `${short}-${n}`;
    taken.add(free);
    renames.set(name, free);
  }
  return renames.size === 0 ? document : renamesInDocument(document, (name) => renames.get(name) ?? name);
}

/** What access tokens of the Hub, of GitHub and of the usual interfaces look like. */
const TOKEN = /\b(hf_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|sk-[A-Za-z0-9_-]{20,})/;

/** The YAML that may be shared. Throws a RecipeError when something in it looks like a secret. */
export function shareableText(document: Document): string {
  const text = printDocument(withoutPaths(document));
  const line = text.split("\n").findIndex((one) => TOKEN.test(one));
  if (line >= 0) {
    const key = /[\w-]+(?=:)/.exec(text.split("\n")[line] ?? "")?.[0] ?? "it";
    throw new WeightloomError(
      "RecipeError",
      `The recipe holds what looks like an access token (in "${key}"). A link shows it to everybody who has the link, so none was made. Take it out and copy the link again.`,
    );
  }
  return text;
}
