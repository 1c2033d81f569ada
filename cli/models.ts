/** Finds the models a recipe names: a folder or file below the current folder, else beside the recipe. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { WeightloomError } from "../core/errors.ts";
import type { Model } from "../core/model/model.ts";
import { openModel } from "../core/model/open.ts";
import { filesAt } from "./files.ts";

/** Where a reference leads, or a FileError that says where it was looked for. */
export function locate(ref: string, recipePath: string | null): string {
  const places = [resolve(ref), ...(recipePath === null ? [] : [resolve(dirname(recipePath), ref)])];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new WeightloomError(
    "FileError",
    `Model "${ref}" was not found. Looked for ${[...new Set(places)].join(" and ")}. Download it there, or correct the path in the recipe.`,
  );
}

export async function openModels(refs: readonly string[], recipePath: string | null): Promise<Map<string, Model>> {
  const models = new Map<string, Model>();
  for (const ref of refs) models.set(ref, await openModel(ref, await filesAt(locate(ref, recipePath))));
  return models;
}

export async function closeModels(models: ReadonlyMap<string, Model>): Promise<void> {
  for (const model of models.values()) {
    for (const source of model.checkpoint.sources) await source.close?.();
    for (const extra of model.extras.values()) await extra.close?.();
  }
}
