/**
 * mergekit YAML to a Recipe, or to every reason why not. mergekit ignores what it does not know; here a
 * misspelt word is an error at its line, because a merge takes minutes and a wrong one looks like a right one.
 */
import type { AnyMethod } from "../method.ts";
import { checkTogether, type Places } from "./check.ts";
import { find, given, readDtype, readRef, readWord, strange } from "./fields.ts";
import type { Entry, Reader } from "./reader.ts";
import { readYaml } from "./reader.ts";
import type { ParsedRecipe, Recipe } from "./recipe.ts";
import { modelsOf } from "./recipe.ts";
import { readSettings } from "./settings.ts";
import { checkWays, readModels, readModules, readSlices } from "./slices.ts";
import { checkTokenizerSource, readTemplate, readTokenizer, readTokenizerSource } from "./tokens.ts";
import * as words from "./words.ts";

/**
 * Reads a recipe against the methods a host offers. Every problem is a diagnostic, sorted by place; the
 * recipe is null exactly when one of them is an error. Never throws for any text.
 */
export function parseRecipe(text: string, methods: ReadonlyMap<string, AnyMethod>): ParsedRecipe {
  const stream = readYaml(text);
  const [first, second] = stream.readers;
  // Text that is not YAML means nothing, whatever it seems to say.
  const read = stream.failed() ? null : readRecipe(first, methods);
  second?.error(second.whole, "A second recipe starts here, and one is expected. Keep one, or merge the whole file.");
  const diagnostics = stream.diagnostics();
  return read === null || stream.failed() ? { recipe: null, diagnostics } : { recipe: read.recipe, diagnostics };
}

/** A recipe and where its keys are; null, and diagnostics, when there is none. */
export function readRecipe(
  reader: Reader,
  methods: ReadonlyMap<string, AnyMethod>,
): { readonly recipe: Recipe; readonly places: Places } | null {
  const { whole } = reader;
  if (reader.root === null || reader.follow(reader.root) === null) {
    reader.error(whole, `The recipe is empty. Start with "merge_method:" and a list of "models:".`);
    return null;
  }
  const entries = reader.entries(reader.root, whole, "a recipe");
  if (entries === null) return null;
  const experts = find(entries, "experts");
  if (experts !== undefined && find(entries, "merge_method") === undefined) {
    reader.error(experts.at, `"experts" make a mixture of experts, and a recipe with a merge_method is expected here.`);
    return null;
  }
  const method = readMethod(reader, find(entries, "merge_method"), methods);
  const places: Places = { whole: entries[0]?.at ?? whole, keys: new Map(), of: new Map(), partial: new Set() };
  const { merge_method: id, ...rest } = readKeys(reader, entries, method, places);
  checkWays(reader, entries, places.whole, "The recipe", ["models", "slices", "modules"]);
  if (method === null || id === undefined) return null;
  const recipe = { merge_method: id, ...given(rest) } as Recipe;
  // With a base that cannot be read, nobody knows which of the models it is.
  if (recipe.base_model !== undefined || !find(entries, "base_model")?.node) {
    checkTogether(reader, recipe, method, places);
  }
  checkTokenizer(reader, recipe, places);
  return { recipe, places };
}

type Draft = { -readonly [K in keyof Recipe]?: Recipe[K] | undefined };

function readKeys(reader: Reader, entries: readonly Entry[], method: AnyMethod | null, places: Places): Draft {
  const draft: Draft = { merge_method: method?.id };
  const context = { reader, method, places };
  for (const entry of entries) {
    places.keys.set(entry.key, entry.at);
    switch (entry.key) {
      case "merge_method":
        break;
      case "name":
        draft.name = readName(reader, entry);
        break;
      case "base_model":
        draft.base_model = entry.node === null ? undefined : readRef(reader, entry);
        break;
      case "models":
        draft.models = readModels(context, entry);
        break;
      case "slices":
        draft.slices = readSlices(context, entry);
        break;
      case "modules":
        draft.modules = readModules(context, entry);
        break;
      case "parameters":
        draft.parameters = readSettings(reader, entry, method, "top");
        break;
      case "dtype":
      case "out_dtype":
        draft[entry.key] = readDtype(reader, entry);
        break;
      case "tokenizer_source":
        draft.tokenizer_source = readTokenizerSource(reader, entry);
        places.keys.set("tokenizer source", reader.range(entry.node, entry.at));
        break;
      case "tokenizer":
        draft.tokenizer = readTokenizer(reader, entry, (at) => places.keys.set("tokenizer source", at));
        break;
      case "chat_template":
        draft.chat_template = readTemplate(reader, entry);
        break;
      case "compat":
        draft.compat = entry.node === null ? undefined : readWord(reader, entry, words.COMPATS);
        break;
      default:
        strange(reader, entry, "a recipe", words.TOP_KEYS, method);
    }
  }
  return draft;
}

/** What other recipes call the result, and perhaps a folder: one path component that is its own reference. */
function readName(reader: Reader, { node, at }: Entry): string | undefined {
  if (node === null) return undefined;
  const name = reader.text(node, at, '"name"') ?? undefined;
  const special = name === "." || name === ".." || name?.includes("\0") || /%(2B|40|25)/i.test(name ?? "");
  if (name === undefined || !(special || /[/\\+@]/.test(name))) return name;
  const advice = "Write it without slashes, plus signs and at-signs, such as my-merge";
  reader.error(reader.range(node, at), `The name "${name}" fits neither a folder nor other recipes. ${advice}.`);
  return undefined;
}

function checkTokenizer(reader: Reader, recipe: Recipe, places: Places): void {
  const [older, newer] = [places.keys.get("tokenizer_source"), places.keys.get("tokenizer")];
  if (older !== undefined && newer !== undefined && recipe.tokenizer_source !== undefined && recipe.tokenizer) {
    const advice = `Remove "tokenizer_source", and put its value at "source:" under "tokenizer:"`;
    reader.error(older, `A recipe has either "tokenizer" or "tokenizer_source"; found both. ${advice}.`);
  }
  const source = recipe.tokenizer?.source ?? recipe.tokenizer_source;
  const at = places.keys.get("tokenizer source");
  if (source === undefined || at === undefined) return;
  checkTokenizerSource(reader, source, at, modelsOf({ ...recipe, tokenizer: undefined, tokenizer_source: undefined }));
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
