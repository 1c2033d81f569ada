/**
 * What the recipe says about tokenizer and chat template, decided before the merge is planned: the small files, and for
 * every model its embeddings with rows in the result's order. Reads tokenizers and configs; weights are only wrapped.
 */
import { fromBytes } from "../bytes/source.ts";
import { WeightloomError } from "../errors.ts";
import type { TensorInfo } from "../formats/checkpoint.ts";
import { quote, quoteSome } from "../formats/json.ts";
import { TOKENIZER_FILES } from "../model/filenames.ts";
import type { JsonObject, Model } from "../model/model.ts";
import type { ExtraPlan, Note } from "../plan/plan.ts";
import { modelsOf, type Recipe, type TokenizerSettings } from "../recipe/recipe.ts";
import { type BuiltTokenizer, buildTokenizer, checkTokens, type Party } from "./build.ts";
import { permuting, vocabularySize } from "./embeddings.ts";
import { renumbered, tokenizerFiles } from "./files.ts";
import { hasTokenizer, nextId, readTokenizer, type Tokenizer } from "./read.ts";
import { type Owner, ownRows, planRows, type RowPlan } from "./rows.ts";
import { chooseTemplate } from "./template.ts";

export interface TokenizerPlan {
  /** The small files it decides about; those of these names are not carried from the donor. */
  readonly owns: ReadonlySet<string>;
  readonly files: readonly ExtraPlan[];
  readonly notes: readonly Note[];
  /** What the tokens of one of the recipes mean for its tensors; null when it leaves tokens as they are. */
  of(recipe: Recipe): TokensPlan | null;
}

export interface TokensPlan {
  /** Rows of every embedding, padding included. */
  readonly rows: number;
  /**
   * What takes the place of a model's tensor: its embedding in the result's order, or the tensor itself.
   * @param as the name the merge uses it under; a tied embedding may stand for a head
   */
  tensor(model: Model, info: TensorInfo, as: string): TensorInfo;
  /** The config with token ids (`eos_token_id` and the like) under their new numbers. */
  config(config: JsonObject): JsonObject;
}

type Tell = (text: string, severity?: Note["severity"]) => void;

/**
 * Null when nothing is said about tokenizer and template: files are carried, rows merged by number.
 * @param recipes one, or the stages of a chain, of which the last gives the result; see buildPlan
 */
export async function planTokenizer(
  recipes: Recipe | readonly Recipe[],
  opened: ReadonlyMap<string, Model>,
): Promise<TokenizerPlan | null> {
  const stages = [recipes].flat();
  if (stages.every((stage) => settingsOf(stage) === null && stage.chat_template === undefined)) return null;
  const models = new Map(opened);
  const made = new Set<string>();
  const plans = new Map<Recipe, TokensPlan>();
  const notes: Note[] = [];
  let files: readonly ExtraPlan[] = [];
  for (const stage of stages) {
    const note: Tell = (text, severity = "warning") => {
      notes.push({ severity, text: stage === stages.at(-1) ? text : `${stage.name ?? ""}: ${text}` });
    };
    refuseMade(stage, made);
    const { tokens, files: of } = await planStage(stage, models, note);
    if (tokens !== null) plans.set(stage, tokens);
    files = of;
    if (stage.name === undefined) continue;
    models.set(stage.name, resultOf(stage.name, donorOf(stage, models), of));
    made.add(stage.name);
  }
  return { owns: TOKENIZER_FILES, files, notes, of: (recipe) => plans.get(recipe) ?? null };
}

/** What an earlier recipe makes has no bytes yet whose rows could be exchanged. */
function refuseMade(stage: Recipe, made: ReadonlySet<string>): void {
  const first = settingsOf(stage) === null ? undefined : modelsOf(stage).find((ref) => made.has(ref));
  if (first === undefined) return;
  throw new WeightloomError(
    "PlanError",
    `The recipe that uses "${first}" has tokenizer settings, but "${first}" is made by another recipe of this file and its rows cannot be exchanged before it is made. Give "${first}" the tokenizer settings instead, or write it to a folder first and use that.`,
  );
}

