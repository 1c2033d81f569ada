/**
 * Recipes people know, as functions of the models somebody has. Numbers are those of the papers and of published
 * merges; they are where to start, not what is best.
 */

import { WeightloomError } from "../core/errors.ts";
import { printRecipe } from "../core/recipe/print.ts";
import type { ModelEntry, Recipe, Settings, Slice } from "../core/recipe/recipe.ts";
import { type Average, weightsOf } from "./averages.ts";

export interface PresetModel {
  readonly ref: string;
  /** Null when unknown; some presets need it. */
  readonly layers: number | null;
}

export interface Preset {
  readonly id: string;
  readonly title: string;
  /** One or two sentences: what it does, and where it comes from. */
  readonly summary: string;
  readonly method: string;
  /** True when the first model is the base. */
  readonly base: boolean;
  /** How many models, besides the base. */
  readonly models: { readonly min: number; readonly max?: number };
  /** True when it must know how many layers the models have. */
  readonly layered: boolean;
  make(models: readonly PresetModel[]): Recipe;
}

type Blank = Omit<Preset, "base" | "layered" | "make">;

/** The first model is the base; the method merges the others into it. */
function onBase(blank: Blank, parts: (count: number) => readonly Settings[], all?: Settings): Preset {
  return {
    ...blank,
    base: true,
    layered: false,
    make: ([base, ...others]) => {
      const own = parts(others.length);
      const models = others.map(({ ref }, i) => entry(ref, own[i]));
      return recipe(blank, { base_model: base?.ref ?? "", models }, all);
    },
  };
}

/** Every model is an input like the others. */
function ofAll(blank: Blank, weights: (count: number) => readonly number[]): Preset {
  return {
    ...blank,
    base: false,
    layered: false,
    make: (models) => {
      const own = weights(models.length);
      const taken = models.flatMap(({ ref }, i) => (own[i] === 0 ? [] : [entry(ref, { weight: own[i] ?? 1 })]));
      return recipe(blank, { models: taken });
    },
  };
}

/** Layers of one model after another. */
function stack(blank: Blank, slices: (models: readonly PresetModel[]) => readonly Slice[]): Preset {
  return { ...blank, base: false, layered: true, make: (models) => recipe(blank, { slices: slices(models) }) };
}

function recipe({ method }: Blank, rest: Omit<Recipe, "merge_method" | "parameters">, all?: Settings): Recipe {
  return { merge_method: method, ...rest, ...(all === undefined ? {} : { parameters: all }) };
}

const entry = (model: string, parameters: Settings | undefined): ModelEntry =>
  parameters === undefined ? { model } : { model, parameters };

const none = () => [];
/** The same for every model; their shares add up to 1. */
const shared = (settings: Settings) => (count: number) =>
  Array.from({ length: count }, () => ({ weight: share(count), ...settings }));
const share = (count: number) => Number((1 / count).toPrecision(4));
const weights = (average: Average) => (count: number) => weightsOf(average, count);

const layersOf = ({ ref, layers }: PresetModel): number => {
  if (layers !== null && layers >= 8) return layers;
  const found = layers === null ? "an unknown number of layers" : `${layers} layers`;
  throw new WeightloomError(
    "RecipeError",
    `"${ref}" has ${found}, and this preset overlaps parts of at least 8. Choose a deeper model, or write the slices by hand.`,
  );
};

const part = ({ ref }: PresetModel, from: number, to: number): Slice => ({
  sources: [{ model: ref, layer_range: [from, to] }],
});

