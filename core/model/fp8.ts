/**
 * Checkpoints in FP8 with scales of their own, as checkpoints of f32: every quantised matrix becomes a source that
 * multiplies as it is read, its scales are no tensors any more, and config.json says nothing of quantisation. What is merged
 * is written in BF16, the type such models are made from.
 *
 * Conventions read, all "number times scale": `weight_scale_inv` (transformers' fine-grained FP8, DeepSeek, Qwen; blocks),
 * `weight_scale` (compressed-tensors, fbgemm, modelopt; one scale, one per row, or blocks) and `scale_weight` (diffusion
 * models). Scales of activations and caches belong to the arithmetic of inference and are left out.
 */
import { decode } from "../bytes/convert.ts";
import { bytesPer, isFloat } from "../bytes/dtype.ts";
import { type Blocks, scaledSource } from "../bytes/scaled.ts";
import { WeightloomError } from "../errors.ts";
import { type Checkpoint, countOf, type TensorInfo } from "../formats/checkpoint.ts";
import { at, isList, isObject, stringAt } from "./config.ts";
import type { Json, JsonObject } from "./model.ts";

const FP8 = ["F8_E4M3", "F8_E5M2"] as const;
type Fp8 = (typeof FP8)[number];
const isFp8 = (dtype: string): dtype is Fp8 => (FP8 as readonly string[]).includes(dtype);

/** Names of a matrix's scales, made from the matrix's own. */
const COMPANIONS: readonly ((name: string) => string)[] = [
  (name) => `${name}_scale_inv`,
  (name) => `${name}_scale`,
  (name) => name.replace(/\.weight$/, ".scale_weight"),
];
/** What only inference needs. */
const LEFT_OUT = /\.(input_scale|scale_input|[kvq]_scale|input_scale_inv|activation_scale|output_scale)$|^scaled_fp8$/;
/** Methods of config.json whose weights are FP8 and nothing else. */
const METHODS: ReadonlySet<string> = new Set(["fp8", "fbgemm_fp8", "modelopt", "compressed-tensors"]);

export interface Dequantised {
  readonly checkpoint: Checkpoint;
  readonly config: JsonObject | null;
}

/** What config.json says of quantisation, if anything. */
export function quantisationOf(config: JsonObject | null): JsonObject | null {
  if (config === null) return null;
  for (const key of ["quantization_config", "compression_config", "text_config.quantization_config"]) {
    const found = at(config, key);
    if (isObject(found) && Object.keys(found).length > 0) return found;
  }
  return null;
}

/** Whether config.json speaks of FP8 weights; what else it says is another's to refuse. */
export function saysFp8(said: JsonObject): boolean {
  const method = stringAt(said, "quant_method") ?? "";
  if (!METHODS.has(method)) return false;
  if (method === "modelopt") return (stringAt(said, "quant_algo") ?? "").toUpperCase() === "FP8";
  if (method === "compressed-tensors") return stringAt(said, "format") === "float-quantized";
  return true;
}

/**
 * The checkpoint with its FP8 matrices multiplied out; null where it has no scales. Pure but for the scales, which are read
 * with the first bytes of their matrix.
 * @throws FormatError when scales do not fit their matrix, or have none
 */
export function dequantise(ref: string, checkpoint: Checkpoint, config: JsonObject | null): Dequantised | null {
  const { tensors } = checkpoint;
  const said = quantisationOf(config);
  const used = new Set<string>();
  const made = new Map<string, TensorInfo>();
  for (const [name, info] of tensors) {
    if (!isFp8(info.dtype)) continue;
    const scales = COMPANIONS.map((companion) => companion(name))
      .filter((other) => other !== name)
      .map((other) => tensors.get(other))
      .find((one) => one !== undefined);
    if (scales === undefined) continue;
    used.add(scales.name);
    made.set(name, multiplied(ref, info, info.dtype, scales, said));
  }
  if (made.size === 0) {
    const bare = [...tensors.values()].find(({ dtype }) => isFp8(dtype));
    if (bare === undefined || said === null || !saysFp8(said)) return null;
    throw new WeightloomError(
      "FormatError",
      `${ref}: config.json says that its weights are FP8 with scales, but "${bare.name}" has none beside it. The checkpoint is incomplete: download it again.`,
    );
  }
  const lost = [...tensors.keys()].find((name) => /(weight_scale(_inv)?|scale_weight)$/.test(name) && !used.has(name));
  if (lost !== undefined)
    throw new WeightloomError(
      "FormatError",
      `${ref}: "${lost}" is the scale of a quantised matrix, but there is no such matrix in FP8 beside it. The checkpoint is incomplete, or quantised in a way that is not read. Use the model it was made from.`,
    );
  const kept = [...tensors].filter(([name]) => !used.has(name) && !LEFT_OUT.test(name));
  return {
    checkpoint: { ...checkpoint, tensors: new Map(kept.map(([name, info]) => [name, made.get(name) ?? info])) },
    config: config === null ? null : withoutQuantisation(config),
  };
}