/** The result of an earlier recipe as far as the later ones need it here: the small files. */
function resultOf(name: string, donor: Model, files: readonly ExtraPlan[]): Model {
  const extras = new Map([...donor.extras].filter(([file]) => !TOKENIZER_FILES.has(file)));
  for (const { name: file, content } of files)
    extras.set(file, content instanceof Uint8Array ? fromBytes(file, content) : content);
  return { ...donor, ref: name, extras };
}

async function planStage(
  recipe: Recipe,
  models: ReadonlyMap<string, Model>,
  note: Tell,
): Promise<{ readonly tokens: TokensPlan | null; readonly files: readonly ExtraPlan[] }> {
  const settings = settingsOf(recipe);
  const taking = mergedModels(recipe, models);
  const donor = donorOf(recipe, models);
  const tokens = settings === null ? null : await planTokens(settings, recipe, models, taking, note);
  const { chat_template: setting } = recipe;
  const template = setting === undefined ? null : await chooseTemplate(setting, taking);
  if (template !== null) note(`The chat template is that of ${template.from}.`, "info");
  else if (setting !== undefined) {
    note(
      "chat_template is auto, but none of the models has a template, so the result has none. Name one, or give a text.",
    );
  }
  const files = await tokenizerFiles({
    from: tokens?.from ?? donor,
    donor,
    built: tokens?.built ?? null,
    template,
    renumber: (config) => tokens?.config(config) ?? config,
  });
  return { tokens, files };
}

/** The older key is the newer one's `source`. */
function settingsOf({ tokenizer, tokenizer_source: source }: Recipe): TokenizerSettings | null {
  return tokenizer ?? (source === undefined ? null : { source });
}

/** The models whose weights are merged, the base first; not those that only lend a tokenizer. */
function mergedModels(recipe: Recipe, models: ReadonlyMap<string, Model>): Model[] {
  const { tokenizer: _, tokenizer_source: __, ...merge } = recipe;
  return modelsOf(merge).map((ref) => lookUp(ref, models));
}

function lookUp(ref: string, models: ReadonlyMap<string, Model>): Model {
  const model = models.get(ref);
  if (model !== undefined) return model;
  throw new WeightloomError(
    "PlanError",
    `Model ${quote(ref)} is named in the recipe but not open. Add it, or take it out of the recipe.`,
  );
}

/** The model that gives config.json: the base, or the first that is listed. */
function donorOf(recipe: Recipe, models: ReadonlyMap<string, Model>): Model {
  const first = recipe.models?.[0]?.model ?? recipe.slices?.[0]?.sources[0]?.model ?? modelsOf(recipe)[0];
  const ref = recipe.base_model ?? first;
  if (ref === undefined) throw new WeightloomError("PlanError", "The recipe names no model. Add one under models.");
  return lookUp(ref, models);
}

/** With what the small files need. */
interface BuiltTokens extends TokensPlan {
  readonly built: BuiltTokenizer;
  readonly from: Model;
}

