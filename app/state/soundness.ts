/** What is wrong with a stack and what would mend it, in sentences, and how large its result is. Pure. */
import { DTYPES } from "../../core/bytes/dtype.ts";
import type { Recipe, Slice } from "../../core/recipe/recipe.ts";
import { baseMissing, widthsDiffer } from "../../core/recipe/stacked.ts";
import type { ModelSummary, TensorRow } from "../../workers/api.ts";
import { methodOf } from "./edits.ts";
import { addSource, type Depths, inWords, lengthOf, mendSlice } from "./stack.ts";

export type Lookup = (name: string) => ModelSummary | undefined;

/** The stack of a model that can be sliced, or a sentence saying why there is none. */
export function sliceable({ name, family, stacks }: ModelSummary): { readonly layers: number } | string {
  const [only, ...more] = stacks;
  if (only === undefined) return `${name} has no numbered layers, so there is nothing to stack.`;
  if (only.fixed === true)
    return `The blocks of ${name} (${family.title}) have different shapes and cannot change places. Merge it whole, on the Mix tab.`;
  if (more.length > 0) {
    const found = stacks.map(({ prefix, layers }) => `${prefix} (${layers})`).join(", ");
    return `${name} has several stacks of layers: ${found}. Write its slices under "modules:" in the recipe.`;
  }
  return { layers: only.layers };
}

export const depthsOf =
  (find: Lookup): Depths =>
  (name) => {
    const model = find(name);
    const found = model === undefined ? "" : sliceable(model);
    return typeof found === "string" ? null : found.layers;
  };

export interface Problem {
  /** Which slice it is about; null for the whole stack. */
  readonly slice: number | null;
  readonly text: string;
  readonly fix?: { readonly label: string; apply(recipe: Recipe): Recipe };
}

export function problemsOf(recipe: Recipe, find: Lookup): Problem[] {
  const { slices = [] } = recipe;
  return [...slices.flatMap((slice, at) => problemsIn(recipe, slice, at, find)), ...widths(slices, find)];
}

function problemsIn(recipe: Recipe, slice: Slice, at: number, find: Lookup): Problem[] {
  const depths = depthsOf(find);
  const mend = (label: string) => ({ label, apply: (now: Recipe) => mendSlice(now, at, depths) });
  const said: Problem[] = [];
  for (const { model: name, layer_range: range } of slice.sources) {
    const model = find(name);
    const found = model === undefined ? null : sliceable(model);
    if (found === null)
      said.push({ slice: at, text: `${name} is not open. Add it on the left, or choose another model here.` });
    else if (typeof found === "string") said.push({ slice: at, text: found });
    else if (range[1] > found.layers) {
      const text = `${name} has ${found.layers} layers, 0 to ${found.layers - 1}; ${inWords(range)} go beyond the last.`;
      said.push({ slice: at, text, fix: mend("Cut to the model") });
    }
  }
  const lengths = slice.sources.map(({ layer_range: range }) => lengthOf(range));
  if (new Set(lengths).size > 1) {
    const parts = slice.sources.map(({ model }, i) => `${model} gives ${lengths[i]}`).join(", ");
    const text = `The sources of a slice must have equally many layers, but ${parts}.`;
    said.push({ slice: at, text, fix: mend(`Make it ${Math.min(...lengths)}`) });
  }
  return [...said, ...counts(recipe, slice, at, depths)];
}

function counts(recipe: Recipe, slice: Slice, at: number, depths: Depths): Problem[] {
  const method = methodOf(recipe);
  if (method === undefined) return [];
  const base = method.base === "none" ? undefined : (slice.base_model ?? recipe.base_model);
  const here = slice.sources.filter(({ model }) => model !== base).length;
  if (base !== undefined && here === slice.sources.length)
    return [
      {
        slice: at,
        text: baseMissing(base),
        fix: { label: `Merge ${base} in`, apply: (now) => addSource(now, at, base, depths) },
      },
    ];
  const { min, max } = method.models;
  const besides = base === undefined ? "" : ` besides the base ${base}`;
  const wanted = (n: number) => `${n} ${n === 1 ? "model" : "models"}${besides}`;
  if (here < min)
    return [
      { slice: at, text: `${method.title} merges at least ${wanted(min)}; this slice has ${here}. Merge one in.` },
    ];
  if (max !== undefined && here > max) {
    const text = `${method.title} takes ${wanted(max)}; this slice has ${here}. Remove one, or choose another method above.`;
    return [{ slice: at, text }];
  }
  return [];
}

/** Layers of different width do not fit on each other. */
function widths(slices: readonly Slice[], find: Lookup): Problem[] {
  const names = new Set(slices.flatMap(({ sources }) => sources.map(({ model }) => model)));
  const wide = [...names].flatMap((name) => {
    const hidden = find(name)?.hidden ?? null;
    return hidden === null ? [] : [{ name, hidden }];
  });
  const text = widthsDiffer(wide);
  return text === null ? [] : [{ slice: null, text }];
}

interface Size {
  readonly parameters: number;
  readonly bytes: number;
}

const measured = new WeakMap<ModelSummary, ReadonlyMap<string, Size>>();

/** Sizes by layer, and of what stands "before" and "after" the layers. */
function sizesOf(model: ModelSummary): ReadonlyMap<string, Size> {
  const known = measured.get(model);
  if (known !== undefined) return known;
  const sizes = new Map<string, Size>();
  for (const tensor of model.tensors) {
    const key = tensor.layer === null ? endOf(tensor) : `${tensor.layer}`;
    const { parameters, bytes } = sizes.get(key) ?? { parameters: 0, bytes: 0 };
    const count = tensor.shape.reduce((product, n) => product * n, 1);
    sizes.set(key, { parameters: parameters + count, bytes: bytes + tensor.bytes });
  }
  measured.set(model, sizes);
  return sizes;
}

const endOf = ({ kind }: TensorRow) => (kind === "norm" || kind === "head" ? "after" : "before");

const WIDTHS = { float32: DTYPES.F32.bits / 8, float16: DTYPES.F16.bits / 8, bfloat16: DTYPES.BF16.bits / 8 };

/** What the result holds: embeddings of the first slice, all layers, norm and head of the last. */
export function sizeOf(recipe: Recipe, find: Lookup): Size {
  const { slices = [] } = recipe;
  let parameters = 0;
  let bytes = 0;
  const add = (name: string | undefined, key: string) => {
    const model = name === undefined ? undefined : find(name);
    const size = model === undefined ? undefined : sizesOf(model).get(key);
    parameters += size?.parameters ?? 0;
    bytes += size?.bytes ?? 0;
  };
  add(slices[0]?.sources[0]?.model, "before");
  for (const {
    sources: [source],
  } of slices)
    for (let i = source?.layer_range[0] ?? 0; i < (source?.layer_range[1] ?? 0); i++) add(source?.model, `${i}`);
  add(slices.at(-1)?.sources[0]?.model, "after");
  const dtype = recipe.out_dtype ?? recipe.dtype;
  return { parameters, bytes: dtype === undefined ? bytes : parameters * WIDTHS[dtype] };
}
