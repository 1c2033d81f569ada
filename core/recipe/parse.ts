/**
 * mergekit YAML to a Recipe, or to every reason why not. mergekit ignores what it does not know; here a
 * misspelt word is an error at its line, because a merge takes minutes and a wrong one looks like a right one.
 */
import { isScalar, isSeq, type Node } from "yaml";
import type { AnyMethod } from "../method.ts";
import { checkTogether, type Places } from "./check.ts";
import { described, type Entry, type Range, type Reader, readYaml, unknownKey } from "./reader.ts";
import type { ModelEntry, ParsedRecipe, Recipe, RecipeDtype, Settings, Slice, SliceSource } from "./recipe.ts";
import { readSettings, type Scope } from "./settings.ts";
import * as words from "./words.ts";

/**
 * Reads a recipe against the methods a host offers. Every problem is a diagnostic, sorted by place; the
 * recipe is null exactly when one of them is an error. Never throws for any text.
 */
export function parseRecipe(text: string, methods: ReadonlyMap<string, AnyMethod>): ParsedRecipe {
  const reader = readYaml(text);
  const recipe = readRecipe(reader, methods);
  const diagnostics = reader.diagnostics();
  const failed = recipe === null || diagnostics.some(({ severity }) => severity === "error");
  return failed ? { recipe: null, diagnostics } : { recipe, diagnostics };
}

function readRecipe(reader: Reader, methods: ReadonlyMap<string, AnyMethod>): Recipe | null {
  const { whole } = reader;
  if (reader.diagnostics().length > 0) return null; // not YAML: what it seems to say means nothing
  if (reader.root === null || reader.follow(reader.root) === null) {
    reader.error(whole, `The recipe is empty. Start with "merge_method:" and a list of "models:".`);
    return null;
  }
  const entries = reader.entries(reader.root, whole, "a recipe");
  if (entries === null) return null;
  const method = readMethod(reader, find(entries, "merge_method"), methods);
  const places: Places = { whole: entries[0]?.at ?? whole, keys: new Map(), of: new Map(), partial: new Set() };
  const draft: { -readonly [K in keyof Recipe]?: Recipe[K] | undefined } = { merge_method: method?.id };
  for (const entry of entries) {
    places.keys.set(entry.key, entry.at);
    switch (entry.key) {
      case "merge_method":
        break;
      case "base_model":
        draft.base_model = readRef(reader, entry);
        break;
      case "models":
        draft.models = readList(reader, entry, places, (node) => readModel(reader, node, entry.at, method, places));
        break;
      case "slices":
        draft.slices = readList(reader, entry, places, (node) => readSlice(reader, node, entry.at, method, places));
        break;
      case "parameters":
        draft.parameters = readSettings(reader, entry, method, "top");
        break;
      case "dtype":
      case "out_dtype":
        draft[entry.key] = readDtype(reader, entry);
        break;
      default:
        strange(reader, entry, "a recipe", words.TOP_KEYS, method);
    }
  }
  const both = find(entries, "models")?.node && find(entries, "slices");
  if (both?.node) reader.error(both.at, `A recipe has either "models" or "slices"; found both. Remove one.`);
  if (!find(entries, "models")?.node && !find(entries, "slices")?.node) {
    reader.error(
      places.whole,
      `The recipe names no models. Add "models:" (or "slices:") with at least one "- model: ...".`,
    );
  }
  const { merge_method: id, ...rest } = draft;
  if (method === null || id === undefined) return null;
  const recipe = { merge_method: id, ...given(rest) } as Recipe;
  checkTogether(reader, recipe, method, places);
  return recipe;
}

/** Without the keys whose value is undefined. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

function find(entries: readonly Entry[], key: string): Entry | undefined {
  return entries.find((entry) => entry.key === key);
}

function readMethod(
  reader: Reader,
  entry: Entry | undefined,
  methods: ReadonlyMap<string, AnyMethod>,
): AnyMethod | null {
  const ids = [...methods.keys()];
  if (entry?.node === undefined || entry.node === null) {
    reader.error(entry?.at ?? reader.whole, `The recipe has no merge_method. Add one of ${ids.join(", ")}.`);
    return null;
  }
  const id = reader.text(entry.node, entry.at, '"merge_method"');
  if (id === null) return null;
  const method = methods.get(id);
  if (method !== undefined) return method;
  reader.error(
    reader.range(entry.node, entry.at),
    `Unknown merge_method "${id}".${words.didYouMean(id, ids)} Weightloom has ${ids.join(", ")}.`,
  );
  return null;
}

function readRef(reader: Reader, { key, node, at }: Entry): string | undefined {
  if (node === null && key === "base_model") return undefined;
  if (node !== null && !isScalar(node)) {
    const found = described(node);
    reader.error(
      at,
      `"${key}" must be the name of a model; found ${found}. Write "${key}: name", with "+adapter" if needed.`,
    );
    return undefined;
  }
  return reader.text(node, at, `"${key}"`) ?? undefined;
}

function readDtype(reader: Reader, { key, node, at }: Entry): RecipeDtype | undefined {
  if (node === null) return undefined;
  const here = reader.range(node, at);
  const word = isScalar(node) && typeof node.value === "string" ? node.value : null;
  const dtype = word === null ? undefined : words.dtypeNamed(word);
  if (dtype !== undefined) return dtype;
  const guess = word === null ? undefined : words.nearestDtype(word);
  const hint = guess === undefined ? "" : ` Did you mean "${guess}"?`;
  reader.error(here, `"${key}" must be ${words.choices(words.DTYPES)}; found ${described(node)}.${hint}`);
  return undefined;
}

/** The items that could be read; undefined when the list itself is unusable. */
function readList<T>(
  reader: Reader,
  entry: Entry,
  places: Places,
  one: (node: Node) => T | null,
): readonly T[] | undefined {
  if (entry.node === null) return undefined;
  const nodes = reader.items(entry.node, entry.at, `"${entry.key}"`);
  const items = nodes?.map(one).filter((item) => item !== null);
  if (items !== undefined && items.length !== nodes?.length) places.partial.add(items);
  return items;
}

