/**
 * How models are named: `path[@revision][+adapter[@revision]]`. A document may write that text, or the mapping
 * `{model: {path, revision}, lora: {path, revision}}` for paths that contain a plus or an at-sign. In a Recipe it is
 * always text in one form, where `%2B` and `%40` stand for a plus and an at-sign of the path itself, and
 * `%25` for a per cent sign that would be taken for one of these three.
 */
import { WeightloomError } from "../errors.ts";

/** A local folder or a repository, at a branch, tag or commit if one is given. */
export interface ModelPath {
  readonly path: string;
  readonly revision?: string;
}

export interface ModelRef extends ModelPath {
  /** An adapter that is applied to the model first. */
  readonly lora?: ModelPath;
}

const ESCAPES: Readonly<Record<string, string>> = { "+": "%2B", "@": "%40", "%": "%25" };

/** The reference a Recipe's text means. Throws a RecipeError for text that is none. */
export function parseRef(text: string): ModelRef {
  const read = splitRef(text);
  if (typeof read === "string") throw new WeightloomError("RecipeError", read);
  const { lora } = read;
  return lora === undefined ? decoded(read) : { ...decoded(read), lora: decoded(lora) };
}

/** The one text of a reference; `parseRef` gives it back. */
export function formatRef({ lora, ...model }: ModelRef): string {
  return lora === undefined ? encoded(model) : `${encoded(model)}+${encoded(lora)}`;
}

/** Reads a reference as documents write it, where a per cent sign means itself; a sentence when it is none. */
export function splitRef(text: string): ModelRef | string {
  const quoted = JSON.stringify(text);
  const [model = "", adapter, ...more] = text.split("+");
  if (more.length > 0) {
    return `The model ${quoted} has ${more.length + 1} plus signs; there may be one, before an adapter. ${MAPPING}`;
  }
  const parts: ModelPath[] = [];
  for (const part of adapter === undefined ? [model] : [model, adapter]) {
    const [path = "", revision, ...others] = part.split("@");
    if (others.length > 0) {
      const count = others.length + 1;
      return `The model ${quoted} has ${count} at-signs in ${JSON.stringify(part)}; there may be one, before a revision. ${MAPPING}`;
    }
    if (path.trim() === "") {
      const missing = parts.length === 0 ? "path" : "adapter after the plus sign";
      return `The model ${quoted} has no ${missing}. Write "path@revision+adapter@revision"; only the path is needed.`;
    }
    if (revision?.trim() === "") {
      return `The model ${quoted} has no revision after the at-sign. Remove the sign, or add a branch, tag or commit.`;
    }
    parts.push(revision === undefined ? { path } : { path, revision });
  }
  const [first, lora] = parts as [ModelPath, ModelPath?];
  return lora === undefined ? first : { ...first, lora };
}

const MAPPING = 'A path that contains the sign itself is written "{model: {path: ...}}".';

/** A reference as documents write it; null when only the mapping can say it. */
export function plainRef({ lora, ...model }: ModelRef): string | null {
  const parts = lora === undefined ? [model] : [model, lora];
  if (parts.some(({ path, revision = "" }) => /[+@]/.test(path) || /[+@]/.test(revision))) return null;
  return parts.map(({ path, revision }) => (revision === undefined ? path : `${path}@${revision}`)).join("+");
}

const encode = (words: string) => words.replace(/[+@]|%(?=2B|40|25)/gi, (sign) => ESCAPES[sign] ?? sign);
const decode = (words: string) =>
  words.replace(/%(2B|40|25)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

function encoded({ path, revision }: ModelPath): string {
  return revision === undefined ? encode(path) : `${encode(path)}@${encode(revision)}`;
}

function decoded({ path, revision }: ModelPath): ModelPath {
  return revision === undefined ? { path: decode(path) } : { path: decode(path), revision: decode(revision) };
}
