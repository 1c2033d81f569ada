/** What may stand at a place of a recipe, each word with the sentence that explains it. Pure. */
import type { AnyMethod, Param } from "../../core/method.ts";
import {
  COMPATS,
  CONDITION_KEYS,
  DTYPES,
  MODEL_KEYS,
  MODULE_KEYS,
  SLICE_KEYS,
  SOURCE_KEYS,
  TEMPLATES,
  TOKEN_KEYS,
  TOKENIZER_KEYS,
  TOKENIZERS,
  TOP_KEYS,
} from "../../core/recipe/words.ts";
import { METHODS } from "../../methods/index.ts";
import type { Place } from "./place.ts";

export interface Word {
  readonly word: string;
  readonly kind: "key" | "method" | "parameter" | "model" | "value";
  readonly about: string;
}

const KEYS: Readonly<Record<string, string>> = {
  merge_method: "How the models become one. Each method has its own parameters.",
  models: "The models that are merged, whole. Beside it there may be no slices and no modules.",
  slices: "The result as a stack: each slice is made from ranges of layers, in the order written.",
  modules: "The parts of a model with several (a vision tower beside a language model), each with its own models.",
  base_model: "The model the others were fine-tuned from. Some methods need it, some take it, some have none.",
  parameters: "Numbers of the method. At the top they hold for all; at a slice or a model for that one.",
  dtype: "The type of the result unless out_dtype is given. Computing is in F32 either way.",
  out_dtype: "The type the result is written in: float32, float16 or bfloat16.",
  tokenizer_source: "The older way to say whose tokens the result has: union, base or a model.",
  tokenizer: "Whose tokens the result has, and where single tokens come from.",
  chat_template: "The template for conversations: auto, a name, or a template.",
  name: "What other recipes of this file call the result of this one.",
  compat: "`mergekit` follows mergekit where this studio does better by default.",
  model: "A model by its name: `path`, `path@revision` or `path+adapter`.",
  sources: "The models a slice is made from, each with its range of layers.",
  layer_range: "Half open: [8, 24] are the layers 8 to 23.",
  filter: "A piece of tensor names; the value holds for the tensors that contain it. The first that fits counts.",
  value: "A number, or a list of numbers spread over the layers from first to last.",
  source: "`union` for the tokens of all, `base` for the base's, or a model.",
  tokens: "Rules for single tokens.",
  pad_to_multiple_of: "Rows are added until the vocabulary is a multiple of this.",
  force: "Also in models that have the token.",
  experts: "The models whose feed-forward parts become experts.",
  source_model: "The model an expert is taken from.",
  gate_mode: "Where the router's numbers come from.",
  positive_prompts: "Texts an expert should be chosen for.",
  negative_prompts: "Texts an expert should not be chosen for.",
  experts_per_token: "How many experts work on each token.",
  shared_experts: "Experts that work on every token.",
};
const MOE_KEYS = ["base_model", "experts", "gate_mode", "dtype", "experts_per_token", "shared_experts"];
const EXPERT_KEYS = ["source_model", "positive_prompts", "negative_prompts"];

const DTYPE_WORDS: Readonly<Record<string, string>> = {
  float32: "Four bytes a number, nothing is lost.",
  float16: "Two bytes; fine digits, but large numbers overflow.",
  bfloat16: "Two bytes; the range of float32 with fewer digits. What most models use.",
};

const paramsOf = (method: AnyMethod | undefined) => Object.entries<Param>(method?.params ?? {});
const keyWords = (keys: readonly string[]): Word[] =>
  keys.map((word) => ({ word, kind: "key", about: KEYS[word] ?? "" }));
const values = (words: readonly string[], about: (word: string) => string = () => ""): Word[] =>
  words.map((word) => ({ word, kind: "value", about: about(word) }));

/** The keys that may stand at a place. */
function keysAt({ path, method }: Place, isMoe: boolean): Word[] {
  const above = path.at(-1);
  const over = path.at(-2);
  if (above === undefined) return keyWords(isMoe ? MOE_KEYS : TOP_KEYS);
  if (above === "parameters") {
    const isModel = over === "models" || over === "sources";
    return paramsOf(METHODS.get(method ?? ""))
      .filter(([, param]) => !isModel || param.per === "model")
      .map(([word, { help }]) => ({ word, kind: "parameter", about: help }));
  }
  if (over === "parameters") return keyWords(CONDITION_KEYS);
  if (above === "models") return keyWords(MODEL_KEYS);
  if (above === "slices") return keyWords(SLICE_KEYS);
  if (above === "sources") return keyWords(SOURCE_KEYS);
  if (above === "experts" || above === "shared_experts") return keyWords(EXPERT_KEYS);
  if (above === "tokenizer") return keyWords(TOKENIZER_KEYS);
  if (over === "tokens") return keyWords(TOKEN_KEYS);
  if (over === "modules") return keyWords(MODULE_KEYS);
  return [];
}

function paramValues(param: Param): Word[] {
  if (param.kind === "flag") return values(["true", "false"], () => param.help);
  if (param.kind === "choice")
    return param.options.map(({ value, title }) => ({ word: value, kind: "value", about: title }));
  const usual = [...new Set([param.default, ...(param.usual ?? [])])].filter((n) => n !== null);
  return values(usual.map(String), () => param.help);
}

function valuesAt(place: Place, key: string, models: readonly string[]): Word[] {
  const names: Word[] = models.map((word) => ({ word, kind: "model", about: "Open here." }));
  switch (key) {
    case "merge_method":
      return [...METHODS.values()].map(({ id, title, summary }) => ({
        word: id,
        kind: "method",
        about: `${title}. ${summary}`,
      }));
    case "dtype":
    case "out_dtype":
      return values(DTYPES, (word) => DTYPE_WORDS[word] ?? "");
    case "base_model":
    case "model":
    case "source_model":
      return names;
    case "tokenizer_source":
    case "source":
      return [
        ...values(TOKENIZERS, (word) => (word === "union" ? "All tokens of all models." : "The base's tokens.")),
        ...names,
      ];
    case "chat_template":
      return values(["auto", ...TEMPLATES]);
    case "compat":
      return values(COMPATS);
    case "gate_mode":
      return values(["cheap_embed", "random", "uniform_random"]);
  }
  const param = place.path.includes("parameters")
    ? paramsOf(METHODS.get(place.method ?? "")).find(([id]) => id === key)?.[1]
    : undefined;
  return param === undefined ? [] : paramValues(param);
}

/** Everything that may stand at a place, likeliest first. */
export function wordsAt(place: Place, models: readonly string[], isMoe: boolean): Word[] {
  return place.key === null ? keysAt(place, isMoe) : valuesAt(place, place.key, models);
}

/** What a word at a place means; null when there is nothing to say. */
export function meaningOf(word: string, place: Place): string | null {
  if (place.key === null || place.key === word) {
    const param = place.path.includes("parameters")
      ? paramsOf(METHODS.get(place.method ?? "")).find(([id]) => id === word)?.[1]
      : undefined;
    return param === undefined ? (KEYS[word] ?? null) : rangeOf(param);
  }
  if (place.key === "merge_method") {
    const method = METHODS.get(word);
    return method === undefined ? null : `${method.title}: ${method.summary} ${method.use}`;
  }
  return DTYPE_WORDS[word] ?? null;
}

/** A parameter's help with the range it has and its default. */
function rangeOf(param: Param): string {
  const usual = param.default === null ? "It has to be given." : `Default ${String(param.default)}.`;
  return param.kind === "number"
    ? `${param.help} From ${param.min} to ${param.max}. ${usual}`
    : `${param.help} ${usual}`;
}
