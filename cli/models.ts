/**
 * Finds the models a recipe names: a folder or file below the current folder, else beside the recipe; with
 * `+adapter` behind it, that model with a LoRA adapter applied as it is read.
 */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Products, plainProducts } from "../core/bytes/lowrank.ts";
import { createSimdProducts } from "../core/bytes/simd.ts";
import type { ByteSource } from "../core/bytes/source.ts";
import { WeightloomError } from "../core/errors.ts";
import { adaptModel } from "../core/model/adapt.ts";
import { isAdapter, openAdapter } from "../core/model/adapter.ts";
import type { Model } from "../core/model/model.ts";
import { openModel } from "../core/model/open.ts";
import { type ModelPath, type ModelRef, parseRef } from "../core/recipe/ref.ts";
import { kernelModule } from "./engine.ts";
import { closeAll, filesAt } from "./files.ts";

const placesOf = (path: string, recipePath: string | null): string[] => [
  ...new Set([resolve(path), ...(recipePath === null ? [] : [resolve(dirname(recipePath), path)])]),
];

/** Where a path leads, or a FileError that says where it was looked for. */
export function locate(path: string, recipePath: string | null, what = "Model"): string {
  const places = placesOf(path, recipePath);
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new WeightloomError(
    "FileError",
    `${what} "${path}" was not found. Looked for ${places.join(" and ")}. Download it there, or correct the path in the recipe.`,
  );
}

/** A name that is a path as it stands is one, whatever signs it contains. */
function readRef(ref: string, recipePath: string | null): ModelRef {
  return placesOf(ref, recipePath).some((place) => existsSync(place)) ? { path: ref } : parseRef(ref);
}

function refuseRevision({ path, revision }: ModelPath, ref: string): void {
  if (revision === undefined) return;
  throw new WeightloomError(
    "RecipeError",
    `Model "${ref}" asks for revision "${revision}" of ${path}, but models are read from this disk, where a folder has one. Download that revision and name its folder.`,
  );
}

export interface OpenModels {
  readonly models: ReadonlyMap<string, Model>;
  /** The folders and files they were read from. */
  readonly places: readonly string[];
  close(): Promise<void>;
}

/** The SIMD kernels' products, or the same in JavaScript where they do not start. */
export const openProducts = (): Promise<Products> =>
  kernelModule()
    .then(createSimdProducts)
    .catch(() => plainProducts);

/** Opens every model a recipe names. Files stay open until `close`. */
export async function openModels(refs: readonly string[], recipePath: string | null): Promise<OpenModels> {
  const models = new Map<string, Model>();
  /** By place, so that a model and its adapted self share what they have in common. */
  const bases = new Map<string, Promise<Model>>();
  const sources: ByteSource[] = [];
  const places: string[] = [];
  const close = () => closeAll(sources);
  let products: Promise<Products> | null = null;

  async function filesOf(place: string): Promise<Map<string, ByteSource>> {
    const files = await filesAt(place);
    sources.push(...files.values());
    places.push(place);
    return files;
  }

  function openBase(place: string, ref: string): Promise<Model> {
    const opened = bases.get(place) ?? filesOf(place).then((files) => openModel(ref, files));
    bases.set(place, opened);
    return opened;
  }

  async function open(ref: string): Promise<Model> {
    const read = readRef(ref, recipePath);
    refuseRevision(read, ref);
    const place = locate(read.path, recipePath);
    if (read.lora === undefined) return { ...(await openBase(place, read.path)), ref };
    refuseRevision(read.lora, ref);
    const adapterPlace = locate(read.lora.path, recipePath, "Adapter");
    const base = await openBase(place, read.path);
    const files = await filesOf(adapterPlace);
    if (!isAdapter(files))
      throw new WeightloomError(
        "FormatError",
        `${read.lora.path}: there is no adapter_config.json, so it is not a LoRA adapter. After the plus sign of "${ref}" one is needed.`,
      );
    products ??= openProducts();
    return adaptModel(base, await openAdapter(read.lora.path, files), ref, await products);
  }

  try {
    for (const ref of refs) models.set(ref, await open(ref));
  } catch (error) {
    await close();
    throw error;
  }
  return { models, places, close };
}
