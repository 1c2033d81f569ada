/**
 * A base model with an adapter applied, as a model like any other: the same checkpoint, with the tensors the adapter
 * touches replaced by sums that are computed as they are read (core/bytes/lowrank.ts). Nothing is written and nothing is
 * rounded: an adapted tensor is f32, and counts as the base's type where the type of a result is chosen.
 *
 * Config, tokenizer and licence are the base's. Where the base stores one matrix for embedding and head, an update of
 * the head makes it a matrix of its own, as in the adapted model before merging; an update of the embedding
 * stays tied to the head, as in the merged one.
 */
import { decode } from "../bytes/convert.ts";
import { bytesPer, isFloat } from "../bytes/dtype.ts";
import { type Factors, lowRankSource, type Products } from "../bytes/lowrank.ts";
import { WeightloomError } from "../errors.ts";
import { countOf, type TensorInfo } from "../formats/checkpoint.ts";
import { type Adapter, madeFor, scaleOf, type Update } from "./adapter.ts";
import { setAt } from "./config.ts";
import type { JsonObject, Model } from "./model.ts";
import { standIn } from "./tied.ts";

/** Factors of recently read tensors stay in memory up to this, so that each is read once in a run. */
const SHELF = 64e6;

/**
 * The adapted model. Pure but for the factors, which are read at the first read of a tensor.
 * @param ref what recipes call the result
 * @throws PlanError when an adapter's tensor has no place in the base or another shape
 */
export function adaptModel(base: Model, adapter: Adapter, ref: string, products: Products): Model {
  const places = placesIn(base, adapter);
  const tensors = new Map(base.checkpoint.tensors);
  for (const { name, whole } of places.whole) tensors.set(name, { ...whole, name });
  const shelf = createShelf();
  for (const place of places.weights) {
    const under = tensors.get(place.name) ?? place.under;
    tensors.set(place.name, adapted(place.name, under, factorsOf(base, adapter, place, under, shelf), products));
  }
  for (const { name, under, update, scale } of places.biases)
    tensors.set(name, adapted(name, tensors.get(name) ?? under, biasFactors(update, scale, under, shelf), products));
  const added = [...tensors.keys()].filter((name) => !base.checkpoint.tensors.has(name));
  const untied = added.some((name) => standIn(base, name) !== null);
  return {
    ...base,
    ref,
    checkpoint: {
      ...base.checkpoint,
      sources: [...base.checkpoint.sources, ...adapter.checkpoint.sources],
      tensors,
    },
    config: untied ? untie(base.config) : base.config,
    parameters: [...tensors.values()].reduce((sum, { shape }) => sum + countOf(shape), 0),
    bytes: base.bytes + adapter.checkpoint.sources.reduce((sum, { size }) => sum + size, 0),
  };
}

const untie = (config: JsonObject | null): JsonObject | null =>
  config === null ? null : setAt(config, "tie_word_embeddings", false);

interface WeightPlace {
  readonly name: string;
  readonly under: TensorInfo;
  readonly module: string;
  readonly update: Update;
}

/** Where everything the adapter holds goes; refuses it when anything goes nowhere. */
function placesIn(base: Model, adapter: Adapter) {
  const lost: TensorInfo[] = [];
  const whole: { name: string; whole: TensorInfo }[] = [];
  const weights: WeightPlace[] = [];
  const biases: { name: string; under: TensorInfo; update: TensorInfo; scale: number }[] = [];
  for (const [wanted, info] of adapter.whole) {
    const name = find(base, wanted) ?? (standIn(base, wanted) === null ? null : wanted);
    if (name === null) lost.push(info);
    else {
      const under = underOf(base, name);
      if (under !== null && under.shape.join() !== info.shape.join()) throw wrongShape(adapter, info, under);
      whole.push({ name, whole: info });
    }
  }
  for (const [module, update] of adapter.updates) {
    const wanted = `${module}.weight`;
    const name = find(base, wanted) ?? (standIn(base, wanted) === null ? null : wanted);
    const under = name === null ? null : underOf(base, name);
    if (name === null || under === null) lost.push(update.a, update.b);
    else weights.push({ name, under, module, update });
    if (update.bias === null) continue;
    const bias = find(base, `${module}.bias`);
    const found = bias === null ? undefined : base.checkpoint.tensors.get(bias);
    if (bias === null || found === undefined) lost.push(update.bias);
    else if (found.shape.join() !== update.bias.shape.join()) throw wrongShape(adapter, update.bias, found);
    else biases.push({ name: bias, under: found, update: update.bias, scale: scaleOf(adapter.settings, module).scale });
  }
  if (lost.length > 0) throw noPlace(base, adapter, lost);
  return { whole, weights, biases };
}