export const PRESETS: readonly Preset[] = [
  onBase(
    {
      id: "slerp-gradient",
      title: "Gradient SLERP",
      summary:
        "Attention and MLP along opposite curves, everything else halfway; the recipe of NeuralPipe and many after it.",
      method: "slerp",
      models: { min: 1, max: 1 },
    },
    none,
    {
      t: [
        { filter: "self_attn", value: [0, 0.5, 0.3, 0.7, 1] },
        { filter: "mlp", value: [1, 0.5, 0.7, 0.3, 0] },
        { value: 0.5 },
      ],
    },
  ),
  onBase(
    {
      id: "slerp-v",
      title: "V-shaped SLERP",
      summary: "The base at both ends, the other model in the middle layers; embeddings and head stay the base's.",
      method: "slerp",
      models: { min: 1, max: 1 },
    },
    none,
    { t: [0, 0.5, 1, 0.5, 0] },
  ),
  onBase(
    {
      id: "ties",
      title: "TIES, half of each",
      summary: "The larger half of two task vectors, with one sign per weight; the second counts less.",
      method: "ties",
      models: { min: 2, max: 2 },
    },
    () => [
      { density: 0.5, weight: 0.5 },
      { density: 0.5, weight: 0.3 },
    ],
    { normalize: true },
  ),
  onBase(
    {
      id: "dare-ties-53",
      title: "DARE-TIES 0.53",
      summary: "Three task vectors thinned to 53 % at random; the recipe of Daredevil.",
      method: "dare_ties",
      models: { min: 3, max: 3 },
    },
    () => [0.4, 0.3, 0.3].map((weight) => ({ density: 0.53, weight })),
    { int8_mask: true },
  ),
  onBase(
    {
      id: "dare-ties-half",
      title: "DARE-TIES, half and half",
      summary: "Two task vectors thinned to half at random, with equal weights.",
      method: "dare_ties",
      models: { min: 2, max: 2 },
    },
    () => [0.5, 0.5].map((weight) => ({ density: 0.5, weight })),
  ),
  onBase(
    {
      id: "task-arithmetic",
      title: "Task arithmetic 0.4",
      summary: "The sum of all task vectors, times 0.4: the factor to use without held-out data.",
      method: "task_arithmetic",
      models: { min: 1 },
    },
    (count) => Array.from({ length: count }, () => ({ weight: 1 })),
    { lambda: 0.4 },
  ),
  onBase(
    {
      id: "breadcrumbs",
      title: "Model breadcrumbs",
      summary: "Task vectors without their largest 1 % and their smallest weights, equally weighted.",
      method: "breadcrumbs",
      models: { min: 1 },
    },
    shared({ density: 0.9, gamma: 0.01 }),
  ),
  onBase(
    {
      id: "della",
      title: "DELLA",
      summary: "Weights dropped at random, small ones more often, then one sign per weight.",
      method: "della",
      models: { min: 1 },
    },
    shared({ density: 0.5, epsilon: 0.1 }),
  ),
  onBase(
    {
      id: "sce",
      title: "SCE",
      summary: "The tenth of all weights in which the models differ most, weighted by how far each model moved.",
      method: "sce",
      models: { min: 2 },
    },
    none,
    { select_topk: 0.1 },
  ),
  onBase(
    {
      id: "model-stock",
      title: "Model stock",
      summary: "Fine-tunes of one base averaged, and drawn to the base the more they disagree; nothing to tune.",
      method: "model_stock",
      models: { min: 2 },
    },
    none,
  ),
  onBase(
    {
      id: "arcee-fusion",
      title: "Arcee fusion",
      summary: "Only the weights in which the other model matters most are taken over; nothing to tune.",
      method: "arcee_fusion",
      models: { min: 1, max: 1 },
    },
    none,
  ),
  stack(
    {
      id: "self-merge",
      title: "Passthrough self-merge",
      summary:
        "Seven overlapping quarters of one model, as in the 120B made of Llama 3 70B; nearly twice as deep, in need of healing.",
      method: "passthrough",
      models: { min: 1, max: 1 },
    },
    ([model]) => {
      if (model === undefined) return [];
      const layers = layersOf(model);
      const starts = Array.from({ length: 7 }, (_, i) => Math.round((i * layers) / 8));
      const width = Math.round(layers / 4);
      return starts.map((from, i) => part(model, from, i === 6 ? layers : Math.min(layers, from + width)));
    },
  ),
  stack(
    {
      id: "passthrough-9b",
      title: "Passthrough 9B",
      summary: "All of one model, then the last quarter of another: [0, 32] and [24, 32] for two 7B models.",
      method: "passthrough",
      models: { min: 2, max: 2 },
    },
    ([first, second]) => {
      if (first === undefined || second === undefined) return [];
      const [all, tail] = [layersOf(first), layersOf(second)];
      return [part(first, 0, all), part(second, Math.round((3 * tail) / 4), tail)];
    },
  ),
  ofAll(
    {
      id: "soup",
      title: "Linear soup",
      summary: "The plain average of fine-tunes that share a base.",
      method: "linear",
      models: { min: 2 },
    },
    (count) => Array.from({ length: count }, () => 1),
  ),
  ofAll(
    {
      id: "warm",
      title: "Averaged reward models (WARM)",
      summary: "The plain average of reward models tuned from one start, their score heads included.",
      method: "linear",
      models: { min: 2 },
    },
    weights({ how: "uniform" }),
  ),
  ofAll(
    {
      id: "swa",
      title: "SWA, last five",
      summary: "The average of the last five checkpoints of a run, given from the oldest to the newest.",
      method: "linear",
      models: { min: 5 },
    },
    weights({ how: "last", count: 5 }),
  ),
  ofAll(
    {
      id: "ema",
      title: "EMA of checkpoints",
      summary: "Each newer checkpoint replaces a fifth of the average so far; given from the oldest to the newest.",
      method: "linear",
      models: { min: 3 },
    },
    weights({ how: "ema", alpha: 0.2 }),
  ),
  ofAll(
    {
      id: "wsm",
      title: "Cosine decay after the fact (WSM)",
      summary: "Checkpoints of a constant learning rate, weighted as if it had decayed along a cosine; oldest first.",
      method: "linear",
      models: { min: 3 },
    },
    weights({ how: "wsm", decay: "cosine" }),
  ),
];

/** The ones whose method a host has. */
export const presetsFor = (methods: ReadonlyMap<string, unknown>): readonly Preset[] =>
  PRESETS.filter(({ method }) => methods.has(method));

/** The preset's recipe for these models, the base first where it has one. Throws a RecipeError for too few or too many. */
export function presetRecipe(preset: Preset, models: readonly PresetModel[]): Recipe {
  const { base, id } = preset;
  const { min, max = Number.POSITIVE_INFINITY } = preset.models;
  const count = models.length - (base ? 1 : 0);
  if (count >= min && count <= max) return preset.make(models);
  const wanted = min === max ? `${min}` : max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
  const besides = base ? "a base model and then " : "";
  const found = models.length === 0 ? "none was" : `${models.length} ${models.length === 1 ? "was" : "were"}`;
  throw new WeightloomError(
    "RecipeError",
    `${id} takes ${besides}${wanted} ${min === 1 && max === 1 ? "model" : "models"}; ${found} given. Name them in that order.`,
  );
}

/** As YAML, with what it is in a comment. */
export function printPreset(preset: Preset, models: readonly PresetModel[]): string {
  return `# ${preset.title}\n# ${preset.summary}\n${printRecipe(presetRecipe(preset, models))}`;
}

/** Checkpoints of one run averaged, oldest first. */
export function averageRecipe(refs: readonly string[], average: Average): Recipe {
  const own = weightsOf(average, refs.length);
  const models = refs.flatMap((ref, i) => (own[i] === 0 ? [] : [entry(ref, { weight: own[i] ?? 0 })]));
  return { merge_method: "linear", models };
}
