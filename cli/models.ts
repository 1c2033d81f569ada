/**
 * Finds the models a recipe names: a folder or file below the current folder, else beside the recipe, else a model on the
 * Hub; with `+adapter` behind it, that model with a LoRA adapter applied as it is read.
 */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Products, plainProducts } from "../core/bytes/lowrank.ts";
import { createSimdProducts } from "../core/bytes/simd.ts";
import type { ByteSource } from "../core/bytes/source.ts";
import { WeightloomError } from "../core/errors.ts";
import { type Hub, type HubName, hubName, parseHubName } from "../core/hub/hub.ts";
import { adaptModel } from "../core/model/adapt.ts";
import { isAdapter, openAdapter } from "../core/model/adapter.ts";
import type { Model } from "../core/model/model.ts";
import { openModel } from "../core/model/open.ts";
import { type ModelPath, type ModelRef, parseRef } from "../core/recipe/ref.ts";
import { kernelModule } from "./engine.ts";
import { closeAll, filesAt } from "./files.ts";
import { endpointIn, openHub, openRepo } from "./hub.ts";

const placesOf = (path: string, recipePath: string | null): string[] => [
  ...new Set([resolve(path), ...(recipePath === null ? [] : [resolve(dirname(recipePath), path)])]),
];

/** A place on this disk, or a name on the Hub with the places where it is not. */
type Found = { readonly place: string } | { readonly name: HubName; readonly places: readonly string[] };

/** Where a model is. A folder of that name wins over the Hub. Throws a FileError that says where it was looked for. */
function locate({ path, revision }: ModelPath, ref: string, recipePath: string | null, what = "Model"): Found {
  const places = placesOf(path, recipePath);
  const place = places.find((one) => existsSync(one));
  if (place !== undefined) {
    refuseRevision({ path, revision }, ref);
    return { place };
  }
  const name = hubName(path, revision) ?? (revision === undefined ? parseHubName(path, endpointIn(process.env)) : null);
  if (name !== null) return { name, places };
  throw new WeightloomError(
    "FileError",
    `${what} "${path}" was not found. Looked for ${places.join(" and ")}. Download it there, or correct the path in the recipe; a model on the Hub is written org/name.`,
  );
}

/** A name that is a path as it stands is one, whatever signs it contains. */
function readRef(ref: string, recipePath: string | null): ModelRef {
  return placesOf(ref, recipePath).some((place) => existsSync(place)) ? { path: ref } : parseRef(ref);
}

function refuseRevision({ path, revision }: { path: string; revision: string | undefined }, ref: string): void {
  if (revision === undefined) return;
  throw new WeightloomError(
    "RecipeError",
    `Model "${ref}" asks for revision "${revision}" of ${path}, but there is a folder of that name here, and a folder has only one. Rename the folder to read from the Hub, or leave the revision out.`,
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

export interface Opening {
  /** What the command was told to stay under, bytes; default 1 GB. */
  readonly memory?: number | undefined;
  /** Bytes of what is read from the Hub that may be kept; default none. */
  readonly cache?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Opens every model a recipe names. Files stay open until `close`. */
export async function openModels(
  refs: readonly string[],
  recipePath: string | null,
  { memory = 1e9, cache = 0, signal }: Opening = {},
): Promise<OpenModels> {
  const models = new Map<string, Model>();
  /** By place, so that a model and its adapted self share what they have in common. */
  const bases = new Map<string, Promise<Model>>();
  const sources: ByteSource[] = [];
  const places: string[] = [];
  const close = () => closeAll(sources);
  let products: Promise<Products> | null = null;
  let hub: Hub | null = null;

  async function filesOf(found: Found): Promise<Pick<Model, "origin"> & { files: ReadonlyMap<string, ByteSource> }> {
    if ("place" in found) {
      const files = await filesAt(found.place);
      sources.push(...files.values());
      places.push(found.place);
      return { files };
    }
    hub ??= openHub(memory, cache);
    const { files, info } = await openRepo(hub, found.name, found.places, signal);
    return { files, origin: { repo: info.repo, commit: info.commit } };
  }

  async function openFrom(found: Found, ref: string): Promise<Model> {
    const { files, ...origin } = await filesOf(found);
    return { ...(await openModel(ref, files)), ...origin };
  }

  function openBase(found: Found, ref: string): Promise<Model> {
    const key = "place" in found ? found.place : `hub ${JSON.stringify(found.name)}`;
    const opened = bases.get(key) ?? openFrom(found, ref);
    bases.set(key, opened);
    return opened;
  }

  async function open(ref: string): Promise<Model> {
    const read = readRef(ref, recipePath);
    const found = locate(read, ref, recipePath);
    if (read.lora === undefined) return { ...(await openBase(found, read.path)), ref };
    const adapterAt = locate(read.lora, ref, recipePath, "Adapter");
    const base = await openBase(found, read.path);
    const { files } = await filesOf(adapterAt);
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
