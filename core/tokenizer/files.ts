/**
 * The small files of a tokenizer. They are the files of the model it grew from, with the new tokens, the template and the
 * ids that moved put in; what says the same in an older form and would now be wrong is left out.
 */
import { fromBytes } from "../bytes/source.ts";
import { isList, isObject, readJson } from "../model/config.ts";
import { OLDER_TOKENIZER_FILES, TOKENIZER_FILES } from "../model/filenames.ts";
import type { Json, JsonObject, Model } from "../model/model.ts";
import type { ExtraPlan } from "../plan/plan.ts";
import type { BuiltTokenizer } from "./build.ts";
import type { ChosenTemplate } from "./template.ts";

export interface FileMaking {
  /** The model whose tokenizer is used or was the start. */
  readonly from: Pick<Model, "ref" | "extras">;
  /** Gives generation_config.json. */
  readonly donor: Pick<Model, "ref" | "extras">;
  /** Null when only a template is set. */
  readonly built: BuiltTokenizer | null;
  /** Null keeps what `from` has. */
  readonly template: ChosenTemplate | null;
  /** Puts right the token ids in a config. */
  renumber(config: JsonObject): JsonObject;
}

export async function tokenizerFiles({ from, donor, built, template, renumber }: FileMaking): Promise<ExtraPlan[]> {
  const files = new Map<string, ExtraPlan>();
  const made = (name: string, text: string) => {
    files.set(name, { name, content: new TextEncoder().encode(text), from: "made for the result" });
  };
  const changed = built?.changed === true;
  for (const [name, content] of from.extras) {
    if (!TOKENIZER_FILES.has(name) || name === "generation_config.json") continue;
    if (changed && OLDER_TOKENIZER_FILES.has(name)) continue;
    files.set(name, { name, content, from: from.ref });
  }
  if (built !== null && changed) made("tokenizer.json", printJson(built.tokenizer.json));
  if (changed || template !== null) {
    const source = from.extras.get("tokenizer_config.json");
    const config = source === undefined ? {} : await readJson(source);
    made(
      "tokenizer_config.json",
      printJson(withTemplate(built === null ? config : withAdded(config, built), template)),
    );
  }
  if (template !== null) {
    made("chat_template.jinja", template.text);
    if (files.has("chat_template.json")) {
      made("chat_template.json", printJson({ chat_template: template.text }));
    }
  }
  await generation(donor, renumber, files);
  return [...files.values()];
}

async function generation(
  donor: Pick<Model, "ref" | "extras">,
  renumber: FileMaking["renumber"],
  files: Map<string, ExtraPlan>,
): Promise<void> {
  const name = "generation_config.json";
  const source = donor.extras.get(name);
  if (source === undefined) return;
  const config = await readJson(source);
  const after = renumber(config);
  const content = after === config ? source : fromBytes(name, new TextEncoder().encode(printJson(after)));
  files.set(name, { name, content, from: donor.ref });
}

/** The list of added tokens that transformers keeps beside the tokenizer, by id. */
function withAdded(config: JsonObject, { tokenizer, changed }: BuiltTokenizer): JsonObject {
  if (!changed) return config;
  const decoder = Object.fromEntries(tokenizer.added.map(({ id, ...token }): [string, Json] => [String(id), token]));
  return { ...config, added_tokens_decoder: decoder };
}

const withTemplate = (config: JsonObject, template: ChosenTemplate | null): JsonObject =>
  template === null ? config : { ...config, chat_template: template.text };

/** As Python prints it: whole numbers beyond 2^53 (a `model_max_length` of 10^30) stay whole numbers. */
export function printJson(value: Json): string {
  const text = JSON.stringify(
    value,
    (_, inner: unknown) =>
      typeof inner === "number" && Number.isInteger(inner) && !Number.isSafeInteger(inner)
        ? `\u0000${BigInt(inner)}`
        : inner,
    2,
  );
  return `${text.replace(/"\\u0000(-?\d+)"/g, "$1")}\n`;
}

const ID_KEY = /_token_ids?$|_token_index$/;
const HOMES = ["text_config", "llm_config"] as const;

/**
 * A config in which every token id is what it was, under its new number. `move` gives the new id, or null to leave it.
 * Returns the same object when nothing changes.
 */
export function renumbered(config: JsonObject, move: (id: number, key: string) => number | null): JsonObject {
  let changed = false;
  const moved = (key: string, value: Json): Json => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
      const id = move(value, key);
      if (id === null || id === value) return value;
      changed = true;
      return id;
    }
    return isList(value) ? value.map((one) => moved(key, one)) : value;
  };
  const entries = Object.entries(config).map(([key, value]): [string, Json] => {
    if (ID_KEY.test(key)) return [key, moved(key, value)];
    if (!(HOMES as readonly string[]).includes(key) || !isObject(value)) return [key, value];
    const inner = renumbered(value, move);
    if (inner !== value) changed = true;
    return [key, inner];
  });
  return changed ? Object.fromEntries(entries) : config;
}
