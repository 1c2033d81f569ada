/**
 * The document: mergekit's vocabulary as plain JSON. Names, not handles; safe to paste in a chat.
 * Everything a person draws in the studio is expressed in it, and it is all the command line gets.
 */
export type Scalar = number | boolean | string;

/** A scalar, a gradient over the layers, or the first matching of a list of filters. */
export type Setting = Scalar | readonly Scalar[] | readonly Condition[];

/** `filter` is a substring of a tensor name; absent or "*" matches all. */
export interface Condition {
  readonly filter?: string;
  readonly value: Scalar | readonly Scalar[];
}

export type Settings = Readonly<Record<string, Setting>>;

export interface ModelEntry {
  readonly model: string;
  readonly parameters?: Settings;
}

export interface SliceSource extends ModelEntry {
  /** Half open: [first, end). */
  readonly layer_range: readonly [number, number];
}

export interface Slice {
  readonly sources: readonly SliceSource[];
  readonly base_model?: string;
  readonly parameters?: Settings;
}

/** What one module of a model with several (a vision tower beside a language model) is made of. */
export interface ModuleEntry {
  /** Exactly one of models and slices is there. */
  readonly models?: readonly ModelEntry[];
  readonly slices?: readonly Slice[];
  readonly parameters?: Settings;
}

/** Where the embedding of a token comes from in models that do not have it. */
export type TokenSource =
  | string // a model: its embedding of the token
  | { readonly kind: "zero" }
  | { readonly kind: "model_token"; readonly model: string; readonly token?: string; readonly token_id?: number };

export interface TokenRule {
  readonly source?: TokenSource;
  /** Also in models that have the token. */
  readonly force?: boolean;
}

export interface TokenizerSettings {
  /** "union", "base", or a model. "union" when absent. */
  readonly source?: string;
  readonly tokens?: Readonly<Record<string, TokenRule>>;
  readonly pad_to_multiple_of?: number;
}

/**
 * Models are named by text: `path[@revision][+adapter[@revision]]`. In that text `%2B`, `%40` and `%25` stand for a
 * plus, an at-sign and a per cent sign that belong to the path (ref.ts).
 */
export interface Recipe {
  /** In a file of several recipes: what the others call its result. */
  readonly name?: string;
  readonly merge_method: string;
  readonly base_model?: string;
  /** Exactly one of models, slices and modules is there. */
  readonly models?: readonly ModelEntry[];
  readonly slices?: readonly Slice[];
  readonly modules?: Readonly<Record<string, ModuleEntry>>;
  readonly parameters?: Settings;
  /** As mergekit's older key: "union", "base", or a model. Never beside `tokenizer`. */
  readonly tokenizer_source?: string;
  readonly tokenizer?: TokenizerSettings;
  /** "auto", the name of a built-in template, or a template. */
  readonly chat_template?: string;
  /** mergekit's own behaviour where ours is better by default. */
  readonly compat?: "mergekit";
  /** The output type unless out_dtype is given. Computing is in f32 either way. */
  readonly dtype?: RecipeDtype;
  readonly out_dtype?: RecipeDtype;
}

export type RecipeDtype = "float32" | "float16" | "bfloat16";

/** 1-based line and column, and offsets into the text, of something a person should look at. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly from: number;
  readonly to: number;
}

export type ParsedRecipe =
  | { readonly recipe: Recipe; readonly diagnostics: readonly Diagnostic[] }
  | { readonly recipe: null; readonly diagnostics: readonly Diagnostic[] };

/** The same recipe with other names for its models. */
export function renamed(recipe: Recipe, to: (model: string) => string): Recipe {
  const named = <T extends ModelEntry>(entry: T): T => ({ ...entry, model: to(entry.model) });
  const based = <T extends { readonly base_model?: string }>(one: T): T =>
    one.base_model === undefined ? one : { ...one, base_model: to(one.base_model) };
  const inside = <T extends Pick<ModuleEntry, "models" | "slices">>(part: T): T => ({
    ...part,
    ...(part.models === undefined ? {} : { models: part.models.map(named) }),
    ...(part.slices === undefined
      ? {}
      : { slices: part.slices.map((slice) => based({ ...slice, sources: slice.sources.map(named) })) }),
  });
  const vocabulary = (source: string) => (source === "union" || source === "base" ? source : to(source));
  const row = (source: TokenSource): TokenSource => {
    if (typeof source === "string") return to(source);
    return source.kind === "zero" ? source : { ...source, model: to(source.model) };
  };
  const { modules, tokenizer, tokenizer_source: older } = recipe;
  return {
    ...based(inside(recipe)),
    ...(modules === undefined ? {} : { modules: each(modules, inside) }),
    ...(older === undefined ? {} : { tokenizer_source: vocabulary(older) }),
    ...(tokenizer === undefined
      ? {}
      : {
          tokenizer: {
            ...tokenizer,
            ...(tokenizer.source === undefined ? {} : { source: vocabulary(tokenizer.source) }),
            ...(tokenizer.tokens === undefined
              ? {}
              : {
                  tokens: each(tokenizer.tokens, (rule) =>
                    rule.source === undefined ? rule : { ...rule, source: row(rule.source) },
                  ),
                }),
          },
        }),
  };
}

const each = <T>(record: Readonly<Record<string, T>>, change: (one: T) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([key, one]) => [key, change(one)]));

/** Every model a recipe names, in order of first mention, the base first if there is one. */
export function modelsOf(
  recipe: Pick<Recipe, "base_model" | "models" | "slices" | "modules"> & {
    readonly tokenizer?: TokenizerSettings | undefined;
    readonly tokenizer_source?: string | undefined;
  },
): string[] {
  const names = new Set<string>();
  const add = (name: string | undefined) => name !== undefined && names.add(name);
  add(recipe.base_model);
  for (const { models, slices } of [recipe, ...Object.values(recipe.modules ?? {})]) {
    for (const { model } of models ?? []) add(model);
    for (const { base_model: base, sources } of slices ?? []) {
      add(base);
      for (const { model } of sources) add(model);
    }
  }
  for (const source of [recipe.tokenizer_source, recipe.tokenizer?.source]) {
    if (source !== "union" && source !== "base") add(source);
  }
  for (const { source } of Object.values(recipe.tokenizer?.tokens ?? {})) {
    if (typeof source === "string") add(source);
    else if (source?.kind === "model_token") add(source.model);
  }
  return [...names];
}
