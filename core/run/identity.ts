/**
 * Whether two runs would write the same bytes. A journal belongs to one recipe with its options, one version of the engine
 * and one state of the files it reads; whoever resumes must have the same, and is told in sentences what is not.
 */
import { createHash } from "../model/fingerprint.ts";
import type { Model } from "../model/model.ts";
import type { Plan } from "../plan/plan.ts";
import { formatBytes } from "../units.ts";
import { RECORD } from "./record.ts";

/** As in package.json. Arithmetic may change between versions. */
export const VERSION = "0.1.0";

export interface InputFile {
  readonly model: string;
  readonly file: string;
  readonly size: number;
  /** See ByteSource. */
  readonly version: string | null;
}

export interface Identity {
  readonly version: string;
  /** "cpu", or the GPU's name: two GPUs may round differently. */
  readonly engine: string;
  readonly recipe: string;
  readonly seed: number;
  /** Null for a single file. */
  readonly shardBytes: number | null;
  /** What the model card calls the result. */
  readonly title: string;
  readonly inputs: readonly InputFile[];
  /** Of everything else that the plan decides. */
  readonly plan: string;
  /** Names of the files that are written, weights first. */
  readonly files: readonly string[];
}

export type Wish = Pick<Identity, "engine" | "recipe" | "seed" | "shardBytes" | "title" | "inputs">;

export const identityOf = (plan: Plan, wish: Wish): Identity => ({
  version: VERSION,
  engine: wish.engine,
  recipe: wish.recipe,
  seed: wish.seed,
  shardBytes: wish.shardBytes,
  title: wish.title,
  inputs: wish.inputs,
  plan: fingerprintOf(plan),
  files: [...plan.files, ...plan.extras, { name: RECORD }].map(({ name }) => name),
});

/** The weight files of models, by the names a document uses. */
export const inputsOf = (models: ReadonlyMap<string, Model>): InputFile[] =>
  [...models].flatMap(([model, { checkpoint }]) =>
    checkpoint.sources.map(({ name, size, version = null }) => ({ model, file: name, size, version })),
  );

export interface Differences {
  /** Files that are not what they were. */
  readonly sources: readonly string[];
  /** Everything else. */
  readonly wishes: readonly string[];
}

/** What is not as it was, in sentences; nothing where a run may go on. */
export function differences(before: Identity, now: Identity): Differences {
  const wishes: string[] = [];
  const unless = (same: boolean, text: string) => {
    if (!same) wishes.push(text);
  };
  unless(before.version === now.version, `It was begun by version ${before.version}, and this is ${now.version}.`);
  unless(before.recipe === now.recipe, recipeDiffers(before.recipe, now.recipe));
  unless(before.seed === now.seed, `The seed was ${before.seed} and is ${now.seed}.`);
  unless(
    before.shardBytes === now.shardBytes,
    `The largest weight file was ${sized(before.shardBytes)} and is ${sized(now.shardBytes)}.`,
  );
  unless(before.engine === now.engine, `It was computed on ${engine(before)}, and this would be ${engine(now)}.`);
  unless(before.title === now.title, `The result was called "${before.title}" and is called "${now.title}".`);
  const sources = before.inputs.flatMap((one) => {
    const same = now.inputs.find(({ model, file }) => model === one.model && file === one.file);
    const text = same === undefined ? `${one.model}: ${one.file} is not there any more.` : changed(one, same);
    return text === null ? [] : [text];
  });
  for (const { model, file } of now.inputs) {
    if (!before.inputs.some((one) => one.model === model && one.file === file))
      sources.push(`${model}: ${file} was not there before.`);
  }
  if (sources.length === 0 && wishes.length === 0 && before.plan !== now.plan)
    wishes.push(
      "What would be written is not what was planned then: a config or another small file of a model changed.",
    );
  return { sources, wishes };
}

function changed(before: InputFile, now: InputFile): string | null {
  const file = `${now.model}: ${now.file}`;
  const was = before.size.toLocaleString("en");
  if (before.size !== now.size) return `${file} had ${was} bytes and has ${now.size.toLocaleString("en")}.`;
  return before.version === now.version
    ? null
    : `${file} was changed since: it has ${was} bytes as before, but is newer.`;
}

const sized = (bytes: number | null) => (bytes === null ? "not limited" : formatBytes(bytes));
const engine = (one: Identity) => (one.engine === "cpu" ? "the CPU" : one.engine);

function recipeDiffers(before: string, now: string): string {
  const [old, present] = [before.split("\n"), now.split("\n")];
  const at = old.findIndex((line, i) => line !== present[i]);
  const line = at < 0 ? old.length : at;
  const shown = (lines: readonly string[]) => (lines[line] === undefined ? "not there" : `"${lines[line].trim()}"`);
  return `The recipe is another one: line ${line + 1} was ${shown(old)} and is ${shown(present)}.`;
}

const sizeOf = (part: number | readonly unknown[]) => (typeof part === "number" ? part : part.length);

/** A word for what a plan would write, and from which bytes: 16 hexadecimal digits, FNV-1a 64. */
function fingerprintOf(plan: Plan): string {
  const hash = createHash();
  for (const { name, size, header } of plan.files) {
    hash.text(JSON.stringify([name, size]));
    hash.bytes(header);
  }
  for (const tensor of plan.tensors) {
    const { name, dtype, shape, output, action } = tensor;
    const made =
      tensor.action === "copy"
        ? [tensor.from.source.name, tensor.from.range]
        : [
            tensor.seed,
            tensor.params,
            tensor.inputs.map(({ ref, start, dtype, info }) => [ref, start, dtype, info.name, info.source.name]),
            // How a pass is computed may depend on the memory; what it yields does not.
            tensor.passes.map(({ round, sums, high, low, reduced }) => [round, sums, high, low, reduced].map(sizeOf)),
            // Sums over columns are added tile by tile: their last bits may depend on where tiles end.
            tensor.passes.some(({ reduced }) => reduced.some(({ axis }) => axis === "columns")) ? tensor.tile : null,
          ];
    hash.text(JSON.stringify([action, name, dtype, shape, output, made]));
  }
  for (const { name, content } of plan.extras) {
    hash.text(name);
    if (content instanceof Uint8Array) hash.bytes(content);
    else hash.text(JSON.stringify([content.size, content.version ?? null]));
  }
  return hash.end();
}