function readModel(reader: Reader, node: Node, at: Range, method: AnyMethod | null, places: Places): ModelEntry | null {
  const fields = readFields(reader, node, at, "a model", words.MODEL_KEYS, method, "model");
  if (fields?.model === undefined) return null;
  const entry = given({ model: fields.model, parameters: fields.parameters }) as ModelEntry;
  places.of.set(entry, reader.range(node, at));
  return entry;
}

function readSource(
  reader: Reader,
  node: Node,
  at: Range,
  method: AnyMethod | null,
  places: Places,
): SliceSource | null {
  const fields = readFields(reader, node, at, "a source", words.SOURCE_KEYS, method, "model");
  const range = fields === null ? null : readLayers(reader, fields.layers, reader.range(node, at));
  if (fields?.model === undefined || range === null) return null;
  const { model, parameters } = fields;
  const source = given({ model, layer_range: range, parameters }) as SliceSource;
  places.of.set(source, reader.range(node, at));
  return source;
}

interface Fields {
  readonly model?: string | undefined;
  readonly layers?: Entry | undefined;
  readonly parameters?: Settings | undefined;
}

function readFields(
  reader: Reader,
  node: Node,
  at: Range,
  what: string,
  known: readonly string[],
  method: AnyMethod | null,
  scope: Scope,
): Fields | null {
  const here = reader.range(node, at);
  const target = reader.follow(node);
  if (isScalar(target)) {
    reader.error(here, `Found ${described(target)} where ${what} was expected. Write it as "- model: name".`);
    return null;
  }
  const entries = reader.entries(target, here, what);
  if (entries === null) return null;
  const fields: { -readonly [K in keyof Fields]: Fields[K] } = {};
  for (const entry of entries) {
    if (entry.key === "model") fields.model = readRef(reader, entry);
    else if (entry.key === "parameters") fields.parameters = readSettings(reader, entry, method, scope);
    else if (entry.key === "layer_range" && known.includes("layer_range")) fields.layers = entry;
    else if (entry.key === "layer_range") {
      reader.error(entry.at, `"layer_range" belongs to a source under "slices"; under "models" all layers are taken.`);
    } else strange(reader, entry, what, known, method);
  }
  if (find(entries, "model") === undefined) reader.error(here, `This is ${what} without a name. Add "model: name".`);
  return fields;
}

function readLayers(reader: Reader, entry: Entry | undefined, source: Range): readonly [number, number] | null {
  if (entry === undefined) {
    reader.error(source, `This source has no layer_range. Add "layer_range: [first, end]"; end is not included.`);
    return null;
  }
  const here = reader.range(entry.node, entry.at);
  const items = isSeq(entry.node) ? (entry.node.items as Node[]).map((item) => reader.follow(item)) : [];
  const numbers = items.map((item) => (isScalar(item) ? item.value : null));
  const [from, to] = numbers;
  if (numbers.length !== 2 || !Number.isSafeInteger(from) || !Number.isSafeInteger(to)) {
    reader.error(here, `"layer_range" must be two whole numbers, [first, end]; end is not included.`);
    return null;
  }
  const pair = [from as number, to as number] as const;
  if (pair[0] >= 0 && pair[0] < pair[1]) return pair;
  const why =
    Math.min(...pair) < 0
      ? "layers count from 0, and a negative number does not count from the end"
      : "it holds no layer, because end is not included";
  reader.error(here, `layer_range [${pair.join(", ")}] is refused: ${why}. Write [first, end] with 0 <= first < end.`);
  return null;
}

function readSlice(reader: Reader, node: Node, at: Range, method: AnyMethod | null, places: Places): Slice | null {
  const here = reader.range(node, at);
  const entries = reader.entries(node, here, "a slice");
  if (entries === null) return null;
  let sources: readonly SliceSource[] | undefined;
  let base: string | undefined;
  let parameters: Settings | undefined;
  for (const entry of entries) {
    if (entry.key === "sources") {
      sources = readList(reader, entry, places, (one) => readSource(reader, one, entry.at, method, places));
    } else if (entry.key === "base_model") base = readRef(reader, entry);
    else if (entry.key === "parameters") parameters = readSettings(reader, entry, method, "slice");
    else strange(reader, entry, "a slice", words.SLICE_KEYS, method);
  }
  if (!find(entries, "sources")?.node)
    reader.error(here, `This slice has no sources. Add "sources:" with at least one.`);
  if (sources === undefined) return null;
  const slice = given({ sources, base_model: base, parameters }) as Slice;
  places.of.set(slice, here);
  return slice;
}

/** A key that does not belong: known to mergekit, a parameter in the wrong place, or misspelt. */
function strange(
  reader: Reader,
  entry: Entry,
  where: string,
  known: readonly string[],
  method: AnyMethod | null,
): void {
  const unsupported = words.UNSUPPORTED_KEYS.get(entry.key);
  if (unsupported !== undefined) {
    reader.error(entry.at, `"${entry.key}" is not supported yet. ${unsupported}. Remove the key.`);
  } else if (method !== null && Object.hasOwn(method.params, entry.key)) {
    reader.error(entry.at, `"${entry.key}" is a parameter of ${method.id}. Put it under "parameters:".`);
  } else unknownKey(reader, entry, where, known);
}
