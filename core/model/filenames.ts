/** The small files beside a model's weights, by name. */

/** Those that hold a vocabulary, the most telling first. */
export const VOCABULARY_FILES = [
  "tokenizer.json",
  "tokenizer.model",
  "spiece.model",
  "sentencepiece.bpe.model",
  "tekken.json",
  "vocab.json",
  "vocab.txt",
] as const;

/** Files of a tokenizer that tokenizer.json replaces. */
export const OLDER_TOKENIZER_FILES: ReadonlySet<string> = new Set([
  ...VOCABULARY_FILES.filter((name) => name !== "tokenizer.json"),
  "added_tokens.json",
  "merges.txt",
  "normalizer.json",
]);

/** Everything a tokenizer, its chat template and its special tokens are kept in. */
export const TOKENIZER_FILES: ReadonlySet<string> = new Set([
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "chat_template.json",
  "generation_config.json",
  ...OLDER_TOKENIZER_FILES,
]);
