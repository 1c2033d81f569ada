/** Models in folders on disk, for tests. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import type { Model } from "../../core/model/model.ts";
import { openModel } from "../../core/model/open.ts";

/** A folder's files, read into memory; test models are small. */
export function filesIn(folder: string): Map<string, ByteSource> {
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
  return new Map(names.map((name) => [name, fromBytes(name, readFileSync(join(folder, name)))]));
}

const opened = new Map<string, Promise<Model>>();

/** Opens a model once per test file. */
export function modelAt(ref: string, folder: string): Promise<Model> {
  const known = opened.get(folder);
  if (known !== undefined) return known;
  const model = openModel(ref, filesIn(folder));
  opened.set(folder, model);
  return model;
}
