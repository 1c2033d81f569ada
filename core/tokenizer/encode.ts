/**
 * Text to token ids, by the tokenizer a model comes with. The library that does it is fetched when it is first asked
 * for, so that whoever never encodes never loads it.
 */
import { messageOf, WeightloomError } from "../errors.ts";
import { isObject, readJson } from "../model/config.ts";
import type { JsonObject, Model } from "../model/model.ts";
import { readTokenizer } from "./read.ts";

/**
 * Ids of a text, with the special tokens that the tokenizer's own template puts around it; without them when
 * `bare`. Special tokens in the text itself are recognised either way.
 */
export type Encoder = (text: string, bare?: boolean) => readonly number[];

/**
 * The encoder of a model.
 * @throws FormatError when the model has no tokenizer.json, or one that the library cannot take
 */
export async function encoderOf(model: Pick<Model, "ref" | "extras">): Promise<Encoder> {
  const { json, ids } = await readTokenizer(model);
  const file = model.extras.get("tokenizer_config.json");
  const config = file === undefined ? {} : await readJson(file);
  const { Tokenizer } = await import("@huggingface/tokenizers");
  try {
    const tokenizer = new Tokenizer(libraryForm(json), config);
    const { unk_token: unknown } = isObject(json.model) ? json.model : {};
    const instead = typeof unknown === "string" ? ids.get(unknown) : undefined;
    // The library leaves an unknown word of a WordLevel without an id.
    return (text, bare = false) => {
      const found: readonly (number | undefined)[] = tokenizer.encode(text, { add_special_tokens: !bare }).ids;
      return found.flatMap((id) => id ?? instead ?? []);
    };
  } catch (cause) {
    throw new WeightloomError(
      "FormatError",
      `${model.ref}: its tokenizer cannot be run here (${messageOf(cause)}). Use a model whose tokenizer.json is a BPE, Unigram or WordPiece.`,
      { cause },
    );
  }
}

/** The library wants every part of the file named, and a list of added tokens; the oldest files leave some out. */
function libraryForm(json: JsonObject): object {
  const parts = { decoder: null, post_processor: null, pre_tokenizer: null, normalizer: null };
  return { ...parts, ...json, added_tokens: json.added_tokens ?? [] };
}
