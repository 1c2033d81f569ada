/**
 * tokenizer.json as data: which token has which row, what joins to what, and which tokens were added on top. The rest of
 * the file (normaliser, splitting, template) is kept as it is and never interpreted.
 * Layout: https://huggingface.co/docs/tokenizers/api/models
 */
import type { ByteSource } from "../bytes/source.ts";
import { messageOf, WeightloomError } from "../errors.ts";
import { quote, readJson } from "../formats/json.ts";
import { isList, isObject, readJson as readConfig } from "../model/config.ts";
import { VOCABULARY_FILES } from "../model/filenames.ts";
import type { Json, JsonObject, Model } from "../model/model.ts";

export const KINDS = ["BPE", "Unigram", "WordPiece", "WordLevel"] as const;
export type TokenizerKind = (typeof KINDS)[number];

/** A token that text is searched for before anything else happens to it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

export interface Tokenizer {
  /** What the recipe calls the model it came with. */
  readonly ref: string;
  readonly kind: TokenizerKind;
  /** The whole file. */
  readonly json: JsonObject;
  /** Ordinary tokens by id, smallest first. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Of a BPE: pairs, the first to be joined first; null for the others. */
  readonly merges: readonly (readonly [string, string])[] | null;
  /** Smallest id first. */
  readonly added: readonly AddedToken[];
  /** Ordinary and added tokens. */
  readonly ids: ReadonlyMap<string, number>;
}

/** Ids are below it: sixteen times as many as the largest vocabularies have. */
const MOST = 2 ** 22;
/** 256 thousand tokens with their merges take 35 MB. */
const LIMIT = 200_000_000;
const FLAGS = ["single_word", "lstrip", "rstrip", "normalized", "special"] as const;
const AGAIN = "Download it again.";

type Refuse = (what: string) => WeightloomError;

/** The text of a small file, which must be UTF-8. */
export async function textOf(source: ByteSource): Promise<string> {
  const bytes = await source.read({ start: 0, end: source.size });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new WeightloomError("FormatError", `${source.name}: it is not UTF-8 text. ${AGAIN}`, { cause });
  }
}

/** True when the model comes with a tokenizer that can be read here. */
export const hasTokenizer = (model: Pick<Model, "extras">): boolean => model.extras.has("tokenizer.json");

/** Tokenizers by the model object they came with; a recipe is planned again at every change of it. */
const kept = new WeakMap<object, Promise<Tokenizer>>();

/**
 * Reads a model's tokenizer.json, once per opened model.
 * @throws FormatError when there is none, or it is not what a tokenizer must be
 */
export function readTokenizer(model: Pick<Model, "ref" | "extras">): Promise<Tokenizer> {
  const known = kept.get(model);
  if (known !== undefined) return known;
  const reading = read(model);
  kept.set(model, reading);
  reading.catch(() => kept.delete(model));
  return reading;
}

async function read(model: Pick<Model, "ref" | "extras">): Promise<Tokenizer> {
  const source = model.extras.get("tokenizer.json");
  if (source === undefined) throw missing(model);
  const refuse: Refuse = (what) => new WeightloomError("FormatError", `${model.ref}: tokenizer.json: ${what}`);
  if (source.size > LIMIT) {
    throw refuse(
      `the file has ${source.size.toLocaleString("en")} bytes; at most ${LIMIT.toLocaleString("en")} are read. ${AGAIN}`,
    );
  }
  const json = strictJson(await textOf(source), refuse);
  return withConfigured(tokenizerOf(model.ref, json, refuse), await addedInConfig(model));
}

function missing({ ref, extras }: Pick<Model, "ref" | "extras">): WeightloomError {
  const found = VOCABULARY_FILES.find((name) => extras.has(name));
  const files = found === undefined ? "it has no tokenizer.json" : `it has ${found}, but no tokenizer.json`;
  const how =
    found === undefined
      ? "Add the tokenizer.json that belongs to the model, or take the tokenizer settings out of the recipe."
      : 'Make one in Python: `AutoTokenizer.from_pretrained("FOLDER", use_fast=True).save_pretrained("FOLDER")` of the transformers library, then add the model again.';
  return new WeightloomError(
    "FormatError",
    `${ref}: ${files}, and tokenizers are read from tokenizer.json only. ${how}`,
  );
}

