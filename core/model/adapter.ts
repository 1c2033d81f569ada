/**
 * A LoRA adapter as PEFT stores it: adapter_config.json says how strong the updates are, adapter_model.safetensors
 * holds them, each module's under `base_model.model.<module>.lora_A.weight` and `.lora_B.weight`. Opening one reads the
 * settings and the header; `adapt.ts` finds the places in a base model. Only what merges into weights as W + s B A, or
 * replaces a tensor, is taken; every other kind of adapter is refused by its name.
 * PEFT's own reading: peft/utils/save_and_load.py and peft/tuners/lora (0.17).
 */
import type { ByteSource } from "../bytes/source.ts";
import { WeightloomError } from "../errors.ts";
import type { Checkpoint, TensorInfo } from "../formats/checkpoint.ts";
import { openSafetensors } from "../formats/safetensors.ts";
import { isList, isObject, readJson } from "./config.ts";
import { licenceOf } from "./licence.ts";
import type { Json, JsonObject } from "./model.ts";

export const ADAPTER_CONFIG = "adapter_config.json";
export const ADAPTER_WEIGHTS = "adapter_model.safetensors";

export interface AdapterSettings {
  readonly rank: number;
  readonly alpha: number;
  /** By module, matched as PEFT does: see `scaleOf`. */
  readonly rankPattern: Readonly<Record<string, number>>;
  readonly alphaPattern: Readonly<Record<string, number>>;
  /** Scale alpha / sqrt(r) instead of alpha / r (Kalajdzievski 2023, arXiv:2312.03732). */
  readonly rankStabilised: boolean;
  /** The base stores these weights as [in, out], as GPT-2 does. */
  readonly fanInFanOut: boolean;
  /** True when it says it adapts parameters that are no module's weight, as those of experts. */
  readonly parameters: boolean;
}

/** The low-rank update of one module. */
export interface Update {
  /** Linear and convolution: A is [r, in, ...], B is [out, r, ...]. Embedding: A is [r, rows], B is [columns, r]. */
  readonly kind: "matrix" | "embedding";
  readonly a: TensorInfo;
  readonly b: TensorInfo;
  /** Added to the module's bias, scaled like the weights; null when there is none. */
  readonly bias: TensorInfo | null;
}

export interface Adapter {
  readonly ref: string;
  readonly settings: AdapterSettings;
  readonly checkpoint: Checkpoint;
  /** By module name in the model it was made for. */
  readonly updates: ReadonlyMap<string, Update>;
  /** Whole tensors that replace the base's (modules_to_save, trained biases), by tensor name. */
  readonly whole: ReadonlyMap<string, TensorInfo>;
  /** The base its config names, a folder or a Hub name; null when it says nothing. */
  readonly base: string | null;
  readonly licence: string | null;
}

/** Whether these files are an adapter's. */
export const isAdapter = (files: ReadonlyMap<string, unknown>): boolean =>
  [...files.keys()].some((path) => path.split("/").at(-1) === ADAPTER_CONFIG);

/**
 * Opens an adapter from its files. Reads the config and the header, no weights.
 * @throws FormatError for what is not a LoRA adapter, or one of a kind that does not become a weight
 */
export async function openAdapter(ref: string, files: ReadonlyMap<string, ByteSource>): Promise<Adapter> {
  const inside = new Map([...files].map(([path, source]) => [path.split("/").at(-1) ?? path, source]));
  const fault = (text: string) => new WeightloomError("FormatError", `${ref}: ${text}`);
  const configFile = inside.get(ADAPTER_CONFIG);
  if (configFile === undefined)
    throw fault(`an adapter needs ${ADAPTER_CONFIG}, which is not there. Add the whole folder PEFT saved.`);
  const config = await readJson(configFile);
  const settings = readSettings(config, fault);
  const weights = inside.get(ADAPTER_WEIGHTS);
  if (weights === undefined)
    throw fault(
      inside.has("adapter_model.bin")
        ? "its weights are adapter_model.bin, a pickle, which is not read. Load it with PEFT and save it with safe_serialization=True."
        : `an adapter needs ${ADAPTER_WEIGHTS}, which is not there. Download it too.`,
    );
  const checkpoint = await openSafetensors(weights);
  const { updates, whole } = sortTensors(checkpoint, fault);
  const base = config.base_model_name_or_path;
  return {
    ref,
    settings,
    checkpoint,
    updates,
    whole,
    base: typeof base === "string" && base !== "" ? base : null,
    licence: await licenceOf(inside.get("README.md")),
  };
}

