/** The words a document may use, and the closest known word to a misspelt one. */
import type { RecipeDtype } from "./recipe.ts";

export const TOP_KEYS = [
  "merge_method",
  "models",
  "slices",
  "modules",
  "base_model",
  "parameters",
  "dtype",
  "out_dtype",
  "tokenizer_source",
  "tokenizer",
  "chat_template",
  "name",
  "compat",
];
export const MODEL_KEYS = ["model", "parameters"];
export const SLICE_KEYS = ["sources", "base_model", "parameters"];
export const SOURCE_KEYS = ["model", "layer_range", "parameters"];
export const MODULE_KEYS = ["models", "slices", "parameters"];
export const CONDITION_KEYS = ["filter", "value"];
export const REF_KEYS = ["model", "lora", "override_architecture"];
export const PATH_KEYS = ["path", "revision"];
export const TOKENIZER_KEYS = ["source", "tokens", "pad_to_multiple_of"];
export const TOKEN_KEYS = ["source", "force"];
export const ROW_KINDS = ["zero", "model_token"] as const;
export const ROW_KEYS = ["kind", "model", "token", "token_id"];

/** Tokenizer sources that are not models. */
export const TOKENIZERS = ["union", "base"] as const;
/** Chat templates known by name. */
export const TEMPLATES: readonly string[] = ["alpaca", "chatml", "exaone", "llama3", "mistral"];
export const COMPATS = ["mergekit"] as const;

export const DTYPES: readonly RecipeDtype[] = ["float32", "float16", "bfloat16"];

const DTYPE_NICKNAMES: Readonly<Record<string, RecipeDtype>> = {
  bf16: "bfloat16",
  brainfloat: "bfloat16",
  fp16: "float16",
  f16: "float16",
  half: "float16",
  fp32: "float32",
  f32: "float32",
  float: "float32",
  full: "float32",
};

/** The dtype a word means, allowing torch's prefix; undefined when it is none. */
export function dtypeNamed(word: string): RecipeDtype | undefined {
  return DTYPES.find((dtype) => word === dtype || word === `torch.${dtype}`);
}

/** The dtype somebody who wrote `word` most likely wants. */
export function nearestDtype(word: string): string | undefined {
  const bare = word.toLowerCase().replace(/^torch\./, "");
  return DTYPE_NICKNAMES[bare] ?? nearest(bare, DTYPES);
}

/** `"a", "b" or "c"`. */
export function choices(words: readonly string[], joiner = "or"): string {
  const quoted = words.map((word) => `"${word}"`);
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} ${joiner} ${quoted.at(-1)}`;
}

/** ` Did you mean "density"?` when a choice is close to `word`, else nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const guess = nearest(word, known);
  return guess === undefined ? "" : ` Did you mean "${guess}"?`;
}

/** The choice fewest edits away from `word`, if that is at most a third of its letters. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase().slice(0, 64);
  let best: string | undefined;
  let least = Math.max(1, Math.floor(lower.length / 3)) + 1;
  for (const choice of known) {
    const edits = distance(lower, choice.toLowerCase());
    if (edits < least) [best, least] = [choice, edits];
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(row[j - 1]! + 1, above[j]! + 1, above[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, before[j - 2]! + 1);
      row.push(edits);
    }
    [before, above] = [above, row];
  }
  return above[b.length]!;
}
