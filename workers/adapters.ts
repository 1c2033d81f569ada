/**
 * Adapters in the studio. Dropped after its base, an adapter opens as a model of its own, `base+adapter`; a recipe may
 * also name any open base with any open adapter.
 */
import type { Products } from "../core/bytes/lowrank.ts";
import type { ByteSource } from "../core/bytes/source.ts";
import { WeightloomError } from "../core/errors.ts";
import { adaptModel } from "../core/model/adapt.ts";
import { type Adapter, openAdapter } from "../core/model/adapter.ts";
import type { Model } from "../core/model/model.ts";
import { formatRef, type ModelRef, parseRef } from "../core/recipe/ref.ts";
import type { OpenedModel } from "./host.ts";

/**
 * Opens an adapter on the base it fits: the one its config names when that is open, else the only one that has a place
 * for all its tensors.
 * @throws PlanError with what to do when none fits, or several do
 */
export async function openWithBase(
  name: string,
  files: ReadonlyMap<string, ByteSource>,
  open: readonly OpenedModel[],
  products: () => Promise<Products>,
): Promise<{ readonly opened: Omit<OpenedModel, "identity" | "hub">; readonly base: OpenedModel }> {
  // One that is opened again after a reload has its whole name already.
  const again = parsed(name);
  const adapter = await openAdapter(again?.lora?.path ?? name, files);
  const computed = await products();
  const tried = open
    .filter((one) => one.adapter === null)
    .map((base) => {
      try {
        const ref = nameOf(base.name, adapter.ref);
        return { base, ref, model: adaptModel(base.model, adapter, ref, computed), error: null };
      } catch (error) {
        return { base, ref: "", model: null, error };
      }
    });
  const fitting = tried.filter((one) => one.model !== null);
  const wanted = again?.lora === undefined ? last(adapter.base ?? "") : again.path;
  const named = fitting.filter(({ base }) => base.name === wanted || last(base.name) === wanted);
  const [chosen] = named.length > 0 ? named : fitting;
  if (chosen?.model != null && (named.length === 1 || fitting.length === 1))
    return { opened: { name: chosen.ref, model: chosen.model, files, adapter }, base: chosen.base };
  throw new WeightloomError("PlanError", refusal(adapter, tried, fitting.length));
}

const last = (path: string) =>
  path
    .replace(/[\\/]+$/, "")
    .split(/[\\/]/)
    .at(-1) ?? path;
const nameOf = (base: string, adapter: string) => formatRef({ path: base, lora: { path: adapter } });

function refusal(
  adapter: Adapter,
  tried: readonly { readonly base: OpenedModel; readonly error: unknown }[],
  fitting: number,
): string {
  const wanted = adapter.base === null ? "the model it was trained on" : adapter.base;
  if (fitting > 1)
    return `${adapter.ref}: this is a LoRA adapter, and it fits ${fitting} of the open models, none or several of them called like ${wanted}. Rename its base to that, then add the adapter again.`;
  const [only] = tried;
  if (tried.length === 1 && only?.error instanceof Error) return only.error.message;
  const why = tried.length === 0 ? "no model is open" : `it fits none of the ${tried.length} open models`;
  return `${adapter.ref}: this is a LoRA adapter, and ${why}. Add ${wanted} first, then the adapter again.`;
}

/** The model a recipe means by `base+adapter`, when both are open; null otherwise, or when it means something else. */
export async function adaptReference(
  ref: string,
  open: readonly OpenedModel[],
  products: () => Promise<Products>,
): Promise<Model | null> {
  const read = parsed(ref);
  if (read?.lora === undefined || read.revision !== undefined || read.lora.revision !== undefined) return null;
  const { path } = read.lora;
  const base = open.find((one) => one.name === read.path);
  const adapter = open.find((one) => one.adapter?.ref === path)?.adapter;
  if (base === undefined || adapter == null) return null;
  return adaptModel(base.model, adapter, ref, await products());
}

function parsed(ref: string): ModelRef | null {
  try {
    return parseRef(ref);
  } catch {
    return null;
  }
}
