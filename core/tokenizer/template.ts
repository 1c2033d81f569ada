/**
 * The chat template of the result: how a conversation becomes one text. It is a Jinja program that travels with the
 * tokenizer; here it is only chosen and checked.
 */
import { messageOf, WeightloomError } from "../errors.ts";
import { isList, isObject, readJson } from "../model/config.ts";
import type { JsonObject, Model } from "../model/model.ts";
import { textOf } from "./read.ts";
import { TEMPLATES } from "./templates.ts";

/** The text, and how it came to be that. */
export interface ChosenTemplate {
  readonly text: string;
  readonly from: string;
}

/**
 * @param setting "auto", the name of a built-in template, or a template
 * @param models those that take part, in the recipe's order
 * @returns null when `auto` finds no template
 */
export async function chooseTemplate(
  setting: string,
  models: readonly Pick<Model, "ref" | "extras">[],
): Promise<ChosenTemplate | null> {
  if (setting === "auto") return commonest(models);
  const known = Object.hasOwn(TEMPLATES, setting) ? TEMPLATES[setting as keyof typeof TEMPLATES] : undefined;
  if (known !== undefined) return { text: known, from: `the format ${setting}` };
  if (setting.length < 20 || !setting.includes("{")) {
    throw new WeightloomError(
      "RecipeError",
      `chat_template is ${JSON.stringify(setting.slice(0, 60))}; it must be auto, ${Object.keys(TEMPLATES).join(", ")}, or a Jinja template of at least 20 characters with a "{" in it.`,
    );
  }
  await checkTemplate(setting);
  return { text: setting, from: "the recipe" };
}

/** The template most models have, white space around it aside; among equals the first in the recipe. */
async function commonest(models: readonly Pick<Model, "ref" | "extras">[]): Promise<ChosenTemplate | null> {
  const seen = new Map<string, { count: number; from: string }>();
  for (const model of models) {
    const text = (await templateOf(model))?.trim();
    if (text === undefined || text === "") continue;
    const known = seen.get(text);
    if (known === undefined) seen.set(text, { count: 1, from: model.ref });
    else known.count++;
  }
  let best: ChosenTemplate | null = null;
  let most = 0;
  for (const [text, { count, from }] of seen) {
    if (count <= most) continue;
    most = count;
    best = { text, from };
  }
  return best;
}

/** The template a model comes with: its own file before the one in a config. */
export async function templateOf({ extras }: Pick<Model, "extras">): Promise<string | null> {
  const file = extras.get("chat_template.jinja");
  if (file !== undefined) return textOf(file);
  for (const name of ["tokenizer_config.json", "chat_template.json"]) {
    const source = extras.get(name);
    if (source === undefined) continue;
    const found = templateIn(await readJson(source));
    if (found !== null) return found;
  }
  return null;
}

/** A text, or a list of named ones, of which "default" is meant. */
function templateIn({ chat_template: said }: JsonObject): string | null {
  if (typeof said === "string") return said;
  const named = isList(said) ? said.filter(isObject) : [];
  const text = (named.find(({ name }) => name === "default") ?? named[0])?.template;
  return typeof text === "string" ? text : null;
}

/** Refuses what is no Jinja. */
async function checkTemplate(text: string): Promise<void> {
  const { Template } = await import("@huggingface/jinja");
  try {
    new Template(text);
  } catch (cause) {
    throw new WeightloomError(
      "RecipeError",
      `chat_template cannot be read as Jinja (${messageOf(cause)}). Correct it, or use auto, ${Object.keys(TEMPLATES).join(", ")}.`,
      { cause },
    );
  }
}
