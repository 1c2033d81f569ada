/** What a recipe merges: models, slices of layers, or modules that have one of the two each. */
import { isScalar, isSeq, type Node } from "yaml";
import type { AnyMethod } from "../method.ts";
import type { Places } from "./check.ts";
import { find, given, readList, readRef, strange } from "./fields.ts";
import { described, type Entry, type Range, type Reader } from "./reader.ts";
import type { ModelEntry, ModuleEntry, Settings, Slice, SliceSource } from "./recipe.ts";
import { readSettings } from "./settings.ts";
import * as words from "./words.ts";

export interface Context {
  readonly reader: Reader;
  /** Null when the recipe names none that is known; then parameters are read as they are. */
  readonly method: AnyMethod | null;
  readonly places: Places;
}

export function readModels(context: Context, entry: Entry): readonly ModelEntry[] | undefined {
  return listed(context, entry, (node) => readModel(context, node, entry.at));
}

export function readSlices(context: Context, entry: Entry): readonly Slice[] | undefined {
  return listed(context, entry, (node) => readSlice(context, node, entry.at));
}

/** By the name of the module. */
export function readModules(context: Context, entry: Entry): Readonly<Record<string, ModuleEntry>> | undefined {
  const { reader } = context;
  if (entry.node === null) return undefined;
  const entries = reader.entries(entry.node, entry.at, '"modules"');
  if (entries?.length === 0) {
    reader.error(entry.at, `"modules" is empty. Give at least one, with "models:" or "slices:" under its name.`);
  }
  const nameless = entries?.find(({ key }) => key === "");
  if (nameless) reader.error(nameless.at, `A module has an empty name. Write one, such as "text_decoder".`);
  const modules = (entries ?? []).flatMap((one): [string, ModuleEntry][] => {
    const read = readModule(context, one);
    return read === null ? [] : [[one.key, read]];
  });
  return entries === null ? undefined : Object.fromEntries(modules);
}

/** Says so when not exactly one of the ways to name models is used. */
export function checkWays(reader: Reader, entries: readonly Entry[], at: Range, what: string, ways: readonly string[]) {
  const used = ways.filter((way) => find(entries, way)?.node);
  if (used.length === 1) return;
  const last = find(entries, used.at(-1) ?? "");
  if (last === undefined) {
    const others = ways.slice(1).map((way) => `"${way}:"`);
    const more = others.length > 0 ? ` (or ${others.join(", or ")})` : "";
    reader.error(at, `${what} names no models. Add "models:"${more} with at least one "- model: ...".`);
  } else {
    const found = words.choices(used, "and");
    reader.error(last.at, `${what} can have one of ${words.choices(ways, "and")}; found ${found}. Keep one of them.`);
  }
}

/** Keeps in mind which lists are incomplete, so that nobody complains about what may have been in them. */
function listed<T>({ reader, places }: Context, entry: Entry, one: (node: Node) => T | null): readonly T[] | undefined {
  const list = readList(reader, entry, one);
  if (list?.whole === false) places.partial.add(list.items);
  return list?.items;
}

function readModule(context: Context, { key, node, at }: Entry): ModuleEntry | null {
  const { reader, method, places } = context;
  const entries = reader.entries(node, at, `module "${key}"`);
  if (entries === null) return null;
  const draft: { -readonly [K in keyof ModuleEntry]?: ModuleEntry[K] | undefined } = {};
  for (const entry of entries) {
    if (entry.key === "models") draft.models = readModels(context, entry);
    else if (entry.key === "slices") draft.slices = readSlices(context, entry);
    else if (entry.key === "parameters") draft.parameters = readSettings(reader, entry, method, "slice");
    else strange(reader, entry, `module "${key}"`, words.MODULE_KEYS, method);
  }
  checkWays(reader, entries, at, `Module "${key}"`, ["models", "slices"]);
  const module: ModuleEntry = given(draft);
  places.of.set(module, at);
  return module;
}

function readModel({ reader, method, places }: Context, node: Node, at: Range): ModelEntry | null {
  const fields = readFields(reader, node, at, "a model", words.MODEL_KEYS, method);
  if (fields?.model === undefined) return null;
  const entry = given({ model: fields.model, parameters: fields.parameters }) as ModelEntry;
  places.of.set(entry, reader.range(node, at));
  return entry;
}

function readSource({ reader, method, places }: Context, node: Node, at: Range): SliceSource | null {
  const fields = readFields(reader, node, at, "a source", words.SOURCE_KEYS, method);
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
    else if (entry.key === "parameters") fields.parameters = readSettings(reader, entry, method, "model");
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

function readSlice(context: Context, node: Node, at: Range): Slice | null {
  const { reader, method, places } = context;
  const here = reader.range(node, at);
  const entries = reader.entries(node, here, "a slice");
  if (entries === null) return null;
  const draft: { -readonly [K in keyof Slice]?: Slice[K] | undefined } = {};
  for (const entry of entries) {
    if (entry.key === "sources") {
      draft.sources = listed(context, entry, (one) => readSource(context, one, entry.at));
    } else if (entry.key === "base_model" && entry.node !== null) draft.base_model = readRef(reader, entry);
    else if (entry.key === "base_model") continue;
    else if (entry.key === "parameters") draft.parameters = readSettings(reader, entry, method, "slice");
    else if (entry.key === "residual_weight") {
      reader.warn(entry.at, `"residual_weight" has no effect, here as in mergekit. Remove it.`);
    } else strange(reader, entry, "a slice", words.SLICE_KEYS, method);
  }
  if (!find(entries, "sources")?.node)
    reader.error(here, `This slice has no sources. Add "sources:" with at least one.`);
  if (draft.sources === undefined) return null;
  const slice = given(draft) as Slice;
  places.of.set(slice, here);
  return slice;
}