type Fault = (text: string) => WeightloomError;

const KINDS: Readonly<Record<string, string>> = {
  IA3: "IA3 (learned scales of activations)",
  VERA: "VeRA (shared random matrices)",
  LOHA: "LoHa (Hadamard products)",
  LOKR: "LoKr (Kronecker products)",
  ADALORA: "AdaLoRA (singular values apart)",
  OFT: "OFT (orthogonal factors)",
  BOFT: "BOFT (orthogonal factors)",
  XLORA: "X-LoRA (a mixture chosen per token)",
  PROMPT_TUNING: "prompt tuning",
  P_TUNING: "p-tuning",
  PREFIX_TUNING: "prefix tuning",
  LN_TUNING: "LayerNorm tuning",
};

function readSettings(config: JsonObject, fault: Fault): AdapterSettings {
  const type = config.peft_type;
  if (typeof type !== "string") throw fault(`${ADAPTER_CONFIG} has no peft_type. It must say "LORA".`);
  if (type !== "LORA") {
    const name = KINDS[type] ?? JSON.stringify(type);
    throw fault(
      `its peft_type is ${name}, and only LORA adapters are read. Merge it into its base with PEFT (merge_and_unload) and use the result.`,
    );
  }
  const rewritten = "Merge it into its base with PEFT (merge_and_unload) and use the result.";
  if (config.use_dora === true)
    throw fault(`it is a DoRA adapter (use_dora), whose update is not W + s B A alone. ${rewritten}`);
  if (config.use_qalora === true)
    throw fault(`it is a QALoRA adapter (use_qalora), made for quantised weights. ${rewritten}`);
  if (filled(config.layer_replication))
    throw fault(`it repeats layers of its base (layer_replication), so it fits no stored checkpoint. ${rewritten}`);
  if (filled(config.trainable_token_indices))
    throw fault(`it trains single tokens (trainable_token_indices), which are not read. ${rewritten}`);
  if (filled(config.alora_invocation_tokens))
    throw fault("it is an activated LoRA (alora_invocation_tokens), which cannot become part of the weights.");
  return {
    rank: positive(config.r, "r", fault),
    alpha: number(config.lora_alpha, "lora_alpha", fault),
    rankPattern: pattern(config.rank_pattern, "rank_pattern", fault),
    alphaPattern: pattern(config.alpha_pattern, "alpha_pattern", fault),
    rankStabilised: config.use_rslora === true,
    fanInFanOut: config.fan_in_fan_out === true,
    parameters: filled(config.target_parameters),
  };
}

const filled = (value: Json | undefined): boolean =>
  (isList(value) && value.length > 0) || (isObject(value) && Object.keys(value).length > 0);

function number(value: Json | undefined, key: string, fault: Fault): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw fault(`${key} in ${ADAPTER_CONFIG} is ${JSON.stringify(value) ?? "missing"}; it must be a number.`);
}

function positive(value: Json | undefined, key: string, fault: Fault): number {
  const found = number(value, key, fault);
  if (Number.isSafeInteger(found) && found > 0) return found;
  throw fault(`${key} in ${ADAPTER_CONFIG} is ${found}; it must be a whole number above 0.`);
}

function pattern(value: Json | undefined, key: string, fault: Fault): Readonly<Record<string, number>> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw fault(`${key} in ${ADAPTER_CONFIG} must be an object of numbers by module.`);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, number(one, `${key} ${name}`, fault)]));
}

