/** What a recipe says about the vocabulary: whose tokenizer, where embeddings of single tokens come from, and the chat template. */
import { isMap, isScalar } from "yaml";
import { find, given, readCount, readRef, readWord } from "./fields.ts";
import { described, type Entry, type Range, type Reader, unknownKey } from "./reader.ts";
import type { TokenizerSettings, TokenRule, TokenSource } from "./recipe.ts";
import * as words from "./words.ts";

const MOST_IDS = 2 ** 31 - 1;
const MOST_PADDING = 65_536;

/** "union", "base" or a model; undefined and a diagnostic otherwise. */
export function readTokenizerSource(reader: Reader, entry: Entry): string | undefined {
  if (entry.node === null) return undefined;
  const word = isScalar(entry.node)
    ? words.TOKENIZERS.find((one) => one === (entry.node as { value?: unknown }).value)
    : undefined;
  return word ?? readRef(reader, entry);
}

/** Reads `tokenizer:`; the range of its source goes to `seen`, for what only the whole recipe can tell. */
export function readTokenizer(
  reader: Reader,
  { node, at }: Entry,
  seen: (source: Range) => void,
): TokenizerSettings | undefined {
  if (node === null) return undefined;
  const entries = reader.entries(node, at, '"tokenizer"');
  if (entries === null) return undefined;
  const draft: { -readonly [K in keyof TokenizerSettings]?: TokenizerSettings[K] | undefined } = {};
  for (const entry of entries) {
    if (entry.node === null && words.TOKENIZER_KEYS.includes(entry.key)) continue;
    if (entry.key === "source") {
      draft.source = readTokenizerSource(reader, entry);
      seen(reader.range(entry.node, entry.at));
    } else if (entry.key === "tokens") draft.tokens = readTokens(reader, entry);
    else if (entry.key === "pad_to_multiple_of") draft.pad_to_multiple_of = readCount(reader, entry, 1, MOST_PADDING);
    else unknownKey(reader, entry, '"tokenizer"', words.TOKENIZER_KEYS);
  }
  return given(draft);
}

function readTokens(reader: Reader, { node, at }: Entry): Readonly<Record<string, TokenRule>> | undefined {
  const entries = reader.entries(node, at, '"tokens"');
  if (entries === null) return undefined;
  const rules = entries.map((one): [string, TokenRule] => {
    if (one.key === "") reader.error(one.at, `A token of "tokens" is empty text. Write the token, in quotes.`);
    return [one.key, one.node === null ? {} : readRule(reader, one)];
  });
  return Object.fromEntries(rules);
}

function readRule(reader: Reader, { key, node, at }: Entry): TokenRule {
  const what = `token "${key}"`;
  const draft: { source?: TokenSource | undefined; force?: boolean | undefined } = {};
  for (const entry of reader.entries(node, at, what) ?? []) {
    if (entry.node === null && words.TOKEN_KEYS.includes(entry.key)) continue;
    if (entry.key === "source") draft.source = readRowSource(reader, entry, key);
    else if (entry.key === "force") draft.force = readFlag(reader, entry);
    else unknownKey(reader, entry, what, words.TOKEN_KEYS);
  }
  return given(draft);
}

function readFlag(reader: Reader, { key, node, at }: Entry): boolean | undefined {
  if (isScalar(node) && typeof node.value === "boolean") return node.value;
  const found = described(node);
  reader.error(reader.range(node, at), `"${key}" must be true or false; found ${found}. Write true or false.`);
  return undefined;
}

/** A model, nothing, or a token of a model. */
function readRowSource(reader: Reader, entry: Entry, token: string): TokenSource | undefined {
  const { node, at } = entry;
  const entries = isMap(node) ? (reader.entries(node, at, `the source of token "${token}"`) ?? []) : [];
  const kinded = ["kind", "token", "token_id"].some((key) => find(entries, key) !== undefined);
  if (!kinded) return readRef(reader, entry);
  const here = reader.range(node, at);
  const kindEntry = find(entries, "kind");
  if (kindEntry === undefined) {
    reader.error(here, `The source of token "${token}" has no kind. Add "kind: model_token", or "kind: zero".`);
    return undefined;
  }
  const kind = readWord(reader, kindEntry, words.ROW_KINDS);
  if (kind === undefined) return undefined;
  const known = kind === "zero" ? ["kind"] : words.ROW_KEYS;
  for (const one of entries) if (!known.includes(one.key)) unknownKey(reader, one, `a source of kind ${kind}`, known);
  return kind === "zero" ? { kind } : readModelToken(reader, entries, here, token);
}

function readModelToken(reader: Reader, entries: readonly Entry[], at: Range, of: string): TokenSource | undefined {
  const [model, token, id] = ["model", "token", "token_id"].map((key) => find(entries, key));
  const which = [token, id].filter((one) => one !== undefined && one.node !== null);
  if (model === undefined) reader.error(at, `The source of token "${of}" names no model. Add "model: name".`);
  if (which.length !== 1) {
    const found = which.length === 0 ? "neither" : "both";
    reader.error(at, `The source of token "${of}" has either "token" or "token_id"; found ${found}. Give one.`);
  }
  const name = model === undefined ? undefined : readRef(reader, model);
  const text = token === undefined || token.node === null ? undefined : reader.text(token.node, token.at, '"token"');
  const number = id === undefined || id.node === null ? undefined : readCount(reader, id, 0, MOST_IDS);
  if (name === undefined || which.length !== 1 || text === null) return undefined;
  if (text !== undefined) return { kind: "model_token", model: name, token: text };
  return number === undefined ? undefined : { kind: "model_token", model: name, token_id: number };
}

/** "auto", the name of a template, or a template; undefined and a diagnostic otherwise. */
export function readTemplate(reader: Reader, { node, at }: Entry): string | undefined {
  if (node === null) return undefined;
  const text = reader.text(node, at, '"chat_template"') ?? undefined;
  if (text === undefined || text === "auto" || words.TEMPLATES.includes(text) || text.includes("{")) return text;
  const known = ["auto", ...words.TEMPLATES];
  const hint = words.didYouMean(text, known);
  const wanted = `${words.choices(known)}, or a Jinja template with at least one "{"`;
  reader.error(reader.range(node, at), `"chat_template" must be ${wanted}; found ${described(node)}.${hint}`);
  return undefined;
}

/** A source that is a misspelt word rather than a model; `models` are the recipe's. */
export function checkTokenizerSource(reader: Reader, source: string, at: Range, models: readonly string[]): void {
  if (words.TOKENIZERS.some((word) => word === source) || models.includes(source)) return;
  const guess = words.nearest(source, words.TOKENIZERS);
  if (guess === undefined) return;
  const what = `The tokenizer's source is "${source}", which is neither "union", "base" nor a model of the recipe`;
  reader.error(at, `${what}. Did you mean "${guess}"? A folder of that name is written "./${source}".`);
}
