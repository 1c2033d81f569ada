/** A recipe as YAML: always the same text for the same recipe, read back by parseRecipe to an equal one. */
import { isConditions } from "./evaluate.ts";
import type {
  ModelEntry,
  ModuleEntry,
  Recipe,
  Scalar,
  Setting,
  Settings,
  Slice,
  SliceSource,
  TokenizerSettings,
  TokenRule,
  TokenSource,
} from "./recipe.ts";
import { indent, item, line, list, refLine, scalar, text } from "./yaml.ts";

export function printRecipe(recipe: Recipe): string {
  const { tokenizer_source: older } = recipe;
  const lines = [
    ...line("name", recipe.name),
    ...ways(recipe),
    ...modules(recipe.modules),
    ...line("merge_method", recipe.merge_method),
    ...refLine("base_model", recipe.base_model),
    ...parameters(recipe.parameters),
    ...line("dtype", recipe.dtype),
    ...line("out_dtype", recipe.out_dtype),
    ...refLine("tokenizer_source", older),
    ...tokenizer(recipe.tokenizer),
    ...line("chat_template", recipe.chat_template),
    ...line("compat", recipe.compat),
  ];
  return `${lines.join("\n")}\n`;
}

function ways({ models, slices }: Pick<ModuleEntry, "models" | "slices">): string[] {
  return [
    ...(models === undefined ? [] : ["models:", ...models.flatMap((model) => item(entry(model)))]),
    ...(slices === undefined ? [] : ["slices:", ...slices.flatMap((one) => item(slice(one)))]),
  ];
}

function modules(all: Recipe["modules"]): string[] {
  if (all === undefined) return [];
  const each = Object.entries(all).flatMap(([name, module]) => [
    `${text(name)}:`,
    ...indent([...ways(module), ...parameters(module.parameters)]),
  ]);
  return ["modules:", ...indent(each)];
}

function entry({ model, parameters: settings }: ModelEntry): string[] {
  return [...refLine("model", model), ...parameters(settings)];
}

function source({ model, layer_range: [from, to], parameters: settings }: SliceSource): string[] {
  return [...refLine("model", model), `layer_range: [${from}, ${to}]`, ...parameters(settings)];
}

function slice({ sources, base_model: base, parameters: settings }: Slice): string[] {
  return [
    "sources:",
    ...sources.flatMap((one) => item(source(one))),
    ...refLine("base_model", base),
    ...parameters(settings),
  ];
}

function parameters(settings: Settings | undefined): string[] {
  if (settings === undefined) return [];
  const all = Object.entries(settings);
  if (all.length === 0) return ["parameters: {}"];
  return ["parameters:", ...all.flatMap(([name, setting]) => indent(named(text(name), setting)))];
}

function named(key: string, setting: Setting): string[] {
  if (!isConditions(setting)) return value(key, setting);
  const filters = setting.map((condition) => [
    ...(condition.filter === undefined ? [] : [`filter: ${text(condition.filter)}`]),
    ...value("value", condition.value),
  ]);
  return [`${key}:`, ...filters.flatMap(item)];
}

function value(key: string, setting: Scalar | readonly Scalar[]): string[] {
  return typeof setting === "object" ? list(key, setting) : [`${key}: ${scalar(setting)}`];
}

function tokenizer(settings: TokenizerSettings | undefined): string[] {
  if (settings === undefined) return [];
  const { source: from, tokens, pad_to_multiple_of: multiple } = settings;
  const rules = Object.entries(tokens ?? {}).flatMap(([token, one]) => rule(text(token), one));
  const lines = [
    ...refLine("source", from),
    ...(tokens === undefined ? [] : rules.length === 0 ? ["tokens: {}"] : ["tokens:", ...indent(rules)]),
    ...line("pad_to_multiple_of", multiple),
  ];
  return lines.length === 0 ? ["tokenizer: {}"] : ["tokenizer:", ...indent(lines)];
}

function rule(token: string, { source: from, force }: TokenRule): string[] {
  const lines = [...(from === undefined ? [] : row(from)), ...line("force", force)];
  return lines.length === 0 ? [`${token}: {}`] : [`${token}:`, ...indent(lines)];
}

function row(from: TokenSource): string[] {
  if (typeof from === "string") return refLine("source", from);
  const of = from.kind === "zero" ? [] : [...refLine("model", from.model), ...line("token", from.token)];
  const id = from.kind === "zero" ? undefined : from.token_id;
  return ["source:", ...indent([`kind: ${from.kind}`, ...of, ...line("token_id", id)])];
}
