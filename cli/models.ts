/** Finds the models a recipe names: a folder or file below the current folder, else beside the recipe. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { ByteSource } from "../core/bytes/source.ts";
import { WeightloomError } from "../core/errors.ts";
import type { Model } from "../core/model/model.ts";
import { openModel } from "../core/model/open.ts";
import { closeAll, filesAt } from "./files.ts";

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

export interface OpenModels {
  readonly models: ReadonlyMap<string, Model>;
  close(): Promise<void>;
}

/** Opens every model a recipe names. Files stay open until `close`. */
export async function openModels(refs: readonly string[], recipePath: string | null): Promise<OpenModels> {
  const models = new Map<string, Model>();
  const sources: ByteSource[] = [];
  const close = () => closeAll(sources);
  try {
    for (const ref of refs) {
      const files = await filesAt(locate(ref, recipePath));
      sources.push(...files.values());
      models.set(ref, await openModel(ref, files));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { models, close };
}
