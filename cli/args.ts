/** What the command line takes. One table: the parser and the help text both come from it. */
import { parseArgs } from "node:util";
import { WeightloomError } from "../core/errors.ts";
import { parseBytes } from "../core/units.ts";
import type { Average } from "../methods/averages.ts";
import { ORDERS, type Order, PAIRWISE, type Pairwise } from "../methods/pairs.ts";
import { averageOf } from "./average.ts";

interface Option {
  readonly type: "string" | "boolean";
  /** May be given more than once. */
  readonly multiple?: boolean;
  readonly value?: string;
  readonly help: string;
}

const OPTIONS = {
  engine: {
    type: "string",
    value: "auto|gpu|cpu",
    help: "Where to compute. auto takes the GPU only when it is real and measures faster.",
  },
  "shard-size": { type: "string", value: "5GB", help: "Largest weight file. 0 writes a single file." },
  lanes: { type: "string", value: "N", help: "CPU worker threads; default one per core." },
  memory: {
    type: "string",
    value: "1GB",
    help: "Resident memory to stay under, about; buffers get about a third of it.",
  },
  seed: { type: "string", value: "N", help: "Seed of random methods; default 42." },
  how: { type: "string", value: "uniform|last|ema|wma|wsm", help: "Weights of the checkpoints; default uniform." },
  last: { type: "string", value: "N", help: "How many checkpoints --how last takes; default 5." },
  alpha: { type: "string", value: "A", help: "The newest checkpoint's share for --how ema; default 0.2." },
  decay: { type: "string", value: "linear|cosine|sqrt", help: "The decay --how wsm stands for; default linear." },
  method: { type: "string", value: PAIRWISE.join("|"), help: "What merges each pair; default slerp." },
  order: { type: "string", value: ORDERS.join("|"), help: "((A B) C) D, the default, or (A B) (C D)." },
  intermediates: {
    type: "string",
    value: "DIR",
    help: "Also write the named recipes of a file of several, each to DIR/name.",
  },
  resume: { type: "boolean", help: "Go on with an unfinished merge in OUT_DIR; what is finished is not done again." },
  overwrite: { type: "boolean", help: "Write into a folder, or publish to a name, that already holds a model." },
  cache: { type: "string", value: "2GB", help: "Keep up to so much of what is read from the Hub." },
  "no-cache": { type: "boolean", help: "Keep nothing of it, and use nothing kept." },
  publish: { type: "string", value: "ORG/NAME", help: "Then publish the result on the Hub." },
  public: { type: "boolean", help: "Anybody may see what is published; without it, nobody else may." },
  "pull-request": { type: "boolean", help: "Publish as a pull request." },
  rank: { type: "string", value: "R", help: "Most rows of A per update; default 16." },
  threshold: { type: "string", value: "EPS", help: "Leave out singular values up to this; default 0." },
  embeddings: { type: "boolean", help: "Embeddings and head as low-rank updates, not whole." },
  "save-module": { type: "string", multiple: true, value: "NAME", help: "Save modules of this name whole." },
  include: { type: "string", multiple: true, value: "PATTERN", help: "Only modules that this expression matches." },
  exclude: { type: "string", multiple: true, value: "PATTERN", help: "No modules that this expression matches." },
  profile: { type: "boolean", help: "Say where the time went: reading, computing, writing, waiting." },
  json: { type: "boolean", help: "One line of JSON on standard output at the end." },
  markdown: { type: "boolean", help: "Print the reference page docs/methods.md." },
  help: { type: "boolean", help: "This text." },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof OPTIONS;

export interface Command {
  readonly name: string;
  /** In order; in brackets where it may be missing, with dots after it where there may be several. */
  readonly operands: readonly string[];
  readonly options: readonly OptionName[];
  readonly help: string;
}

const READING = ["cache", "no-cache"] as const satisfies readonly OptionName[];
const RUNNING = ["engine", "lanes", "memory"] as const satisfies readonly OptionName[];

export const COMMANDS: readonly Command[] = [
  {
    name: "merge",
    operands: ["RECIPE.yml", "OUT_DIR"],
    options: [
      "engine",
      "shard-size",
      "lanes",
      "memory",
      "seed",
      "intermediates",
      "resume",
      "overwrite",
      "publish",
      "public",
      ...READING,
      "profile",
      "json",
    ],
    help: "Merge models as a recipe says.",
  },
  {
    name: "plan",
    operands: ["RECIPE.yml"],
    options: ["shard-size", "lanes", "memory", "seed", ...READING, "json"],
    help: "Say what a merge would read, compute and write, without doing it.",
  },
  {
    name: "inspect",
    operands: ["MODEL"],
    options: [...READING, "json"],
    help: "Family, layers, types and tensors of a model.",
  },
  {
    name: "diff",
    operands: ["A", "B"],
    options: [...RUNNING, ...READING, "json"],
    help: "How far two models are apart, per layer and kind.",
  },
  {
    name: "extract-lora",
    operands: ["MODEL", "BASE", "OUT_DIR"],
    options: ["rank", "threshold", "embeddings", "save-module", "include", "exclude", "overwrite", ...READING, "json"],
    help: "What a fine-tune changed in its base, as a LoRA adapter.",
  },
  { name: "methods", operands: [], options: ["json", "markdown"], help: "The merge methods and their parameters." },
  {
    name: "presets",
    operands: ["[ID]", "[MODEL...]"],
    options: ["json"],
    help: "Well-known recipes; with an ID and models (base first), that recipe.",
  },
  {
    name: "average",
    operands: ["MODEL..."],
    options: ["how", "last", "alpha", "decay", "json"],
    help: "A recipe that averages checkpoints, oldest first.",
  },
  {
    name: "pairs",
    operands: ["MODEL..."],
    options: ["method", "order", "json"],
    help: "Recipes that merge any number of models two at a time, all counting alike.",
  },
  {
    name: "publish",
    operands: ["FOLDER", "ORG/NAME"],
    options: ["public", "overwrite", "pull-request", "json"],
    help: "Put a merged model on the Hub: private, in one commit.",
  },
  {
    name: "verify",
    operands: ["OUT_DIR"],
    options: ["seed", ...READING, "json"],
    help: "Re-open a merged model and check it against its recipe.",
  },
];

export interface Invocation {
  readonly command: string;
  readonly operands: readonly string[];
  readonly engine: "auto" | "gpu" | "cpu";
  readonly shardBytes: number;
  readonly lanes: number | null;
  readonly memory: number;
  readonly seed: number;
  readonly average: Average;
  readonly pairs: { readonly method: Pairwise; readonly order: Order };
  /** Where the results of a chain's earlier recipes go, or null. */
  readonly intermediates: string | null;
  /** Bytes of what is read from the Hub that may be kept; 0 for none. */
  readonly cache: number;
  readonly overwrite: boolean;
  readonly resume: boolean;
  /** Names of the options that were said, the others have their usual values. */
  readonly given: ReadonlySet<string>;
  /** Where the result is published, or null. */
  readonly publish: string | null;
  readonly public: boolean;
  readonly pullRequest: boolean;
  readonly profile: boolean;
  readonly json: boolean;
  readonly markdown: boolean;
  readonly extract: ExtractChoices;
}

/** What `extract-lora` takes besides its operands. */
export interface ExtractChoices {
  readonly rank: number;
  readonly threshold: number;
  readonly embeddings: boolean;
  readonly saved: readonly string[];
  readonly include: readonly RegExp[];
  readonly exclude: readonly RegExp[];
}

/** Bad usage: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Nothing wrong with the words, but it is not done as things are: exit code 2, without the help. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** Cancelled or stopped where something stays all the same: the message says what. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/**
 * @throws UsageError with a sentence; a null result means help was asked for.
 */
export function parse(argv: readonly string[]): Invocation | { readonly help: string } {
  let parsed: { values: Values; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  const [name, ...operands] = positionals;
  const command = COMMANDS.find((one) => one.name === name);
  if (values.help === true || name === undefined || name === "help") return { help: helpFor(command) };
  if (command === undefined)
    throw new UsageError(
      `There is no command "${name}". The commands are ${COMMANDS.map((one) => one.name).join(", ")}.`,
    );
  const stray = Object.keys(values).find((key) => !command.options.includes(key as OptionName));
  if (stray !== undefined)
    throw new UsageError(
      `${command.name} takes no --${stray}. It takes ${command.options.map((o) => `--${o}`).join(", ")}.`,
    );
  if (!fits(command.operands, operands.length)) {
    throw new UsageError(
      `${command.name} takes ${command.operands.join(" ") || "no operands"}, but ${operands.length} ${operands.length === 1 ? "was" : "were"} given.`,
    );
  }
  const engine = text(values.engine) ?? "auto";
  if (engine !== "auto" && engine !== "gpu" && engine !== "cpu")
    throw new UsageError(`--engine is "${engine}"; it can be auto, gpu or cpu.`);
  if (values.resume === true && values.overwrite === true)
    throw new UsageError("--resume goes on with what is there, --overwrite begins anew. Say one of them.");
  const average = averageOf(values);
  if (typeof average === "string") throw new UsageError(average);
  const shardBytes = size(values["shard-size"], "5GB");
  return {
    command: command.name,
    operands,
    engine,
    shardBytes: shardBytes === 0 ? Number.POSITIVE_INFINITY : shardBytes,
    lanes: values.lanes === undefined ? null : whole("lanes", values.lanes, 1, 256),
    memory: size(values.memory, "1GB"),
    seed: values.seed === undefined ? 42 : whole("seed", values.seed, 0, 2 ** 53 - 1),
    average,
    pairs: { method: oneOf("method", values.method, PAIRWISE), order: oneOf("order", values.order, ORDERS) },
    intermediates: text(values.intermediates) ?? null,
    cache: values["no-cache"] === true ? 0 : size(values.cache, "2GB"),
    overwrite: values.overwrite === true,
    resume: values.resume === true,
    given: new Set(Object.keys(values)),
    publish: text(values.publish) ?? null,
    public: values.public === true,
    pullRequest: values["pull-request"] === true,
    profile: values.profile === true,
    json: values.json === true,
    extract: {
      rank: values.rank === undefined ? 16 : whole("rank", values.rank, 1, 65_536),
      threshold: values.threshold === undefined ? 0 : positive("threshold", values.threshold),
      embeddings: values.embeddings === true,
      saved: list(values["save-module"]),
      include: list(values.include).map((pattern) => expression("include", pattern)),
      exclude: list(values.exclude).map((pattern) => expression("exclude", pattern)),
    },
    markdown: values.markdown === true,
  };
}

export function helpFor(command?: Command): string {
  const shown = command === undefined ? COMMANDS : [command];
  const options = [...new Set([...shown.flatMap((one) => one.options), "help" as const])];
  const named = options.map((name) => {
    const option: Option = OPTIONS[name];
    return [`  --${name}${option.value === undefined ? "" : ` ${option.value}`}`, option.help] as const;
  });
  const width = Math.max(...named.map(([name]) => name.length)) + 2;
  return [
    "weightloom: merge model checkpoints on this machine",
    "",
    ...shown.map((one) => `  ${`weightloom ${one.name} ${one.operands.join(" ")}`.padEnd(44)}${one.help}`),
    "",
    ...named.map(([name, help]) => name.padEnd(width) + help),
    "",
    "A MODEL is a folder with safetensors files, or one such file; MODEL+ADAPTER is one with a LoRA adapter. Model",
    "paths in a recipe are looked for in the current folder first, then in the recipe's, then on the Hub: org/name,",
    "org/name@revision or the address of a page. HF_ENDPOINT, HF_TOKEN and HF_HOME are honoured. Exit codes: 0 done, 1 failed,",
    "2 bad usage or recipe, 130 cancelled, 143 or 129 told to stop; a merge then keeps what is finished for --resume.",
  ].join("\n");
}

function fits(wanted: readonly string[], given: number): boolean {
  const needed = wanted.filter((operand) => !operand.startsWith("[")).length;
  const most = wanted.some((operand) => operand.includes("...")) ? Number.POSITIVE_INFINITY : wanted.length;
  return given >= needed && given <= most;
}

type Value = string | boolean | (string | boolean)[] | undefined;
type Values = Record<string, Value>;

/** One of some words, the first when nothing is said. */
function oneOf<const T extends string>(name: string, value: Value, words: readonly [T, ...T[]]): T {
  const found = value === undefined ? words[0] : words.find((word) => word === value);
  if (found === undefined) throw new UsageError(`--${name} is "${String(value)}"; it can be ${words.join(", ")}.`);
  return found;
}

const list = (value: Value): string[] => (Array.isArray(value) ? value.map(String) : []);

function positive(name: string, value: Value): number {
  const number = Number(value);
  if (!(number >= 0 && Number.isFinite(number)))
    throw new UsageError(`--${name} is "${String(value)}"; it must be a number from 0.`);
  return number;
}

function expression(name: string, pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch {
    throw new UsageError(`--${name} is "${pattern}", which is not a regular expression. Escape its signs with \\.`);
  }
}

const text = (value: Value) => (typeof value === "string" ? value : undefined);

function size(value: Value, standard: string): number {
  try {
    return parseBytes(text(value) ?? standard);
  } catch (error) {
    throw new UsageError(error instanceof WeightloomError ? error.message : String(error));
  }
}

function whole(name: string, value: Value, low: number, high: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < low || number > high) {
    throw new UsageError(`--${name} is "${String(value)}"; it must be a whole number from ${low} to ${high}.`);
  }
  return number;
}
