/**
 * Files in, model out: the checkpoint's headers, config.json, the small files beside them and what they
 * say about family, layers, tokenizer and licence. Weights that cannot be blended (adapters, quantised
 * layers) are refused here, before anyone plans with them.
 */
import type { ByteSource } from "../bytes/source.ts";
import { WeightloomError } from "../errors.ts";
import { countOf } from "../formats/checkpoint.ts";
import { openCheckpoint } from "../formats/shards.ts";
import { at, readJson, stringAt } from "./config.ts";
import { recognise } from "./families.ts";
import { tokenizerFingerprint } from "./fingerprint.ts";
import { floatKeys } from "./floats.ts";
import { dequantise, quantisationOf, saysFp8 } from "./fp8.ts";
import { cardFacts } from "./licence.ts";
import type { JsonObject, Model } from "./model.ts";

/** Small files are at most this long; a tokenizer of 256 thousand words has 35 MB. */
const SMALL = 64_000_000;
const WEIGHTS = /\.(safetensors|bin|pth?|ckpt|gguf|onnx|msgpack|h5|npz)$|\.index\.json$/i;

/**
 * Opens a model from its files, by path relative to any folder that holds them all. Reads headers and small
 * files, no weights. Throws a FormatError for damaged files and for what cannot be merged.
 */
export async function openModel(ref: string, files: ReadonlyMap<string, ByteSource>): Promise<Model> {
  const inside = withoutFolder(files);
  if (inside.has("adapter_config.json")) throw adapter(ref, "adapter_config.json");
  const file = inside.get("config.json");
  const said = file === undefined ? null : await readJson(file);
  refuseQuantised(ref, said);
  const text = file === undefined ? "" : new TextDecoder().decode(await file.read({ start: 0, end: file.size }));
  const stored = await openCheckpoint(inside);
  const { checkpoint, config } = dequantise(ref, stored, said) ?? { checkpoint: stored, config: said };
  const names = [...checkpoint.tensors.keys()];
  refuseByNames(ref, names);

  const { family, stacks } = recognise(names, config);
  const extras = new Map([...inside].filter(([path, source]) => isExtra(path, source)));
  const card = await cardFacts(extras.get("README.md"));
  return {
    ref,
    checkpoint,
    config,
    floats: floatKeys(text),
    family,
    stacks,
    tokenizer: await tokenizerFingerprint(extras),
    parameters: [...checkpoint.tensors.values()].reduce((sum, { shape }) => sum + countOf(shape), 0),
    bytes: checkpoint.sources.reduce((sum, { size }) => sum + size, 0),
    extras,
    licence: card.licence ?? checkpoint.metadata.get("modelspec.license") ?? null,
    basedOn: card.basedOn,
  };
}

/** Takes off the folders that all paths share, so that `my-model/config.json` is config.json. */
function withoutFolder(files: ReadonlyMap<string, ByteSource>): ReadonlyMap<string, ByteSource> {
  const folders = [...files.keys()].map((path) => path.split("/").slice(0, -1));
  const [first = []] = folders;
  let shared = 0;
  while (shared < first.length && folders.every((folder) => folder[shared] === first[shared])) shared++;
  return new Map([...files].map(([path, source]) => [path.split("/").slice(shared).join("/"), source]));
}

function isExtra(path: string, source: ByteSource): boolean {
  return path !== "config.json" && !path.includes("/") && !WEIGHTS.test(path) && source.size <= SMALL;
}

function adapter(ref: string, found: string): WeightloomError {
  return new WeightloomError(
    "FormatError",
    `${ref}: this is a LoRA adapter (it has ${found}), which is a model only together with its base. Write "base+adapter" where a model is named, or, in the studio, add its base first.`,
  );
}

function quantised(ref: string, how: string): WeightloomError {
  return new WeightloomError(
    "FormatError",
    `${ref}: its weights are quantised (${how}), and merging needs float weights: F32, F16, BF16, or FP8 with its scales. Use the model they were made from.`,
  );
}

function refuseQuantised(ref: string, config: JsonObject | null): void {
  const said = quantisationOf(config);
  if (said === null || saysFp8(said)) return;
  const bits =
    at(said, "load_in_4bit") === true
      ? "bitsandbytes 4-bit"
      : at(said, "load_in_8bit") === true
        ? "bitsandbytes 8-bit"
        : null;
  const how = stringAt(said, "quant_method") ?? bits ?? "a way that is not named";
  const form = stringAt(said, "format") ?? stringAt(said, "quant_algo");
  throw quantised(ref, form === null ? how : `${how}, ${form}`);
}

/** Bare files have no config to say so, but their names do. A model that contains adapters says base_layer. */
function refuseByNames(ref: string, names: readonly string[]): void {
  const lora = names.find((name) => /(^|[._])lora_(A|B|up|down)([._]|$)/.test(name));
  if (lora !== undefined && !names.some((name) => name.includes(".base_layer.")))
    throw adapter(ref, `a tensor "${lora}"`);
  const packed = names.find((name) =>
    /\.(qweight|qzeros|weight_packed|weight_scale_inv|weight\.quant_state\..*)$/.test(name),
  );
  if (packed !== undefined) throw quantised(ref, `it has a tensor "${packed}"`);
}