/** JSON without equal keys, half surrogates or endless nesting, which JSON.parse alone would let pass. */
function strictJson(text: string, refuse: Refuse): JsonObject {
  const reader = readJson(text, (what) => refuse(`${what}. The file is damaged. ${AGAIN}`));
  if (reader.next() !== "object") throw refuse(`it must hold a JSON object. ${AGAIN}`);
  reader.skip();
  reader.end();
  try {
    return JSON.parse(text) as JsonObject;
  } catch (cause) {
    throw refuse(`reading it failed (${messageOf(cause)}). ${AGAIN}`);
  }
}

/** A tokenizer from the parsed file. */
function tokenizerOf(ref: string, json: JsonObject, refuse: Refuse): Tokenizer {
  const { model } = json;
  if (!isObject(model)) throw refuse(`it has no "model". ${AGAIN}`);
  const kind = kindOf(model, refuse);
  const vocabulary = kind === "Unigram" ? pieces(model.vocab, refuse) : words(model.vocab, refuse);
  const merges = kind === "BPE" ? pairs(model.merges, vocabulary, refuse) : null;
  const added = addedTokens(json.added_tokens, refuse);
  return { ref, kind, json, vocabulary, merges, added, ids: idsOf(vocabulary, added, refuse) };
}

/** The first files named no type; a list of pieces is a Unigram, merges make a BPE. */
function kindOf(model: JsonObject, refuse: Refuse): TokenizerKind {
  const { type } = model;
  const guess = isList(model.vocab) ? "Unigram" : isList(model.merges) ? "BPE" : "WordPiece";
  const found = type === undefined || type === null ? guess : KINDS.find((kind) => kind === type);
  if (found !== undefined) return found;
  throw refuse(
    `its model has the type ${quote(String(type))}; ${KINDS.join(", ")} are known. Use a model with one of those, or leave the tokenizer settings out of the recipe.`,
  );
}

const isId = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value < MOST;

function words(vocab: Json | undefined, refuse: Refuse): Map<string, number> {
  if (!isObject(vocab)) throw refuse(`"model.vocab" must be an object of tokens and their ids. ${AGAIN}`);
  const entries = Object.entries(vocab).map(([token, id]): [string, number] => {
    if (!isId(id))
      throw refuse(`the token ${quote(token)} has the id ${JSON.stringify(id)}, which is no row. ${AGAIN}`);
    return [token, id];
  });
  entries.sort((a, b) => a[1] - b[1]);
  const twice = entries.findIndex(([, id], i) => i > 0 && entries[i - 1]?.[1] === id);
  if (twice > 0) {
    const [a, b] = [entries[twice - 1], entries[twice]];
    throw refuse(`the tokens ${quote(a?.[0] ?? "")} and ${quote(b?.[0] ?? "")} both have the id ${a?.[1]}. ${AGAIN}`);
  }
  return new Map(entries);
}

function pieces(vocab: Json | undefined, refuse: Refuse): Map<string, number> {
  if (!isList(vocab)) throw refuse(`"model.vocab" of a Unigram must be a list of pieces and their scores. ${AGAIN}`);
  const found = new Map<string, number>();
  vocab.forEach((entry, id) => {
    const [piece, score] = isList(entry) ? entry : [];
    if (typeof piece !== "string" || typeof score !== "number" || (isList(entry) && entry.length !== 2)) {
      throw refuse(`entry ${id} of "model.vocab" is ${short(entry)}; it must be a piece and its score. ${AGAIN}`);
    }
    // Some files hold a piece twice; the later one is what the library looks up.
    found.set(piece, id);
  });
  return found;
}

