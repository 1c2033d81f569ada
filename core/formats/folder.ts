/**
 * Which files of a folder are the model. In this order: the index of model.safetensors (or of diffusers' name), one of
 * those two files alone, a complete numbered set of shards, the only weight file there is. Anything less clear is
 * refused with what was found, since merging the wrong file costs more than asking.
 */
import { WeightloomError } from "../errors.ts";
import { quote, quoteSome } from "./json.ts";

const STEMS = ["model", "diffusion_pytorch_model"];
const WEIGHTS = /\.safetensors$/i;
/** diffusers puts a variant's name in the middle: model.safetensors.index.fp16.json. */
const INDEX = /\.safetensors\.index(\.[\w-]+)?\.json$/i;
const NUMBERED = /^(.*?)[-_.]?(\d+)-of-(\d+)\.safetensors$/i;
const PICKLE = /\.(bin|pt|pth|ckpt)$/i;

const fault = (text: string) => new WeightloomError("FormatError", text);

export interface Weights {
  /** "" or ending in "/"; names below are relative to it. */
  readonly folder: string;
  /** Name of the index, or null. */
  readonly index: string | null;
  /** Without an index: the one file, or all shards in order. With one: empty, the index names them. */
  readonly files: readonly string[];
}

/**
 * Picks a model's weight files by their relative paths ("/" between folders). The shallowest folder with weights
 * counts; files whose name begins with a dot do not.
 * @throws FormatError when the names do not tell one model's files
 */
export function pickWeights(paths: readonly string[]): Weights {
  const shown = paths.filter((path) => !baseOf(path).startsWith("."));
  const folder = weightFolder(shown);
  const names = shown.filter((path) => folderOf(path) === folder).map(baseOf);
  const index = pickIndex(names);
  return { folder, index, files: index === null ? pickFiles(names.filter((name) => WEIGHTS.test(name))) : [] };
}

const baseOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/") + 1);

/** The one shallowest folder that has weights, "" or ending in "/". */
function weightFolder(paths: readonly string[]): string {
  const weights = paths.filter((path) => WEIGHTS.test(path) || INDEX.test(path));
  if (weights.length === 0) throw noWeights(paths);
  const depthOf = (path: string) => path.split("/").length;
  const depth = Math.min(...weights.map(depthOf));
  const folders = [...new Set(weights.filter((path) => depthOf(path) === depth).map(folderOf))].sort();
  const [folder = ""] = folders;
  if (folders.length > 1)
    throw fault(
      `Weights are in ${folders.length} folders: ${quoteSome(folders)}. A model is one of them: add that folder alone.`,
    );
  return folder;
}

function pickIndex(names: readonly string[]): string | null {
  for (const stem of STEMS)
    if (names.includes(`${stem}.safetensors.index.json`)) return `${stem}.safetensors.index.json`;
  if (STEMS.some((stem) => names.includes(`${stem}.safetensors`))) return null;
  const indexes = names.filter((name) => INDEX.test(name)).sort();
  const [index = null] = indexes;
  if (indexes.length > 1)
    throw fault(
      `The folder has ${indexes.length} indexes: ${quoteSome(indexes)}. Add one of them with its shards, without the others.`,
    );
  return index;
}

/** Without an index. @param names of safetensors files, at least one */
function pickFiles(names: readonly string[]): readonly string[] {
  for (const stem of STEMS) if (names.includes(`${stem}.safetensors`)) return [`${stem}.safetensors`];
  const [first, ...others] = [...names].sort();
  if (first === undefined) throw noWeights([]);
  const match = NUMBERED.exec(first);
  if (match !== null) return numbered(match, [first, ...others]);
  if (others.length === 0) return [first];
  throw severalModels([first, ...others]);
}

/** All of `model-00001-of-00003` to `00003-of-00003`, each once, and nothing else. */
function numbered([, stem, , count]: RegExpExecArray, names: readonly string[]): readonly string[] {
  const have = new Map<number, string>();
  for (const name of names) {
    const match = NUMBERED.exec(name);
    const number = Number(match?.[2]);
    if (match?.[1] !== stem || match?.[3] !== count || number < 1 || number > Number(count) || have.has(number))
      throw severalModels(names);
    have.set(number, name);
  }
  const total = Number(count);
  if (have.size < total) {
    let missing = 1;
    while (have.has(missing)) missing++;
    throw fault(
      `The folder has ${have.size.toLocaleString("en")} of the ${total.toLocaleString("en")} shards that ${quote(names[0] ?? "")} belongs to; number ${missing.toLocaleString("en")} is the first that is missing. Add all of them together.`,
    );
  }
  return [...have].sort(([a], [b]) => a - b).map(([, name]) => name);
}

function severalModels(names: readonly string[]): WeightloomError {
  return fault(
    `The folder has ${names.length.toLocaleString("en")} weight files that are not the shards of one model: ${quoteSome(names)}. Add the files of one model at a time.`,
  );
}

function noWeights(paths: readonly string[]): WeightloomError {
  const pickle = paths.find((path) => PICKLE.test(path));
  if (pickle !== undefined)
    return fault(
      `${baseOf(pickle)}: this is a pickle, a format that can run programs, and it is not opened. Convert it first: load the model in transformers and call save_pretrained(folder, safe_serialization=True).`,
    );
  const gguf = paths.find((path) => /\.gguf$/i.test(path));
  if (gguf !== undefined)
    return fault(`${baseOf(gguf)}: GGUF files are not read. Use the safetensors checkpoint it was made from.`);
  const found =
    paths.length === 0 ? "The folder is empty" : `The folder has no weights, only ${quoteSome([...paths].sort())}`;
  return fault(`${found}. A model needs at least one .safetensors file: add it too.`);
}
