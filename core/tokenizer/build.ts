/**
 * The result's tokenizer. It is always one model's tokenizer with tokens cut off its end or appended to it: a model's rules
 * for splitting text cannot be mixed, so tokens that another model brings are searched for as whole words.
 */
import { WeightloomError } from "../errors.ts";
import { quoteSome } from "../formats/json.ts";
import { isList, isObject } from "../model/config.ts";
import type { Json, JsonObject } from "../model/model.ts";
import { type AddedToken, nextId, type Tokenizer } from "./read.ts";

/** A tokenizer and the rows its model has for it. */
export interface Party {
  readonly ref: string;
  readonly tokenizer: Tokenizer;
  /** Tokens from here on have no row: the vocabulary size the model's config gives. */
  readonly size: number;
}

export interface BuiltTokenizer {
  readonly tokenizer: Tokenizer;
  /** The model whose tokenizer it grew from. */
  readonly from: string;
  /** False when it is that tokenizer, untouched. */
  readonly changed: boolean;
  /** Ordinary tokens of other models that were appended. */
  readonly appended: number;
  readonly notes: readonly string[];
}

/** What is added for a token that is only named: found anywhere, in normalised text. */
const WORD = { single_word: false, lstrip: false, rstrip: false, normalized: true, special: false } as const;

/**
 * @param source "union", "base" or a model's name
 * @param parties every model that takes part, the base first
 * @param chosen the tokenizer of the model that `source` names
 * @param extra tokens to append after all others
 */
export function buildTokenizer(
  source: string,
  parties: readonly Party[],
  chosen: Tokenizer | null,
  extra: readonly string[],
): BuiltTokenizer {
  const [base] = parties;
  if (base === undefined) throw new WeightloomError("PlanError", "The recipe names no model. Add one under models.");
  const start = chosen ?? stripped(base);
  const notes: string[] = [];
  const growing = grow(start);
  const appended = source === "union" && chosen === null ? unite(growing, parties, notes) : 0;
  for (const token of extra) growing.append(token, WORD);
  const tokenizer = growing.done();
  return { tokenizer, from: start.ref, changed: tokenizer !== (chosen ?? base.tokenizer), appended, notes };
}

interface Growing {
  has(token: string): boolean;
  isAdded(token: string): boolean;
  /** Gives the token the next id, or keeps the one it has; an added token keeps its first definition. */
  append(content: string, flags: Omit<AddedToken, "id" | "content">): void;
  done(): Tokenizer;
}

function grow(start: Tokenizer): Growing {
  const ids = new Map(start.ids);
  const added = new Map(start.added.map((token) => [token.content, token]));
  const before = added.size;
  let next = nextId(ids);
  return {
    has: (token) => ids.has(token),
    isAdded: (token) => added.has(token),
    append: (content, flags) => {
      if (added.has(content)) return;
      const known = ids.get(content);
      // An ordinary token that is only named is in the vocabulary already.
      if (known !== undefined && flags === WORD) return;
      const id = known ?? next++;
      ids.set(content, id);
      added.set(content, { ...flags, id, content });
    },
    done: () => {
      if (added.size === before) return start;
      const list = [...added.values()].sort((a, b) => a.id - b.id);
      return { ...start, ids, added: list, json: { ...start.json, added_tokens: list.map(described) } };
    },
  };
}

