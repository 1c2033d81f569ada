/** The models that take part in an output tensor, and their tensors. */
import type { TensorInfo } from "../formats/checkpoint.ts";
import type { Model } from "../model/model.ts";
import { standIn } from "../model/tied.ts";
import type { ModelEntry, Settings } from "../recipe/recipe.ts";
import type { Source } from "./outputs.ts";

export type Lookup = (ref: string) => Model;

/** Entries in order; the base is left out of them, it has its own place. */
export interface Party {
  readonly entries: readonly {
    readonly label: string;
    readonly model: Model;
    readonly parameters: Settings | undefined;
  }[];
  readonly base: Model | null;
}

export function partyOf(entries: readonly ModelEntry[], baseRef: string | undefined, lookup: Lookup): Party {
  const times = new Map<string, number>();
  const labelled = entries.map(({ model, parameters }) => {
    const time = (times.get(model) ?? 0) + 1;
    times.set(model, time);
    return { label: time === 1 ? model : `${model} (${time})`, model: lookup(model), parameters };
  });
  const base = baseRef === undefined ? null : lookup(baseRef);
  return { entries: labelled, base };
}

/** Where a layer is among all, 0 (first) to 1 (last). */
export const depthOf = (layer: number, layers: number) => (layers <= 1 ? 0 : layer / (layers - 1));

export const sourceOf = (model: Model, name: string, label: string): Source => ({
  label,
  model,
  name,
  info: find(model, name),
  parameters: undefined,
});

/** The tensor of that name, or, in a model that ties its head to its embeddings, the embeddings. */
export function find(model: Model, name: string): TensorInfo | null {
  const stored = model.checkpoint.tensors.get(name);
  const instead = stored === undefined ? standIn(model, name) : null;
  return stored ?? (instead === null ? null : (model.checkpoint.tensors.get(instead) ?? null));
}
