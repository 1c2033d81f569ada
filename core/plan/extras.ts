/**
 * The small files that make weights a model: config.json, index, tokenizer and the like, the model
 * card, the recipe. All of their content is decided with the plan.
 */
import type { OutputDtype } from "../bytes/dtype.ts";
import { indexJson, type Layout } from "../formats/write.ts";
import type { AnyMethod } from "../method.ts";
import { joinLicences, modelCard, originsOf } from "../model/card.ts";
import { printConfig } from "../model/floats.ts";
import type { Model } from "../model/model.ts";
import { carriedFiles, carriedNotes, outputConfig } from "../model/output.ts";
import { standIn, tiesEmbeddings } from "../model/tied.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { TokenizerPlan, TokensPlan } from "../tokenizer/plan.ts";
import type { Outline } from "./outputs.ts";
import type { ExtraPlan, Note, TensorPlan } from "./plan.ts";

export interface Making {
  readonly recipe: Recipe;
  readonly method: AnyMethod;
  readonly outline: Outline;
  readonly tensors: readonly TensorPlan[];
  readonly layout: Layout;
  /** The type the recipe asks for, or null. */
  readonly dtype: OutputDtype | null;
  readonly text: string;
  readonly models: ReadonlyMap<string, Model>;
  readonly title: string;
  readonly tokenizer: TokenizerPlan | null;
  note(note: Note): void;
}

export function extrasOf(making: Making): ExtraPlan[] {
  const { outline, layout, tensors, title, text } = making;
  const { donor } = outline;
  const { tokenizer } = making;
  const tokens = tokenizer?.of(making.recipe) ?? null;
  const extras: ExtraPlan[] = [];
  const made = (name: string, content: string) => {
    extras.push({ name, content: new TextEncoder().encode(content), from: "made for the result" });
  };

  const config = donor.config === null ? null : printConfig(configOf({ ...making, tokens }), donor.floats);
  if (config === null && donor.family.wordless !== true)
    making.note({
      severity: "info",
      text: `${donor.ref} has no config.json, so the result has none. transformers needs one to load it.`,
    });
  for (const carried of carriedFiles(donor)) if (tokenizer?.owns.has(carried.name) !== true) extras.push(carried);
  extras.push(...(tokenizer?.files ?? []));
  for (const text of carriedNotes(donor)) making.note({ severity: "info", text });

  const dtype = making.dtype ?? commonest(tensors);
  made(
    "README.md",
    modelCard({
      title,
      recipeText: text,
      method: making.method,
      models: [...making.models.values()]
        .filter((model) => model.ref !== making.recipe.base_model)
        .map(({ ref, licence }) => ({ ref, licence })),
      base: making.recipe.base_model ?? null,
      origins: originsOf([...making.models.values()]),
      licence: joinLicences([...making.models.values()].map((model) => model.licence)),
      parameters: tensors.reduce((sum, tensor) => sum + tensor.shape.reduce((a, b) => a * b, 1), 0),
      dtype,
      architecture: architectureOf(donor),
    }),
  );
  made("mergekit_config.yml", text);
  // Last: a folder is a model only once its config is there, one of shards once its index is.
  if (config !== null) made("config.json", config);
  if (layout.files.length > 1) made("model.safetensors.index.json", indexJson(layout));
  return extras;
}

/** config.json of a result: the donor's, with what changed put right. */
export function configOf({
  outline,
  tensors,
  dtype,
  tokens,
  note,
}: Pick<Making, "outline" | "dtype" | "note"> & {
  readonly tokens: TokensPlan | null;
  readonly tensors: readonly Pick<TensorPlan, "name" | "shape">[];
}) {
  const { donor, stacks } = outline;
  const vocabulary = tensors.find((tensor) => {
    const place = donor.family.place(tensor.name);
    return place.kind === "embedding" && tensor.shape.length === 2;
  });
  const before = vocabulary === undefined ? undefined : donor.checkpoint.tensors.get(vocabulary.name)?.shape[0];
  const rows = vocabulary?.shape[0];
  const { config, notes } = outputConfig(donor, {
    dtype,
    stacks,
    vocabulary: tokens?.rows ?? (rows !== undefined && rows !== before ? rows : null),
    // A head that another model brought along is no longer the embedding.
    tied: untied(donor, tensors) ? false : null,
  });
  for (const text of notes) note({ severity: "warning", text });
  return tokens?.config(config) ?? config;
}

function architectureOf(donor: Model): string | null {
  const listed = donor.config?.architectures;
  const [first] = Array.isArray(listed) ? listed : [];
  return typeof first === "string" ? first : null;
}

const untied = (donor: Model, tensors: readonly Pick<TensorPlan, "name">[]) =>
  tiesEmbeddings(donor.config) === true && tensors.some(({ name }) => standIn(donor, name) !== null);

function commonest(tensors: readonly TensorPlan[]): string {
  const bytes = new Map<string, number>();
  for (const { dtype, output } of tensors)
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + output.range.end - output.range.start);
  return [...bytes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "F32";
}