/** The tensor itself, or the one that stands in for it where two are tied. */
function underOf(base: Model, name: string): TensorInfo | null {
  const stored = standIn(base, name) ?? name;
  return base.checkpoint.tensors.get(stored) ?? null;
}

/**
 * The base's name for a tensor: the same, or the same but for a wrapper's prefix on either side ("transformer.h.0" and
 * "h.0"), when only one fits.
 */
function find(base: Model, wanted: string): string | null {
  const { tensors } = base.checkpoint;
  if (tensors.has(wanted)) return wanted;
  const words = wanted.split(".");
  for (let skip = 1; skip < words.length - 1; skip++) {
    const rest = words.slice(skip).join(".");
    if (tensors.has(rest)) return rest;
  }
  const longer = [...tensors.keys()].filter((name) => name.endsWith(`.${wanted}`));
  return longer.length === 1 ? (longer[0] ?? null) : null;
}

function noPlace(base: Model, adapter: Adapter, lost: readonly TensorInfo[]): WeightloomError {
  const all = adapter.checkpoint.tensors.size;
  const advice = adapter.settings.parameters
    ? "It adapts single parameters (target_parameters), which is not read: merge it into its base with PEFT."
    : "Name the base it was trained on.";
  return new WeightloomError(
    "PlanError",
    `${adapter.ref}: ${lost.length} of its ${all} tensors have no place in ${base.ref}, first "${lost[0]?.name}".${madeFor(adapter)} ${advice}`,
  );
}

function wrongShape(adapter: Adapter, info: TensorInfo, under: TensorInfo): WeightloomError {
  return new WeightloomError(
    "PlanError",
    `${adapter.ref}: "${info.name}" is [${info.shape.join(", ")}], which does not fit "${under.name}" [${under.shape.join(", ")}].${madeFor(adapter)} Name the base it was trained on.`,
  );
}

type Read = (signal?: AbortSignal) => Promise<Factors>;

function adapted(name: string, under: TensorInfo, factors: Read, products: Products): TensorInfo {
  if (!isFloat(under.dtype))
    throw new WeightloomError(
      "PlanError",
      `${name}: the base stores it as ${under.dtype}, and an adapter can only be added to floats. Use a base in F32, F16 or BF16.`,
    );
  const count = countOf(under.shape);
  const { source, range, dtype } = under;
  return {
    name,
    dtype: "F32",
    nominal: under.nominal ?? dtype,
    shape: under.shape,
    source: lowRankSource({ name: source.name, source, start: range.start, dtype, count, factors, products }),
    range: { start: 0, end: 4 * count },
  };
}

