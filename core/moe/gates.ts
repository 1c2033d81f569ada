/**
 * The rows of the routers, made without training. The only part of a mixture that reads weights before
 * the plan: with cheap_embed, the embedding rows of the tokens in the prompts.
 */
import { decode } from "../bytes/convert.ts";
import { bytesPer, isFloat } from "../bytes/dtype.ts";
import { WeightloomError } from "../errors.ts";
import { isObject, readJson } from "../model/config.ts";
import type { Model } from "../model/model.ts";
import { seedOf } from "../plan/memory.ts";
import type { MoeExpert, MoeRecipe } from "../recipe/moe.ts";
import { encoderOf } from "../tokenizer/encode.ts";
import { EMBEDDING, type Fit, fitMoe } from "./fit.ts";
import { normals, uniforms } from "./noise.ts";

/** Router rows of one layer, row-major: one row of the hidden size per expert. */
export interface LayerGates {
  readonly experts: Float32Array;
  /** One row, or null when the mixture has no shared expert. */
  readonly shared: Float32Array | null;
}

/** By layer. */
export type Gates = readonly LayerGates[];

/** Ids of a text in the base's vocabulary: special tokens in the text are recognised, none are added. */
export type Encode = (text: string) => readonly number[] | Promise<readonly number[]>;

export interface GateOptions {
  readonly seed: number;
  /** The base's tokenizer, asked for only when there are prompts to read; the one it comes with when absent. */
  readonly encoderOf?: (model: Model) => Encode | Promise<Encode>;
  readonly signal?: AbortSignal;
}

/**
 * Router rows of all layers.
 * @throws PlanError when the models do not make a mixture or a prompt has tokens the base lacks
 */
export async function prepareGates(
  moe: MoeRecipe,
  models: ReadonlyMap<string, Model>,
  options: GateOptions,
): Promise<Gates> {
  const fit = fitMoe(moe, models);
  return moe.gate_mode === "cheap_embed" ? embedded(fit, options) : random(fit, moe.gate_mode, options.seed);
}

function random(fit: Fit, mode: "random" | "uniform_random", seed: number): Gates {
  const { hidden, experts, shared, layers } = fit;
  const bound = 1 / Math.sqrt(hidden);
  const draw = (name: string, rows: number) => {
    const key = seedOf(seed, name);
    if (mode === "random") return normals(0, rows * hidden, key);
    return uniforms(0, rows * hidden, key).map((u) => (2 * u - 1) * bound);
  };
  return Array.from({ length: layers }, (_, layer) => ({
    experts: draw(`router of layer ${layer}`, experts.length),
    shared: shared === null ? null : draw(`shared router of layer ${layer}`, 1),
  }));
}

async function embedded(fit: Fit, options: GateOptions): Promise<Gates> {
  const encode = await (options.encoderOf ?? ownEncoder)(fit.base);
  const start = await startToken(fit.base);
  const row = async ({ positive_prompts = [], negative_prompts = [] }: MoeExpert): Promise<Float64Array> => {
    const sum = async (prompts: readonly string[]) => {
      const ids = await Promise.all(prompts.map(async (prompt) => encode(start + prompt)));
      return direction(await sumOfEmbeddings(fit, ids.flat(), options.signal));
    };
    const toward = await sum(positive_prompts);
    return gateRow(toward, negative_prompts.length === 0 ? null : await sum(negative_prompts));
  };
  const rows = new Float32Array(fit.experts.length * fit.hidden);
  for (const [i, { entry }] of fit.experts.entries()) rows.set(await row(entry), i * fit.hidden);
  const shared = fit.shared === null ? null : Float32Array.from(await row(fit.shared.entry));
  return Array.from({ length: fit.layers }, () => ({ experts: rows, shared }));
}

/** Without the tokenizer's template, so that a prompt ends with its own last token. */
async function ownEncoder(model: Model): Promise<Encode> {
  const encode = await encoderOf(model);
  return (text) => encode(text, true);
}

/** Points toward what the positive prompts have and the negative ones have not; length 1. */
export function gateRow(toward: Float64Array, away: Float64Array | null): Float64Array {
  return direction(away === null ? toward : toward.map((value, i) => value - away[i]!));
}

function direction(vector: Float64Array): Float64Array {
  const length = Math.max(Math.hypot(...vector), 1e-8);
  return vector.map((value) => value / length);
}

/** Each id's row counted as often as it occurs. */
async function sumOfEmbeddings(
  { base, hidden, vocabulary }: Fit,
  ids: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const info = base.checkpoint.tensors.get(EMBEDDING);
  if (info === undefined || !isFloat(info.dtype))
    throw new WeightloomError(
      "PlanError",
      `${base.ref} stores ${EMBEDDING} as ${info?.dtype}, and gate_mode cheap_embed reads floats. Choose gate_mode random.`,
    );
  const times = new Map<number, number>();
  for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
  const sum = new Float64Array(hidden);
  const size = hidden * bytesPer(info.dtype);
  for (const [id, count] of times) {
    if (id >= vocabulary)
      throw new WeightloomError(
        "PlanError",
        `A prompt has the token ${id}, but the embedding of ${base.ref} has ${vocabulary.toLocaleString("en")} rows. The tokenizer is not this model's: take the one it came with.`,
      );
    const start = info.range.start + id * size;
    const values = decode(info.dtype, await info.source.read({ start, end: start + size }, signal));
    for (let i = 0; i < hidden; i++) sum[i]! += count * values[i]!;
  }
  return sum;
}

/** The text of the token that starts a sequence, or nothing where the tokenizer has none. */
async function startToken({ extras }: Model): Promise<string> {
  for (const name of ["tokenizer_config.json", "special_tokens_map.json"]) {
    const file = extras.get(name);
    if (file === undefined) continue;
    const token = (await readJson(file)).bos_token;
    const text = isObject(token) ? token.content : token;
    if (typeof text === "string") return text;
  }
  return "";
}
