/**
 * The small files of a merged model. Its config.json is the donor's with three things put right: the
 * element type, the number of layers with everything that speaks of single layers, and the vocabulary.
 */
import type { OutputDtype } from "../bytes/dtype.ts";
import { TORCH_NAMES } from "../bytes/dtype.ts";
import type { ExtraPlan } from "../plan/plan.ts";
import { at, isList, isObject, numberAt, setAt, stringAt } from "./config.ts";
import { TOKENIZER_FILES } from "./filenames.ts";
import { levelOf, relayer } from "./layered.ts";
import type { Family, Json, JsonObject, Model, Stack } from "./model.ts";

export interface ConfigDonor {
  readonly config: JsonObject | null;
  readonly family: Pick<Family, "layerKeys">;
  readonly stacks: readonly Stack[];
}

export interface ConfigEdits {
  /** Null keeps what the donor says. */
  readonly dtype: OutputDtype | null;
  /** Where each layer of the result comes from, in order; stacks that are not listed stay. */
  readonly stacks: readonly {
    readonly prefix: string;
    readonly origins: readonly { readonly model: Pick<Model, "config">; readonly layer: number }[];
  }[];
  /** Rows of the embedding when they are not the donor's; null or absent keeps them. */
  readonly vocabulary?: number | null;
  /** Whether head and embedding are one matrix in the result; absent keeps what the donor says. */
  readonly tied?: boolean | null;
}

/** The config of the result, and sentences on what could not be put right. Pure; `{}` for a donor without one. */
export function outputConfig(
  donor: ConfigDonor,
  edits: ConfigEdits,
): { readonly config: JsonObject; readonly notes: readonly string[] } {
  const notes: string[] = [];
  let config: JsonObject = donor.config ?? {};
  for (const stack of edits.stacks) config = withLayers(config, donor, stack, notes);
  if (edits.dtype !== null) config = withDtype(config, TORCH_NAMES[edits.dtype]);
  if (typeof edits.vocabulary === "number") config = withKey(config, "vocab_size", edits.vocabulary);
  if (typeof edits.tied === "boolean") config = withKey(config, "tie_word_embeddings", edits.tied);
  return { config, notes };
}

function withLayers(
  config: JsonObject,
  donor: ConfigDonor,
  { prefix, origins }: ConfigEdits["stacks"][number],
  notes: string[],
): JsonObject {
  const depth = donor.stacks.find((stack) => stack.prefix === prefix)?.layers;
  const same = origins.every(({ model, layer }, index) => model.config === donor.config && layer === index);
  if (same && origins.length === depth) return config;
  const path = Object.hasOwn(donor.family.layerKeys, prefix) ? donor.family.layerKeys[prefix] : undefined;
  if (path === undefined) {
    notes.push(
      `config.json: no key is known for the number of layers in ${prefix}, so it still says what the donor's did. The result has ${origins.length}; correct it by hand.`,
    );
    return config;
  }
  const level = path.split(".").slice(0, -1).join(".");
  const before = levelOf(config, level) ?? {};
  const said = numberAt(donor.config, path) ?? depth ?? origins.length;
  const { config: after, notes: told } = relayer(
    before,
    said,
    origins.map(({ model, layer }) => ({ config: levelOf(model.config, level), layer })),
  );
  notes.push(...told);
  const relayered = level === "" ? after : setAt(config, level, after);
  return setAt(relayered, path, origins.length);
}

/** Sets the type where the config keeps it, and in every nested config that has one of its own. */
function withDtype(config: JsonObject, name: string): JsonObject {
  const old = Object.hasOwn(config, "torch_dtype");
  const modern = Number.parseInt(stringAt(config, "transformers_version") ?? "0", 10) >= 5;
  const key = Object.hasOwn(config, "dtype") || modern || !old ? "dtype" : "torch_dtype";
  const entries = Object.entries(config).map(([name_, value]): [string, Json] => [name_, nestedDtype(value, name)]);
  const nested: JsonObject = Object.fromEntries(entries);
  return { ...nested, [key]: name, ...(old ? { torch_dtype: name } : {}) };
}

function nestedDtype(value: Json, name: string): Json {
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, Json] => {
    if (key === "dtype" || key === "torch_dtype") return [key, typeof inner === "string" ? name : inner];
    return [key, nestedDtype(inner, name)];
  });
  return Object.fromEntries(entries);
}

/** Sets a key of the language model at the levels that have it, or at the top when none has. */
function withKey(config: JsonObject, key: string, value: Json): JsonObject {
  const paths = [key, `text_config.${key}`, `llm_config.${key}`].filter((path) => at(config, path) !== undefined);
  const inner = isObject(config.text_config) ? `text_config.${key}` : key;
  return (paths.length > 0 ? paths : [inner]).reduce((edited, path) => setAt(edited, path, value), config);
}

/** Files that go into the result unchanged, from the model that gives the config. */
const CARRIED: ReadonlySet<string> = new Set([
  ...TOKENIZER_FILES,
  "preprocessor_config.json",
  "processor_config.json",
  "video_preprocessor_config.json",
]);

/** Tokenizer and other small files carried over; for models with code of their own, that code. Never weights. */
export function carriedFiles(model: Pick<Model, "ref" | "extras" | "config">): readonly ExtraPlan[] {
  const code = new Set(codeFiles(model));
  return [...model.extras]
    .filter(([name]) => CARRIED.has(name) || code.has(name))
    .map(([name, content]) => ({ name, content, from: model.ref }));
}

/** What a person should know about the carried files, as sentences. */
export function carriedNotes(model: Pick<Model, "ref" | "extras" | "config">): readonly string[] {
  const code = codeFiles(model);
  if (code.length === 0) return [];
  return [
    `${model.ref} runs code of its own (${code.join(", ")}), which is copied beside the weights; loading the result needs trust_remote_code. Read it first.`,
  ];
}

function codeFiles({ extras, config }: Pick<Model, "extras" | "config">): readonly string[] {
  const custom = config !== null && (isObject(config.auto_map) || isList(config.auto_map));
  return custom ? [...extras.keys()].filter((name) => name.endsWith(".py")) : [];
}