/** Checks an update's shapes against the tensor it is added to, and says how to read it as L and R. */
function factorsOf(
  base: Model,
  adapter: Adapter,
  { name, module, update }: WeightPlace,
  under: TensorInfo,
  shelf: Shelf,
): Read {
  const { a, b } = update;
  const { rank, scale } = scaleOf(adapter.settings, module);
  const [rows = 0, ...inner] = under.shape;
  const columns = countOf(inner);
  const fits = (info: TensorInfo, ...shape: readonly number[]) =>
    info.shape.length >= 2 &&
    info.shape[0] === shape[0] &&
    countOf(info.shape.slice(1)) === countOf(shape.slice(1)) &&
    isFloat(info.dtype);
  const matrix = update.kind === "matrix";
  const straight = matrix && fits(a, rank, columns) && fits(b, rows, rank) && (b.shape[1] ?? 0) === rank;
  const turned = under.shape.length === 2 && fits(a, rank, rows) && fits(b, columns, rank);
  if (!straight && !turned) {
    if (a.shape[0] !== rank)
      throw new WeightloomError(
        "PlanError",
        `${adapter.ref}: "${a.name}" is [${a.shape.join(", ")}], but its config says rank ${rank} for "${module}". Correct r or rank_pattern, or download it again.`,
      );
    throw wrongShape(adapter, straight || fits(b, rows, rank) ? a : b, under);
  }
  const transposed = !straight || (turned && isTurned(base, name, adapter));
  return async (signal) =>
    shelf.take(name, 4 * rank * (rows + columns), async () => {
      const [down, up] = await Promise.all([valuesOf(a, signal), valuesOf(b, signal)]);
      // W = B A, or its transpose A^T B^T.
      return transposed
        ? { left: transpose(down, rank, rows), right: transpose(up, columns, rank), rows, columns, rank, scale }
        : { left: up, right: down, rows, columns, rank, scale };
    });
}

/** For square matrices the shapes do not tell which way round they are stored. */
function isTurned(base: Model, name: string, { settings }: Adapter): boolean {
  return base.family.id === "gpt2" ? isConv1D(base, name) : settings.fanInFanOut;
}

/** GPT-2's Conv1D stores its weights as [in, out]; GPT-BigCode, of the same family, has ordinary layers. */
export const isConv1D = ({ family, config }: Pick<Model, "family" | "config">, name: string): boolean =>
  family.id === "gpt2" && config?.model_type !== "gpt_bigcode" && /\.c_(attn|proj|fc)\.weight$/.test(name);

/** A bias as a row: b + s * (1 * update). */
function biasFactors(update: TensorInfo, scale: number, under: TensorInfo, shelf: Shelf): Read {
  const columns = countOf(under.shape);
  return async (signal) =>
    shelf.take(update.name, 4 * columns, async () => ({
      left: new Float32Array([1]),
      right: await valuesOf(update, signal),
      rows: 1,
      columns,
      rank: 1,
      scale,
    }));
}

async function valuesOf(info: TensorInfo, signal: AbortSignal | undefined): Promise<Float32Array<ArrayBuffer>> {
  const { dtype, source, range, shape } = info;
  if (!isFloat(dtype)) throw new Error(`Internal error: ${info.name} is ${dtype}.`);
  const bytes = await source.read(range, signal);
  return decode(dtype, bytes.subarray(0, countOf(shape) * bytesPer(dtype)));
}

/** [rows, columns] to [columns, rows]. */
function transpose(values: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j]!;
  return out;
}

interface Shelf {
  take(key: string, bytes: number, make: () => Promise<Factors>): Promise<Factors>;
}

/** Keeps the factors asked for last; what is in use elsewhere lives on by itself. */
function createShelf(): Shelf {
  const kept = new Map<string, { readonly bytes: number; readonly factors: Promise<Factors> }>();
  let held = 0;
  return {
    take: (key, bytes, make) => {
      const known = kept.get(key);
      const entry = known ?? { bytes, factors: make() };
      kept.delete(key);
      kept.set(key, entry);
      if (known === undefined) {
        held += bytes;
        // A read that failed or was cancelled is tried again by the next one.
        entry.factors.catch(() => {
          if (kept.get(key) === entry && kept.delete(key)) held -= bytes;
        });
      }
      for (const [old, { bytes: size }] of kept) {
        if (held <= SHELF || old === key) break;
        kept.delete(old);
        held -= size;
      }
      return entry.factors;
    },
  };
}
