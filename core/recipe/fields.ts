/** The fields that several parts of a document have: names of models, element types, lists, whole numbers. */
import { isMap, isScalar, type Node } from "yaml";
import type { AnyMethod } from "../method.ts";
import { described, type Entry, type Range, type Reader, unknownKey } from "./reader.ts";
import type { RecipeDtype } from "./recipe.ts";
import { formatRef, type ModelPath, splitRef } from "./ref.ts";
import * as words from "./words.ts";

/** Without the keys whose value is undefined. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

export function find(entries: readonly Entry[], key: string): Entry | undefined {
  return entries.find((entry) => entry.key === key);
}

/** A model's name as text or as a mapping, in the form a Recipe has it; undefined and a diagnostic otherwise. */
export function readRef(reader: Reader, { key, node, at }: Entry): string | undefined {
  if (isMap(node)) return readRefMapping(reader, node, at);
  if (node !== null && !isScalar(node)) {
    const found = described(node);
    reader.error(
      at,
      `"${key}" must be the name of a model; found ${found}. Write "${key}: name", with "+adapter" if needed.`,
    );
    return undefined;
  }
  const text = reader.text(node, at, `"${key}"`);
  const ref = text === null ? null : splitRef(text);
  if (typeof ref === "string") reader.error(reader.range(node, at), ref);
  return ref === null || typeof ref === "string" ? undefined : formatRef(ref);
}

function readRefMapping(reader: Reader, node: Node, at: Range): string | undefined {
  const entries = reader.entries(node, at, "a model's name") ?? [];
  let model: ModelPath | undefined;
  let lora: ModelPath | undefined;
  for (const entry of entries) {
    if (entry.key === "model") model = readPath(reader, entry);
    else if (entry.key === "lora") lora = entry.node === null ? undefined : readPath(reader, entry);
    else if (entry.key === "override_architecture") {
      if (entry.node === null) continue;
      const use = "models are recognised by their tensors, and the result is configured as its donor is";
      reader.warn(entry.at, `"override_architecture" has no effect: ${use}. Remove it, or edit config.json.`);
    } else unknownKey(reader, entry, "a model's name", words.REF_KEYS);
  }
  if (find(entries, "model") === undefined) {
    reader.error(reader.range(node, at), `This name of a model has no "model". Write "{model: {path: ...}}".`);
  }
  return model === undefined ? undefined : formatRef(lora === undefined ? model : { ...model, lora });
}

/** `{path, revision}`, or text with at most a revision. */
function readPath(reader: Reader, { key, node, at }: Entry): ModelPath | undefined {
  if (!isMap(node)) {
    const text = reader.text(node, at, `"${key}"`);
    const ref = text === null ? null : splitRef(text);
    const problem = typeof ref === "string" ? ref : ref?.lora && `An adapter has a key of its own here: "lora".`;
    if (problem) reader.error(reader.range(node, at), problem);
    return problem || ref === null || typeof ref === "string" ? undefined : ref;
  }
  const fields: { path?: string | undefined; revision?: string | undefined } = {};
  for (const entry of reader.entries(node, at, `"${key}"`) ?? []) {
    if (entry.key === "path") fields.path = reader.text(entry.node, entry.at, '"path"') ?? "";
    else if (entry.key === "revision" && entry.node === null) continue;
    else if (entry.key === "revision") fields.revision = reader.text(entry.node, entry.at, '"revision"') ?? undefined;
    else unknownKey(reader, entry, `"${key}"`, words.PATH_KEYS);
  }
  if (fields.path === undefined) reader.error(reader.range(node, at), `"${key}" has no path. Add "path: ...".`);
  return fields.path ? (given(fields) as ModelPath) : undefined;
}

export function readDtype(reader: Reader, { key, node, at }: Entry): RecipeDtype | undefined {
  if (node === null) return undefined;
  const word = isScalar(node) && typeof node.value === "string" ? node.value : null;
  const dtype = word === null ? undefined : words.dtypeNamed(word);
  if (dtype !== undefined) return dtype;
  const guess = word === null ? undefined : words.nearestDtype(word);
  const hint = guess === undefined ? "" : ` Did you mean "${guess}"?`;
  const wanted = words.choices(words.DTYPES);
  reader.error(reader.range(node, at), `"${key}" must be ${wanted}; found ${described(node)}.${hint}`);
  return undefined;
}

/** One of a few words; undefined and a diagnostic otherwise. */
export function readWord<const W extends string>(
  reader: Reader,
  { key, node, at }: Entry,
  known: readonly W[],
): W | undefined {
  const value = isScalar(node) ? node.value : null;
  const word = known.find((one) => one === value);
  if (word !== undefined) return word;
  const hint = typeof value === "string" ? words.didYouMean(value, known) : "";
  const advice = known.length === 1 ? `Write "${key}: ${known[0]}", or leave it out` : "Choose one of them";
  const wanted = words.choices(known);
  reader.error(reader.range(node, at), `"${key}" must be ${wanted}; found ${described(node)}.${hint} ${advice}.`);
  return undefined;
}

/** A whole number in a range, ends included; undefined and a diagnostic otherwise. */
export function readCount(reader: Reader, { key, node, at }: Entry, min: number, max: number): number | undefined {
  const value = isScalar(node) ? node.value : null;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const [low, high] = [min, max].map((count) => count.toLocaleString("en-US"));
  const wanted = `a whole number from ${low} to ${high}`;
  reader.error(reader.range(node, at), `"${key}" must be ${wanted}; found ${described(node)}. Write such a number.`);
  return undefined;
}

/** The items that could be read, or undefined when the list itself is unusable; `whole` tells whether none is missing. */
export function readList<T>(
  reader: Reader,
  { key, node, at }: Entry,
  one: (node: Node) => T | null,
): { readonly items: readonly T[]; readonly whole: boolean } | undefined {
  const nodes = node === null ? null : reader.items(node, at, `"${key}"`);
  const items = nodes?.map(one).filter((item) => item !== null);
  return items === undefined ? undefined : { items, whole: items.length === nodes?.length };
}

/** A key that does not belong: a parameter in the wrong place, or misspelt. */
export function strange(
  reader: Reader,
  entry: Entry,
  where: string,
  known: readonly string[],
  method: AnyMethod | null,
): void {
  if (method !== null && Object.hasOwn(method.params, entry.key)) {
    reader.error(entry.at, `"${entry.key}" is a parameter of ${method.id}. Put it under "parameters:".`);
  } else unknownKey(reader, entry, where, known);
}
