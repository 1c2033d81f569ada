/**
 * A recipe as YAML: always the same text for the same recipe, read back by parseRecipe to an equal one.
 * Anything a YAML 1.1 reader (Python's) might take for something else is quoted, and numbers are
 * written so that both readers see a number.
 */
import { isConditions } from "./evaluate.ts";
import type { ModelEntry, Recipe, Scalar, Setting, Settings, Slice, SliceSource } from "./recipe.ts";

/** Columns after which a gradient continues on the next line. */
const WIDTH = 100;

export function printRecipe(recipe: Recipe): string {
  const lines: string[] = [];
  if (recipe.models !== undefined) lines.push("models:", ...recipe.models.flatMap((model) => item(entry(model))));
  if (recipe.slices !== undefined) lines.push("slices:", ...recipe.slices.flatMap((one) => item(slice(one))));
  lines.push(`merge_method: ${text(recipe.merge_method)}`);
  if (recipe.base_model !== undefined) lines.push(`base_model: ${text(recipe.base_model)}`);
  lines.push(...parameters(recipe.parameters));
  if (recipe.dtype !== undefined) lines.push(`dtype: ${recipe.dtype}`);
  if (recipe.out_dtype !== undefined) lines.push(`out_dtype: ${recipe.out_dtype}`);
  return `${lines.join("\n")}\n`;
}

function entry({ model, parameters: settings }: ModelEntry): string[] {
  return [`model: ${text(model)}`, ...parameters(settings)];
}

function source({ model, layer_range: [from, to], parameters: settings }: SliceSource): string[] {
  return [`model: ${text(model)}`, `layer_range: [${from}, ${to}]`, ...parameters(settings)];
}

function slice({ sources, base_model: base, parameters: settings }: Slice): string[] {
  const head = base === undefined ? [] : [`base_model: ${text(base)}`];
  return ["sources:", ...sources.flatMap((one) => item(source(one))), ...head, ...parameters(settings)];
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
  if (typeof setting !== "object") return [`${key}: ${scalar(setting)}`];
  const lines = [`${key}: [`];
  for (const [i, one] of setting.entries()) {
    const word = `${scalar(one)}${i + 1 < setting.length ? "," : "]"}`;
    const line = lines.at(-1) ?? "";
    if (i > 0 && line.length + word.length >= WIDTH) lines.push(`  ${word}`);
    else lines[lines.length - 1] = i > 0 ? `${line} ${word}` : line + word;
  }
  return lines;
}

/** Lines as one item of a list: a dash, then the rest under it. */
function item([first = "", ...rest]: readonly string[]): string[] {
  return [`  - ${first}`, ...rest.map((line) => `    ${line}`)];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function scalar(one: Scalar): string {
  return typeof one === "string" ? text(one) : typeof one === "number" ? number(one) : String(one);
}

/** Shortest digits that read back equal. YAML 1.1 wants a point before an exponent: 1e-7 is text there. */
function number(one: number): string {
  return String(one).replace(/^(-?\d+)e/, "$1.0e");
}

const PLAIN = /^(?:\.{0,2}\/)?[A-Za-z][\w./@+-]*$/;
const WORDS = /^(?:true|false|yes|no|on|off|y|n|null)$/i;
/** What JSON leaves as it is but YAML does not call printable, or takes for a line break. */
const HIDDEN = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** Plain where no reader can mistake it, otherwise in double quotes with JSON's escapes. */
function text(words: string): string {
  if (PLAIN.test(words) && !WORDS.test(words)) return words;
  return JSON.stringify(words).replace(HIDDEN, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
