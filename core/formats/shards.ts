/**
 * One file or several as one checkpoint. An index is untrusted: its file names must be plain, the files must be there, and
 * they must hold exactly the tensors it says. Only `total_size` is not believed or checked, because many real indexes
 * have it wrong.
 */
import type { ByteSource } from "../bytes/source.ts";
import { WeightloomError } from "../errors.ts";
import type { Checkpoint, TensorInfo } from "./checkpoint.ts";
import { pickWeights } from "./folder.ts";
import { quote, quoteSome, readJson } from "./json.ts";
import { openSafetensors, type SafetensorsOptions } from "./safetensors.ts";

/** Half a million tensors make an index of 60 MB. */
const MAX_INDEX = 100_000_000;
const MAX_SHARDS = 10_000;
/** Headers read at once; each may take `maxHeader` bytes. */
const AT_ONCE = 4;
const SHARD_NAME = /^[^./\\:\p{Cc}][^/\\:\p{Cc}]{0,240}\.safetensors$/u;
const AGAIN = "Download the index and its shards again, all from one version of the model.";

const fault = (text: string) => new WeightloomError("FormatError", text);
const num = (value: number) => value.toLocaleString("en");

/**
 * Opens a model's weights from its files by relative path; `folder.ts` tells which of them count.
 * @throws FormatError when no single model's files can be told from the names, or a file is refused
 */
export async function openCheckpoint(
  files: ReadonlyMap<string, ByteSource>,
  options: SafetensorsOptions = {},
): Promise<Checkpoint> {
  const weights = pickWeights([...files.keys()]);
  const inFolder = (name: string) => files.get(weights.folder + name) ?? null;
  const index = weights.index === null ? null : inFolder(weights.index);
  if (index !== null) return openShards(index, inFolder, options);
  return joinShards(
    await openAll(
      weights.files.map(inFolder).filter((source) => source !== null),
      options,
    ),
  );
}

/**
 * Opens the shards that an index names. `resolve` finds a file by its plain name, next to the index.
 * @throws FormatError when index and shards are not exactly each other's
 */
export async function openShards(
  index: ByteSource,
  resolve: (name: string) => ByteSource | null,
  options: SafetensorsOptions = {},
): Promise<Checkpoint> {
  const weightMap = await readIndex(index, options.signal);
  const sources = new Map<string, ByteSource>();
  const missing: string[] = [];
  for (const name of [...new Set(weightMap.values())].sort()) {
    const source = resolve(name);
    if (source === null) missing.push(name);
    else sources.set(name, source);
  }
  if (missing.length > 0)
    throw fault(
      `${index.name}: of its ${num(missing.length + sources.size)} shards ${quoteSome(missing)} ${missing.length === 1 ? "is" : "are"} not here. Add all shards together with the index.`,
    );

  const shards = await openAll([...sources.values()], options);
  const checkpoint = joinShards(shards);
  const shardOf = new Map([...sources].map(([name, source]) => [source, name]));
  for (const [tensor, name] of weightMap) {
    const info = checkpoint.tensors.get(tensor);
    const actual = info === undefined ? undefined : shardOf.get(info.source);
    if (actual === name) continue;
    const found = actual === undefined ? "it is in none of the shards" : `it is in ${actual}`;
    throw fault(`${index.name}: tensor ${quote(tensor)} should be in ${name}, but ${found}. ${AGAIN}`);
  }
  const extra = [...checkpoint.tensors.keys()].filter((tensor) => !weightMap.has(tensor));
  if (extra.length > 0)
    throw fault(`${index.name}: the shards hold ${quoteSome(extra)}, which the index does not name. ${AGAIN}`);
  return checkpoint;
}

/** Opens files in the given order, a few at a time. */
async function openAll(sources: readonly ByteSource[], options: SafetensorsOptions): Promise<Checkpoint[]> {
  const opened: Checkpoint[] = [];
  for (let i = 0; i < sources.length; i += AT_ONCE) {
    const some = sources.slice(i, i + AT_ONCE).map((source) => openSafetensors(source, options));
    opened.push(...(await Promise.all(some)));
  }
  return opened;
}

/**
 * One checkpoint of many. Where shards disagree on a metadata entry the first one's stands.
 * @throws FormatError when two hold a tensor of the same name
 */
function joinShards(shards: readonly Checkpoint[]): Checkpoint {
  const tensors = new Map<string, TensorInfo>();
  const metadata = new Map<string, string>();
  for (const shard of shards) {
    for (const [name, info] of shard.tensors) {
      const other = tensors.get(name);
      if (other !== undefined)
        throw fault(
          `${info.source.name}: tensor ${quote(name)} is also in ${other.source.name}. One checkpoint may hold it once: download the shards again, all from one version of the model.`,
        );
      tensors.set(name, info);
    }
    for (const [key, value] of shard.metadata) if (!metadata.has(key)) metadata.set(key, value);
  }
  return { sources: shards.flatMap((shard) => shard.sources), tensors, metadata };
}

/** The weight_map: tensor name to shard name. Anything else in an index is skipped. */
async function readIndex(index: ByteSource, signal: AbortSignal | undefined): Promise<Map<string, string>> {
  const refuse = (what: string) => fault(`${index.name}: ${what}`);
  if (index.size > MAX_INDEX)
    throw refuse(
      `the index has ${num(index.size)} bytes, and at most ${num(MAX_INDEX)} are allowed. Add the model without it.`,
    );
  const text = textOf(await index.read({ start: 0, end: index.size }, signal), refuse);
  const json = readJson(text, (what) => refuse(`in the index, ${what}. Download it again.`));
  const weightMap = new Map<string, string>();
  const shards = new Set<string>();
  if (json.next() !== "object") throw refuse("the index must be a JSON object. Download it again.");
  json.object((key) => {
    if (key !== "weight_map") return json.skip();
    if (json.next() !== "object") throw refuse("the weight_map must be an object. Download the index again.");
    json.object((tensor) => {
      if (json.next() !== "string")
        throw refuse(
          `the weight_map gives tensor ${quote(tensor)} something other than a file name. Download the index again.`,
        );
      const name = json.string();
      if (!shards.has(name)) checkShardName(name, tensor, refuse);
      shards.add(name);
      weightMap.set(tensor, name);
    });
  });
  json.end();
  if (weightMap.size === 0) throw refuse("the index has no weight_map with tensors in it. Download it again.");
  if (shards.size > MAX_SHARDS)
    throw refuse(
      `the index names ${num(shards.size)} shards, and at most ${num(MAX_SHARDS)} are allowed. Save the model in larger ones.`,
    );
  return weightMap;
}

function textOf(bytes: Uint8Array, refuse: (what: string) => WeightloomError): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse("the index is not valid UTF-8. Download it again.");
  }
}

function checkShardName(name: string, tensor: string, refuse: (what: string) => WeightloomError): void {
  if (SHARD_NAME.test(name) && !name.includes("..")) return;
  throw refuse(
    `the shard of tensor ${quote(tensor)} is said to be ${quote(name)}, and only plain .safetensors file names are allowed. Do not trust this index: get the model from somewhere else.`,
  );
}
