/**
 * The model card of a merge: what it is made of, how, and under which terms, in the front matter the
 * Hub reads and in prose. Names come from folders and strangers, so none is printed as markup.
 */
import { formatWhole } from "../units.ts";
import type { Model } from "./model.ts";

export { joinLicences } from "./licence.ts";

export interface CardInput {
  readonly title: string;
  /** The recipe as written, printed verbatim. */
  readonly recipeText: string;
  readonly method: { readonly title: string; readonly reference: string; readonly summary: string };
  /** The merged models, without the base. */
  readonly models: readonly { readonly ref: string; readonly licence: string | null }[];
  readonly base: string | null;
  /** What `joinLicences` says of all of them, the base included. */
  readonly licence: string | null;
  readonly parameters: number;
  /** Commonest element type of the result. */
  readonly dtype: string;
  /** What computed it. */
  readonly engine?: string;
  /** Of models read from the Hub, by what the recipe calls them: which, and at which commit. */
  readonly origins?: ReadonlyMap<string, Origin>;
  /** First of `architectures` in its config; null when the result has none. */
  readonly architecture?: string | null;
}

interface Origin {
  readonly repo: string;
  readonly commit: string;
}

/** The origins of models, for `CardInput`. */
export const originsOf = (models: readonly Pick<Model, "ref" | "origin">[]): ReadonlyMap<string, Origin> =>
  new Map(models.flatMap(({ ref, origin }) => (origin === undefined ? [] : [[ref, origin] as const])));

export function modelCard(input: CardInput): string {
  const sections = [
    frontMatter(input),
    `# ${prose(input.title)}`,
    `A merge of language or other models, made with Weightloom: ${formatWhole(input.parameters)} parameters, ` +
      `stored as ${prose(input.dtype)}${input.engine === undefined ? "" : `, computed by ${prose(input.engine)}`}.`,
    `## Method\n\n${prose(input.method.title)}: ${prose(input.method.summary)}\n\nReference: ${reference(input.method.reference)}`,
    ...(input.base === null ? [] : [`Base model: ${named(input.base)}`]),
    `## Models\n\n${lineage(input)}`,
    `## Licence\n\n${terms(input.licence)}`,
    `## Recipe\n\n${fenced(input.recipeText, "yaml")}`,
    `## Use\n\n${fenced(loading(input.architecture), "python")}`,
  ];
  return `${sections.join("\n\n")}\n`;
}

function frontMatter({ models, base, licence, origins }: CardInput): string {
  const named = [...(base === null ? [] : [base]), ...models.map(({ ref }) => ref)].flatMap((ref) => {
    const [model = ref, ...adapter] = partsOf(ref);
    // Whatever the recipe calls it, a pasted address too, the Hub's own name is known.
    return [origins?.get(ref)?.repo ?? model, ...adapter];
  });
  const hub = [...new Set(named)].filter(isHubName);
  const lines = [
    ...(hub.length === 0 ? [] : ["base_model:", ...hub.map((name) => `  - ${name}`), "base_model_relation: merge"]),
    "library_name: transformers",
    "tags:",
    "  - mergekit",
    "  - merge",
    "  - weightloom",
    ...(licence !== null && /^[a-z0-9][a-z0-9.+-]*$/.test(licence) ? [`license: ${JSON.stringify(licence)}`] : []),
  ];
  return `---\n${lines.join("\n")}\n---`;
}

/** A reference `model@revision+adapter@revision` as the names in it, the adapter's last. */
const partsOf = (ref: string): string[] => ref.split("+").map((part) => part.replace(/[@:].*/, ""));

/** A model as prose: an adapter is named as what it is. */
function named(ref: string): string {
  const [model = ref, adapter] = ref.split("+");
  return adapter === undefined ? prose(ref) : `${prose(model)} with the adapter ${prose(adapter)}`;
}

/** Looks like `org/name`: two words without anything YAML or markdown could read otherwise. */
function isHubName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/.test(name) && !/\.\.|--/.test(name);
}

function lineage({ models, base, origins = new Map() }: CardInput): string {
  const commits = [...origins.values()].map(({ repo, commit }) => `${prose(repo)} at ${commit}`);
  const read = commits.length === 0 ? "" : `\n\nRead from the Hub: ${commits.join(", ")}.`;
  const names = models.map(({ ref, licence }) =>
    licence === null ? `- ${named(ref)}` : `- ${named(ref)} (${prose(licence)})`,
  );
  return (names.length > 0 ? names.join("\n") : `- ${named(base ?? "none")}`) + read;
}

function terms(licence: string | null): string {
  return licence === null
    ? "Not stated: the licence of at least one model is unknown, or no one licence covers them all. Ask the authors of the models above before sharing this one."
    : `${prose(licence)}, the strictest among the models above as their cards state it. Check it before sharing this model.`;
}

function loading(architecture: string | null | undefined): string {
  if (architecture === null) {
    return 'from safetensors.torch import load_file\n\nweights = load_file("path/to/model.safetensors")';
  }
  const known = architecture !== undefined && /^[A-Z][A-Za-z0-9_]*$/.test(architecture);
  const name = known && !architecture.endsWith("ForCausalLM") ? architecture : "AutoModelForCausalLM";
  return [
    `from transformers import AutoTokenizer, ${name}`,
    `model = ${name}.from_pretrained("path/to/this/folder")`,
    'tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")',
  ].join("\n");
}

/** A paper with its arXiv number is a link to it; anything else is text. */
function reference(text: string): string {
  const paper = /arXiv:\s?(\d{4}\.\d{4,5})/i.exec(text)?.[1];
  return paper === undefined ? prose(text) : `[${prose(text)}](https://arxiv.org/abs/${paper})`;
}

/** Text as text: one line, markdown and HTML made harmless. */
function prose(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")
    .replace(/[\\`*_[\]{}<>#|~!&]/g, "\\$&")
    .trim();
}

/** A code block that the text cannot end: its fence is longer than any run of backticks inside. */
function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`;
}