function multiplied(
  ref: string,
  info: TensorInfo,
  dtype: Fp8,
  scales: TensorInfo,
  said: JsonObject | null,
): TensorInfo {
  const { shape, source, range, name } = info;
  if (!isFloat(scales.dtype))
    throw new WeightloomError(
      "FormatError",
      `${ref}: the scales "${scales.name}" are ${scales.dtype}, and F32, F16 or BF16 are read. Use the model it was made from.`,
    );
  const layout = layoutOf(ref, info, scales, said);
  const factors = remembered(scales);
  const count = countOf(shape);
  return {
    name,
    dtype: "F32",
    nominal: "BF16",
    shape,
    source: scaledSource({
      name: source.name,
      source,
      start: range.start,
      dtype,
      ...layout,
      scales: factors,
    }),
    range: { start: 0, end: 4 * count },
  };
}

interface Layout {
  readonly matrices: number;
  readonly rows: number;
  readonly columns: number;
  readonly blocks: Blocks;
}

/** How large the blocks are that have a scale each: by the shape of the scales, and by what config.json says of blocks. */
function layoutOf(ref: string, info: TensorInfo, scales: TensorInfo, said: JsonObject | null): Layout {
  const columns = info.shape.at(-1) ?? 1;
  const all = countOf(info.shape.slice(0, -1));
  const rows = info.shape.length < 2 ? 1 : info.shape.at(-2)!;
  const matrices = rows === 0 ? 0 : all / rows;
  const count = countOf(scales.shape);
  if (count === 1) return { matrices: 1, rows: all, columns, blocks: { rows: all, columns } };
  const listed = said === null ? undefined : (at(said, "weight_block_size") ?? blockStructure(said));
  const [high = 128, wide = 128] = isList(listed) ? listed.map(Number) : [];
  const flat = scales.shape.length === 1;
  const [above, along] = flat ? [count / matrices, 1] : [scales.shape.at(-2), scales.shape.at(-1)];
  const sizes: Blocks[] = [
    { rows, columns },
    { rows: 1, columns },
    { rows: high, columns: wide },
  ];
  const fits = (size: Blocks): boolean => {
    const [down, across] = [Math.ceil(rows / size.rows), Math.ceil(columns / size.columns)];
    return count === matrices * down * across && above === down && along === across;
  };
  const blocks = sizes.find(fits);
  if (blocks !== undefined) return { matrices, rows, columns, blocks };
  throw new WeightloomError(
    "FormatError",
    `${ref}: the scales "${scales.name}" are [${scales.shape.join(", ")}], which fits "${info.name}" [${info.shape.join(", ")}] neither as one scale, nor as one per row, nor as blocks of ${high} by ${wide}. Use the model it was made from.`,
  );
}

/** compressed-tensors keeps it with the first group of modules. */
function blockStructure(said: JsonObject): Json | undefined {
  const groups = at(said, "config_groups");
  const [first] = isObject(groups) ? Object.values(groups) : [];
  return isObject(first) ? at(first, "weights.block_structure") : undefined;
}

/** Scales are small: one for 16 thousand elements, or for a row. */
function remembered({ source, range, dtype, shape }: TensorInfo): (signal?: AbortSignal) => Promise<Float32Array> {
  let kept: Promise<Float32Array> | null = null;
  return (signal) => {
    if (!isFloat(dtype)) throw new Error(`Internal error: scales are ${dtype}.`);
    const width = bytesPer(dtype) * countOf(shape);
    kept ??= source.read(range, signal).then((bytes) => decode(dtype, bytes.subarray(0, width)));
    // A read that was cancelled is no answer for the next.
    kept.catch(() => {
      kept = null;
    });
    return kept;
  };
}

function withoutQuantisation(config: JsonObject): JsonObject {
  const { quantization_config: _, compression_config: __, ...rest } = config;
  const text = rest.text_config;
  if (!isObject(text)) return rest;
  const { quantization_config: ___, ...inner } = text;
  return { ...rest, text_config: inner };
}
