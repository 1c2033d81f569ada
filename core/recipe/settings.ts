/**
 * Parameters, read against a method's schema: every name known, every value of the right type, every
 * number inside a hard range, and each parameter at a level where it can have an effect.
 */
import { isMap, isScalar, isSeq, type Node } from "yaml";
import type { AnyMethod, Param } from "../method.ts";
import { described, type Entry, type Range, type Reader, unknownKey } from "./reader.ts";
import type { Condition, Scalar, Setting, Settings } from "./recipe.ts";
import { CONDITION_KEYS, choices, didYouMean } from "./words.ts";

/** Where parameters stand; merge-wide ones have no effect at a model. */
export type Scope = "top" | "slice" | "model";

/** Reads `parameters:`; undefined when there is nothing usable. A null method checks types only. */
export function readSettings(
  reader: Reader,
  entry: Entry,
  method: AnyMethod | null,
  scope: Scope,
): Settings | undefined {
  if (entry.node === null) return undefined;
  const entries = reader.entries(entry.node, entry.at, '"parameters"');
  if (entries === null) return undefined;
  const settings: [string, Setting][] = [];
  for (const one of entries) {
    const param = method === null ? undefined : paramOf(method, one.key);
    if (method !== null && param === undefined) unknownParam(reader, one, method);
    else if (method !== null && param?.per === "merge" && scope === "model") misplaced(reader, one, method);
    else {
      const setting = readSetting(reader, one.node, one.at, one.key, param);
      settings.push([one.key, setting ?? 0]); // a refused value still counts as given; no recipe comes of it
    }
  }
  return Object.fromEntries(settings);
}

export function paramOf(method: AnyMethod, name: string): Param | undefined {
  return Object.hasOwn(method.params, name) ? (method.params[name] as Param) : undefined;
}

function unknownParam(reader: Reader, { key, at }: Entry, method: AnyMethod): void {
  const names = Object.keys(method.params);
  const takes = names.length === 0 ? "It takes no parameters" : `It takes ${names.join(", ")}`;
  reader.error(at, `Unknown parameter "${key}" for ${method.id}.${didYouMean(key, names)} ${takes}.`);
}

function misplaced(reader: Reader, { key, at }: Entry, method: AnyMethod): void {
  reader.error(
    at,
    `"${key}" of ${method.id} is one value for all models, so it has no effect on a single one. ` +
      `Move it to the "parameters" of the recipe or of a slice.`,
  );
}

function readSetting(
  reader: Reader,
  node: Node | null,
  at: Range,
  name: string,
  param: Param | undefined,
): Setting | undefined {
  if (isMap(node)) {
    const only = readCondition(reader, node, at, name, param);
    return only === undefined ? undefined : [only];
  }
  if (!isSeq(node) || !node.items.some((item) => isMap(reader.follow(item as Node)))) {
    return readValue(reader, node, at, name, param);
  }
  const conditions = (node.items as Node[]).map((item) => readCondition(reader, item, at, name, param));
  return conditions.every((one) => one !== undefined) ? conditions : undefined;
}

function readCondition(
  reader: Reader,
  node: Node,
  at: Range,
  name: string,
  param: Param | undefined,
): Condition | undefined {
  const here = reader.range(node, at);
  if (!isMap(reader.follow(node))) {
    const found = described(reader.follow(node));
    reader.error(here, `"${name}" mixes filters with ${found}. Write it as "- value: ..." below the filters.`);
    return undefined;
  }
  const entries = reader.entries(node, at, `a filter of "${name}"`) ?? [];
  let filter: string | undefined;
  let value: Condition["value"] | undefined;
  let given = false;
  for (const entry of entries) {
    if (entry.key === "value") {
      given = true;
      value = readValue(reader, entry.node, entry.at, name, param);
    } else if (entry.key === "filter") {
      // An empty or quoted-empty filter is text too: it is part of every name.
      if (isScalar(entry.node) && typeof entry.node.value === "string") filter = entry.node.value;
      else if (entry.node !== null) filter = reader.text(entry.node, entry.at, '"filter"') ?? undefined;
    } else unknownKey(reader, entry, `a filter of "${name}"`, CONDITION_KEYS);
  }
  if (!given)
    reader.error(here, `A filter of "${name}" has no value. Add "value:" with a number or a list of numbers.`);
  if (value === undefined) return undefined;
  return filter === undefined ? { value } : { filter, value };
}

function readValue(
  reader: Reader,
  node: Node | null,
  at: Range,
  name: string,
  param: Param | undefined,
): Scalar | readonly Scalar[] | undefined {
  if (!isSeq(node)) return readScalar(reader, node, reader.range(node, at), name, param);
  const here = reader.range(node, at);
  if (param?.kind === "flag") {
    reader.error(here, `"${name}" is on or off and has no values in between; found a list. Write true or false.`);
    return undefined;
  }
  if (node.items.length === 0) {
    reader.error(here, `"${name}" is an empty list. Give at least one number, or leave it out.`);
    return undefined;
  }
  const values = (node.items as Node[]).map((item) =>
    readScalar(reader, reader.follow(item), reader.range(item, at), name, param),
  );
  return values.every((one) => one !== undefined) ? values : undefined;
}

/** What PyYAML takes for true and false besides the words themselves. */
const SPOKEN: Readonly<Record<string, boolean>> = { yes: true, on: true, no: false, off: false };

function readScalar(
  reader: Reader,
  node: Node | null,
  at: Range,
  name: string,
  param: Param | undefined,
): Scalar | undefined {
  const value = isScalar(node) ? node.value : null;
  const wrong = (wanted: string, advice: string): undefined => {
    reader.error(at, `"${name}" must be ${wanted}; found ${described(node)}. ${advice}`);
  };
  if (param === undefined) {
    if (typeof value === "number" || typeof value === "boolean" || typeof value === "string") return value;
    return wrong("a value", "Write a number, or true or false.");
  }
  if (param.kind === "flag") {
    if (typeof value === "boolean") return value;
    const spoken = typeof value === "string" && isScalar(node) && node.type === "PLAIN" ? value.toLowerCase() : "";
    return Object.hasOwn(SPOKEN, spoken) ? SPOKEN[spoken] : wrong("true or false", "Write true or false.");
  }
  if (param.kind === "choice") {
    const words = param.options.map((option) => option.value);
    if (typeof value === "string" && words.includes(value)) return value;
    return wrong(choices(words), "Choose one of them.");
  }
  if (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))) {
    return wrong("a number", "Remove the quotes.");
  }
  if (typeof value !== "number" || !Number.isFinite(value)) {
    return wrong("a number", `Usual values are ${param.min} to ${param.max}.`);
  }
  if (param.hard === true && (value < param.min || value > param.max)) {
    return wrong(`between ${param.min} and ${param.max}`, "Choose a value in that range.");
  }
  return value;
}
