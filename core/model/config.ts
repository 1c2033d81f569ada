/** Reading config.json: one parser for outside JSON, and dotted paths into what it returns. */
import type { ByteSource } from "../bytes/source.ts";
import { messageOf, WeightloomError } from "../errors.ts";
import type { Json, JsonObject } from "./model.ts";

const LIMIT = 10_000_000;

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The value at a dotted path ("text_config.num_hidden_layers"), or undefined. */
export function at(config: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = config;
  for (const key of path.split(".")) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** A copy with the value at a dotted path set; objects on the way are made when missing. */
export function setAt(config: JsonObject, path: string, value: Json): JsonObject {
  const [key = "", ...rest] = path.split(".");
  if (rest.length === 0) return { ...config, [key]: value };
  const inner = Object.hasOwn(config, key) ? config[key] : undefined;
  return { ...config, [key]: setAt(isObject(inner) ? inner : {}, rest.join("."), value) };
}

export function numberAt(config: JsonObject | null, ...paths: readonly string[]): number | null {
  for (const path of config === null ? [] : paths) {
    const value = config === null ? undefined : at(config, path);
    if (typeof value === "number") return value;
  }
  return null;
}

export function stringAt(config: JsonObject | null, path: string): string | null {
  const value = config === null ? undefined : at(config, path);
  return typeof value === "string" ? value : null;
}

/** Reads a small JSON file that must hold an object. Throws a FormatError for anything else. */
export async function readJson(source: ByteSource, signal?: AbortSignal): Promise<JsonObject> {
  if (source.size > LIMIT) {
    throw new WeightloomError(
      "FormatError",
      `${source.name}: the file has ${source.size.toLocaleString("en")} bytes; at most ${LIMIT.toLocaleString("en")} are read as a model's configuration. Use the config.json that came with the model.`,
    );
  }
  const bytes = await source.read({ start: 0, end: source.size }, signal);
  let value: Json;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Json;
  } catch (cause) {
    throw new WeightloomError(
      "FormatError",
      `${source.name}: it should hold JSON, but reading it failed (${messageOf(cause)}). Download it again.`,
      { cause },
    );
  }
  if (!isObject(value)) {
    const found = value === null ? "null" : isList(value) ? "a list" : `a ${typeof value}`;
    throw new WeightloomError(
      "FormatError",
      `${source.name}: it holds ${found}, but a model's configuration is a JSON object. Download it again.`,
    );
  }
  return value;
}