async function planTokens(
  settings: TokenizerSettings,
  recipe: Recipe,
  models: ReadonlyMap<string, Model>,
  taking: readonly Model[],
  note: Tell,
): Promise<BuiltTokens> {
  const donor = donorOf(recipe, models);
  const source = settings.source ?? "union";
  const lone = sourceModel(source, models);
  const rules = new Map(Object.entries(settings.tokens ?? {}));
  checkTokens([...rules.keys()]);
  const refs = new Set([donor, ...taking, ...lenders(settings, models), ...(lone === null ? [] : [lone])]);
  const tokenizers = await readAll([...refs], donor, note);
  const parties = [...new Set([donor, ...taking])].map((model): Party => {
    return { ref: model.ref, tokenizer: tokenizers.get(model)!, size: vocabularySize(model) };
  });
  const chosen = lone === null ? null : (tokenizers.get(lone) ?? null);
  const built = buildTokenizer(source, parties, chosen, [...rules.keys()]);
  for (const text of built.notes) note(text);
  if (built.appended > 0) {
    note(
      `${built.appended.toLocaleString("en")} ordinary tokens of other models were appended to ${built.from}'s tokenizer; text that holds one as it stands is cut there first.`,
    );
  }
  const tokens = byId(built.tokenizer);
  const rows = padded(tokens.length, settings.pad_to_multiple_of);
  const owners = new Map<Owner, Model>();
  for (const model of refs) {
    const { ids } = tokenizers.get(model)!;
    const size = vocabularySize(model);
    owners.set({ ref: model.ref, ids, size, merged: taking.includes(model), rows: ownRows(tokens, ids, size) }, model);
  }
  const base = [...owners].find(([{ ref }]) => ref === recipe.base_model)?.[0] ?? null;
  const plan = planRows(tokens, rows, [...owners.keys()], base, rules);
  tell(plan, vocabularySize(donor), donor, note);
  const permute = new Map(
    [...owners]
      .filter(([owner]) => owner.merged)
      .map(([owner, model]) => [model, permuting(model, owner, plan, owners)] as const),
  );
  const before = byId(tokenizers.get(donor)!);
  const config = (said: JsonObject) =>
    renumbered(said, (id, key) => {
      const token = before[id];
      if (token === undefined) return null;
      const now = built.tokenizer.ids.get(token);
      if (now === undefined) {
        note(
          `${key} is ${id}, which is ${quote(token)} in ${donor.ref}; the result has no such token. Correct it by hand.`,
        );
      } else if (now !== id)
        note(`${key}: ${quote(token)} has the id ${now} in the result, not ${id}; put right.`, "info");
      return now ?? null;
    });
  const from = [...refs].find(({ ref }) => ref === built.from) ?? donor;
  return { built, from, rows, tensor: (model, info, as) => permute.get(model)?.(info, as) ?? info, config };
}

/** The model that `source` names; null for union and base. */
function sourceModel(source: string, models: ReadonlyMap<string, Model>): Model | null {
  if (source === "union" || source === "base") return null;
  const model = models.get(source);
  if (model !== undefined) return model;
  throw new WeightloomError(
    "PlanError",
    `The tokenizer's source is ${quote(source)}; it must be union, base, or one of ${[...models.keys()].join(", ")}.`,
  );
}

/** Models that tokens are taken from. */
function lenders({ tokens }: TokenizerSettings, models: ReadonlyMap<string, Model>): Model[] {
  return Object.values(tokens ?? {}).flatMap(({ source }) => {
    const ref = typeof source === "string" ? source : source?.kind === "model_token" ? source.model : undefined;
    return ref === undefined ? [] : lookUp(ref, models);
  });
}

/** Everybody's tokenizer; a model without one is taken to use the donor's, if it has as many rows. */
async function readAll(models: readonly Model[], donor: Model, note: Tell): Promise<Map<Model, Tokenizer>> {
  const found = new Map<Model, Tokenizer>();
  const first = await readTokenizer(donor);
  for (const model of models) {
    const borrows =
      model !== donor &&
      !hasTokenizer(model) &&
      model.tokenizer === null &&
      vocabularySize(model) === vocabularySize(donor);
    if (borrows) note(`${model.ref} has no tokenizer; it is taken to use ${donor.ref}'s.`);
    found.set(model, model === donor || borrows ? first : await readTokenizer(model));
  }
  return found;
}

/** Tokens by id. */
function byId({ ids }: Tokenizer): (string | undefined)[] {
  const tokens: (string | undefined)[] = new Array<string | undefined>(nextId(ids)).fill(undefined);
  for (const [token, id] of ids) tokens[id] = token;
  return tokens;
}

function padded(rows: number, multiple: number | undefined): number {
  if (multiple === undefined) return rows;
  if (Number.isSafeInteger(multiple) && multiple >= 1) return Math.ceil(rows / multiple) * multiple;
  throw new WeightloomError(
    "RecipeError",
    `tokenizer.pad_to_multiple_of is ${multiple}; it must be a whole number of at least 1.`,
  );
}

function tell({ tokens, rows, unfilled }: RowPlan, before: number, donor: Model, note: Tell): void {
  if (unfilled.length > 0) note(`${quoteSome(unfilled)}: in none of the models, so the row is zeros.`);
  if (rows !== before) {
    note(
      `The embeddings have ${rows.toLocaleString("en")} rows for ${tokens.length.toLocaleString("en")} tokens; ${donor.ref} has ${before.toLocaleString("en")}.`,
      "info",
    );
  }
}