/** The other models' tokens: ordinary ones first, then added ones. Returns how many ordinary ones came. */
function unite(growing: Growing, parties: readonly Party[], notes: string[]): number {
  const definitions = new Map<string, AddedToken>();
  const differing = new Set<string>();
  for (const { ref, tokenizer, size } of parties) {
    const unused = [...tokenizer.ids].filter(([, id]) => id >= size);
    if (unused.length > 0) {
      notes.push(
        `${ref}: ${quoteSome(unused.map(([token]) => token))} ${unused.length === 1 ? "has" : "have"} no row in its embedding and ${unused.length === 1 ? "is" : "are"} left out.`,
      );
    }
    for (const token of tokenizer.added) {
      if (token.id >= size) continue;
      const first = definitions.get(token.content);
      if (first === undefined) definitions.set(token.content, token);
      else if (!alike(first, token)) differing.add(token.content);
    }
  }
  if (differing.size > 0) {
    notes.push(
      `${quoteSome([...differing])}: added with different settings by several models; the first one's are used.`,
    );
  }
  let ordinary = 0;
  for (const { tokenizer, size } of parties) {
    for (const [token, id] of tokenizer.vocabulary) {
      if (id >= size || definitions.has(token) || growing.has(token)) continue;
      growing.append(token, WORD);
      ordinary++;
    }
  }
  for (const { id: _, content, ...flags } of definitions.values()) growing.append(content, flags);
  return ordinary;
}

const alike = (a: AddedToken, b: AddedToken) =>
  a.single_word === b.single_word &&
  a.lstrip === b.lstrip &&
  a.rstrip === b.rstrip &&
  a.normalized === b.normalized &&
  a.special === b.special;

const described = (token: AddedToken): JsonObject => ({ ...token });

/** The tokenizer without the tokens whose id its model has no row for. */
export function stripped({ ref, tokenizer, size }: Party): Tokenizer {
  const kept = new Map([...tokenizer.ids].filter(([, id]) => id < size));
  if (kept.size === tokenizer.ids.size) return tokenizer;
  const { json, kind } = tokenizer;
  const vocabulary = new Map([...tokenizer.vocabulary].filter(([, id]) => id < size));
  const added = tokenizer.added.filter(({ id }) => id < size);
  const merges = tokenizer.merges?.filter(([a, b]) => joins(tokenizer, vocabulary, a, b)) ?? null;
  const model = isObject(json.model) ? json.model : {};
  if (kind === "Unigram" && typeof model.unk_id === "number" && model.unk_id >= size) {
    throw new WeightloomError(
      "PlanError",
      `${ref}: its unknown token has the id ${model.unk_id}, but the model's vocabulary ends at ${size}. Choose another model for the tokenizer.`,
    );
  }
  const vocab: Json = kind === "Unigram" && isList(model.vocab) ? model.vocab.slice(0, size) : objectOf(vocabulary);
  return {
    ...tokenizer,
    vocabulary,
    added,
    merges,
    ids: kept,
    json: {
      ...json,
      added_tokens: added.map(described),
      model: { ...model, vocab, ...(merges === null ? {} : { merges: merges.map((pair) => writtenAs(model, pair)) }) },
    },
  };
}

/** True when both halves and what they join to are still there. */
function joins({ json }: Tokenizer, vocabulary: ReadonlyMap<string, number>, a: string, b: string): boolean {
  if (!vocabulary.has(a) || !vocabulary.has(b)) return false;
  const prefix = isObject(json.model) ? json.model.continuing_subword_prefix : null;
  const tail = typeof prefix === "string" && prefix !== "" && b.startsWith(prefix) ? b.slice(prefix.length) : b;
  return vocabulary.has(a + tail);
}

/** In the form the file uses. */
function writtenAs(model: JsonObject, [a, b]: readonly [string, string]): Json {
  const first = isList(model.merges) ? model.merges[0] : undefined;
  return typeof first === "string" ? `${a} ${b}` : [a, b];
}

/** A null prototype, so that a token called `__proto__` is only a key. */
function objectOf(vocabulary: ReadonlyMap<string, number>): JsonObject {
  const vocab = Object.create(null) as Record<string, number>;
  for (const [token, id] of vocabulary) vocab[token] = id;
  return vocab;
}

/** Refuses names that cannot be tokens. */
export function checkTokens(tokens: readonly string[]): void {
  if (!tokens.includes("")) return;
  throw new WeightloomError(
    "RecipeError",
    `tokenizer.tokens has the key ""; a token must have at least one character. Take it out.`,
  );
}
