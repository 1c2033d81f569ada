/**
 * What in a config speaks of single layers, and how it is rewritten when layers are cut, stacked or
 * swapped. Four ways of speaking: a list with one entry per layer, a list of layer numbers, "the first k
 * layers are different", and "every n-th layer is different".
 */
import { isList, isObject, numberAt } from "./config.ts";
import type { Json, JsonObject } from "./model.ts";

/** A layer of the result: the config it comes from (same level as the one edited) and its number there. */
export interface Origin {
  readonly config: JsonObject | null;
  readonly layer: number;
}

/** Lists with one entry per layer, whatever their length happens to be. */
const LISTS = ["layer_types", "mlp_layer_types", "layers_block_type", "no_rope_layers", "attention_layers"];
/** Lists of layer numbers. */
const NUMBERS = [
  "mlp_only_layers",
  "moe_layers",
  "cross_attention_layers",
  "full_attn_idxs",
  "attn_layer_indices",
  "deepstack_visual_indexes",
  "fullatt_block_indexes",
];
/** Counts of leading layers that differ from the rest. */
const LEADING = ["max_window_layers", "first_k_dense_replace", "num_dense_layers"];
/** Every n-th layer differs, counted from the first; and the list that overrules it where there is one. */
const PERIODS: Readonly<Record<string, string>> = {
  sliding_window_pattern: "layer_types",
  _sliding_window_pattern: "layer_types",
  full_attention_interval: "layer_types",
  global_attn_every_n_layers: "layer_types",
  attn_layer_period: "layers_block_type",
  no_rope_layer_interval: "no_rope_layers",
  interleave_moe_layer_step: "moe_layers",
  decoder_sparse_step: "mlp_layer_types",
  moe_layer_freq: "mlp_layer_types",
  expert_layer_period: "mlp_layer_types",
};
/** Lists that may have as many entries as there are layers, by chance. */
const NEVER = /token_id|^architectures$|keys_to_ignore|mrope_section|labels|bucket|pinpoints|channels/;

/**
 * Rewrites one level of a config for new layers. Besides the lists known by name, any list as long as the
 * donor has layers is taken to have one entry per layer. What cannot be kept true is left and noted.
 */
export function relayer(
  donor: JsonObject,
  layers: number,
  origins: readonly Origin[],
): { readonly config: JsonObject; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const entries = Object.entries(donor).map(([key, value]): [string, Json] => {
    if (NUMBERS.includes(key) && isList(value)) return [key, renumber(key, value, origins)];
    if (isList(value) && !NEVER.test(key) && value.length > 0 && (LISTS.includes(key) || value.length === layers)) {
      return [key, slice(key, value, origins, notes)];
    }
    if (LEADING.includes(key) && typeof value === "number") {
      // Without sliding attention its bound means nothing, and a list overrules it.
      const idle = key === "max_window_layers" && (donor.use_sliding_window !== true || isList(donor.layer_types));
      return [key, lead(key, value, layers, origins, idle ? [] : notes)];
    }
    return [key, value];
  });
  notePeriods(donor, origins, notes);
  return { config: Object.fromEntries(entries), notes };
}

/** Entry i of the result is the entry its layer had in the model it comes from. */
function slice(key: string, donor: readonly Json[], origins: readonly Origin[], notes: string[]): readonly Json[] {
  let guessed = 0;
  const list = origins.map(({ config, layer }): Json => {
    const own = config !== null && Object.hasOwn(config, key) ? config[key] : undefined;
    const entry = isList(own) ? own[layer] : undefined;
    if (entry !== undefined) return entry;
    guessed++;
    return donor[layer] ?? donor.at(-1) ?? null;
  });
  if (guessed > 0) {
    notes.push(
      `config.json: ${key} has one entry per layer, but for ${guessed} of ${origins.length} layers the model they come from has none; the entries of the donor were taken. Check them.`,
    );
  }
  return list;
}

function renumber(key: string, donor: readonly Json[], origins: readonly Origin[]): readonly number[] {
  return origins.flatMap(({ config, layer }, index) => {
    const own = config !== null && Object.hasOwn(config, key) ? config[key] : undefined;
    return (isList(own) ? own : donor).includes(layer) ? [index] : [];
  });
}

/** A bound at or past the donor's last layer stays so; one inside becomes the number of leading layers below it. */
function lead(key: string, value: number, layers: number, origins: readonly Origin[], notes: string[]): number {
  if (value >= layers) return value === layers ? origins.length : Math.max(value, origins.length);
  const special = origins.map(({ config, layer }) => layer < (numberAt(config, key) ?? value));
  const first = special.indexOf(false);
  const leading = first === -1 ? special.length : first;
  if (special.slice(leading).includes(true)) {
    notes.push(
      `config.json: ${key} is now ${leading}, but later layers of the result come from below the donor's ${value}. They will be treated as the others are.`,
    );
  }
  return leading;
}

/** Says which rules of the kind "every n-th layer" no longer hold. */
function notePeriods(donor: JsonObject, origins: readonly Origin[], notes: string[]): void {
  const periods = Object.entries(PERIODS).flatMap(([key, list]): [string, number][] => {
    const value = donor[key];
    return typeof value === "number" && value > 1 && !isList(donor[list]) ? [[key, value]] : [];
  });
  // Gemma 2 alternates sliding and full attention without a word in its config.
  if (donor.model_type === "gemma2" && !isList(donor.layer_types)) periods.push(["the attention of Gemma 2", 2]);
  for (const [key, period] of periods) {
    const moved = origins.filter(({ layer }, index) => layer % period !== index % period).length;
    if (moved === 0) continue;
    notes.push(
      `config.json: ${key} repeats every ${period} layers and was left as it is, but ${moved} of ${origins.length} layers moved to a position of another kind. Move layers by multiples of ${period} to keep it true.`,
    );
  }
}

/** The config of a level ("text_config") of another model, or its whole config when it has no such level. */
export function levelOf(config: JsonObject | null, level: string): JsonObject | null {
  if (config === null) return null;
  let inner: Json | undefined = config;
  for (const key of level === "" ? [] : level.split(".")) inner = isObject(inner) ? inner[key] : undefined;
  return isObject(inner) ? inner : config;
}