/** `"a b"` in older files, `["a", "b"]` in newer ones, where tokens may hold spaces. */
function pairs(
  merges: Json | undefined,
  vocabulary: ReadonlyMap<string, number>,
  refuse: Refuse,
): (readonly [string, string])[] {
  if (!isList(merges)) throw refuse(`"model.merges" of a BPE must be a list of pairs. ${AGAIN}`);
  return merges.map((entry, i) => {
    const two = typeof entry === "string" ? entry.split(" ") : isList(entry) ? entry : [];
    const [a, b] = two;
    if (two.length !== 2 || typeof a !== "string" || typeof b !== "string") {
      throw refuse(`merge ${i} is ${short(entry)}; it must be two tokens. ${AGAIN}`);
    }
    const unknown = [a, b].find((token) => !vocabulary.has(token));
    if (unknown !== undefined) {
      throw refuse(`merge ${i} joins ${quote(unknown)}, which is not in the vocabulary. ${AGAIN}`);
    }
    return [a, b];
  });
}

function addedTokens(list: Json | undefined, refuse: Refuse): AddedToken[] {
  if (list === undefined || list === null) return [];
  if (!isList(list)) throw refuse(`"added_tokens" must be a list. ${AGAIN}`);
  return list
    .map((entry, i): AddedToken => {
      const found = isObject(entry) && isId(entry.id) ? addedToken(entry.id, entry) : null;
      if (found === null) {
        throw refuse(`added token ${i} is ${short(entry)}; it must have an id and a content. ${AGAIN}`);
      }
      return found;
    })
    .sort((a, b) => a.id - b.id);
}

/** An added token from its description, or null when it has no content. Flags that are absent are false. */
function addedToken(id: number, entry: Json): AddedToken | null {
  if (!isObject(entry) || typeof entry.content !== "string") return null;
  const flags = Object.fromEntries(FLAGS.map((flag) => [flag, entry[flag] === true]));
  return { id, content: entry.content, ...flags } as unknown as AddedToken;
}

function idsOf(
  vocabulary: ReadonlyMap<string, number>,
  added: readonly AddedToken[],
  refuse: Refuse,
): ReadonlyMap<string, number> {
  const ids = new Map(vocabulary);
  const owner: string[] = [];
  for (const [token, id] of vocabulary) owner[id] = token;
  for (const { id, content } of added) {
    const other = owner[id];
    if (other !== undefined && other !== content) {
      throw refuse(`the tokens ${quote(other)} and ${quote(content)} both have the id ${id}. ${AGAIN}`);
    }
    owner[id] = content;
    ids.set(content, id);
  }
  return ids;
}

/** Tokens that only tokenizer_config.json adds; transformers gives them the next free ids when it loads the tokenizer. */
async function addedInConfig(model: Pick<Model, "extras">): Promise<readonly AddedToken[]> {
  const source = model.extras.get("tokenizer_config.json");
  if (source === undefined) return [];
  const { added_tokens_decoder: decoder } = await readConfig(source);
  if (!isObject(decoder)) return [];
  return Object.entries(decoder)
    .flatMap(([id, entry]) => addedToken(Number(id), entry) ?? [])
    .sort((a, b) => a.id - b.id);
}

function withConfigured(tokenizer: Tokenizer, configured: readonly AddedToken[]): Tokenizer {
  const more = configured.filter(({ content }) => !tokenizer.ids.has(content));
  if (more.length === 0) return tokenizer;
  const next = nextId(tokenizer.ids);
  const fresh = more.map((token, i) => ({ ...token, id: next + i }));
  return {
    ...tokenizer,
    added: [...tokenizer.added, ...fresh],
    ids: new Map([...tokenizer.ids, ...fresh.map(({ content, id }): [string, number] => [content, id])]),
  };
}

/** One more than the largest id. */
export function nextId(ids: ReadonlyMap<string, number>): number {
  let next = 0;
  for (const id of ids.values()) next = Math.max(next, id + 1);
  return next;
}

const short = (value: Json | undefined) => (JSON.stringify(value) ?? "nothing").slice(0, 60);