/** `module.lora_A[.adapter].weight`; embeddings have parameters instead of modules, so no `.weight`. */
const PART = /^(.*)\.lora_(embedding_)?([AB])(?:\.([^.]+))??(?:\.(weight|bias))?$/;

function sortTensors(checkpoint: Checkpoint, fault: Fault) {
  const parts = new Map<string, Map<string, TensorInfo>>();
  const whole = new Map<string, TensorInfo>();
  for (const info of checkpoint.tensors.values()) {
    const name = info.name.replace(/^base_model\.model\./, "").replace(/^base_model\./, "");
    if (/lora_magnitude_vector/.test(name))
      throw fault(`it has a tensor "${info.name}", so it is a DoRA adapter. Merge it into its base with PEFT first.`);
    if (/\.trainable_tokens_/.test(name))
      throw fault(
        `it has a tensor "${info.name}", single trained tokens, which are not read. Merge it with PEFT first.`,
      );
    const [found, module = "", embedding, factor = "", , leaf] = PART.exec(name) ?? [];
    if (found === undefined) {
      whole.set(withoutWrappers(name), info);
      continue;
    }
    const key = leaf === "bias" ? "bias" : `${embedding === undefined ? "" : "embedding "}${factor}`;
    const plain = withoutWrappers(module);
    const of = parts.get(plain) ?? new Map<string, TensorInfo>();
    if (of.has(key))
      throw fault(
        `it has both "${of.get(key)?.name}" and "${info.name}", two updates of one module. Save one adapter alone.`,
      );
    parts.set(plain, of.set(key, info));
  }
  const updates = new Map([...parts].map(([module, of]) => [module, pair(module, of, fault)]));
  if (updates.size + whole.size === 0) throw fault(`${ADAPTER_WEIGHTS} holds no tensors. Download it again.`);
  return { updates, whole };
}

function pair(module: string, parts: ReadonlyMap<string, TensorInfo>, fault: Fault): Update {
  const kind = parts.has("A") || parts.has("B") ? "matrix" : "embedding";
  const prefix = kind === "matrix" ? "" : "embedding ";
  const a = parts.get(`${prefix}A`);
  const b = parts.get(`${prefix}B`);
  if (a === undefined || b === undefined)
    throw fault(
      `module "${module}" has ${a === undefined ? "no A" : "no B"} to its ${a === undefined ? "B" : "A"}. Download the adapter again.`,
    );
  return { kind, a, b, bias: parts.get("bias") ?? null };
}

/** A wrapped layer keeps its own weights under base_layer, a saved module's under modules_to_save. */
const withoutWrappers = (name: string) => name.replace(/\.(base_layer|modules_to_save(\.[^.]+(?=\.))?)(?=\.|$)/g, "");

/**
 * Rank and scale of a module. A pattern's key is a regular expression that the whole name, or its end after a dot,
 * must match; the first that does counts.
 */
export function scaleOf(settings: AdapterSettings, module: string): { readonly rank: number; readonly scale: number } {
  const rank = matched(settings.rankPattern, module) ?? settings.rank;
  const alpha = matched(settings.alphaPattern, module) ?? settings.alpha;
  return { rank, scale: alpha / (settings.rankStabilised ? Math.sqrt(rank) : rank) };
}

function matched(patterns: Readonly<Record<string, number>>, module: string): number | null {
  for (const [key, value] of Object.entries(patterns)) if (matches(key, module)) return value;
  return null;
}

function matches(key: string, module: string): boolean {
  try {
    return new RegExp(`^(?:.*\\.)?(?:${key})$`).test(module);
  } catch {
    return module === key || module.endsWith(`.${key}`);
  }
}

/** What its config says it was made for, as one sentence's end. */
export const madeFor = (adapter: Pick<Adapter, "base">): string =>
  adapter.base === null ? "" : ` It was made for ${adapter.base}.`;
