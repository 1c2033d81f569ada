/**
 * Lays out the files of a result before a byte is computed: headers, offsets, shards, index. The layout is what
 * transformers expects: `model.safetensors`, or `model-00001-of-0000N.safetensors` with an index.
 *
 * Tensors keep the given order. Data starts on a multiple of 8 bytes and tensors follow each other without gaps, as the
 * format demands, so a tensor is aligned as long as the sizes before it are multiples of 8 bytes. After a tensor of odd
 * size the next ones are not, which the format allows and readers that copy do not notice.
 */
import type { Dtype } from "../bytes/dtype.ts";
import { WeightloomError } from "../errors.ts";
import type { FilePlan, Placement } from "../plan/plan.ts";
import { quote } from "./json.ts";
import { bytesOf, MAX_HEADER } from "./safetensors.ts";

export interface OutputTensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: number;
}

export interface Layout {
  readonly files: readonly FilePlan[];
  /** Of each tensor, in the given order. */
  readonly placements: readonly Placement[];
  /** File name per tensor. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** Bytes of all tensors. */
  readonly totalSize: number;
}

/**
 * Length prefix, JSON and padding of one file: `__metadata__` first, then the tensors in the given order, then spaces up
 * to a multiple of 8 bytes.
 * @throws FormatError for what the strict reader would refuse in it
 */
export function headerOf(
  tensors: readonly OutputTensorInfo[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  let at = 0;
  const names = new Set<string>();
  const entries = tensors.map((tensor) => {
    const { name, dtype, shape, bytes } = tensor;
    checkTensor(tensor, names);
    names.add(name);
    at += bytes;
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [at - bytes, at] })}`;
  });
  const json = new TextEncoder().encode(`{${[`"__metadata__":${JSON.stringify(metadata)}`, ...entries].join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER)
    throw refuse(
      `The header of ${num(tensors.length)} tensors would have ${num(length)} bytes, and at most ${num(MAX_HEADER)} are allowed. Choose smaller shards.`,
    );
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}

const num = (value: number) => value.toLocaleString("en");
const refuse = (text: string) => new WeightloomError("FormatError", text);

function checkTensor({ name, dtype, shape, bytes }: OutputTensorInfo, names: ReadonlySet<string>): void {
  const bad = (what: string) => refuse(`Output tensor ${quote(name)} ${what}`);
  if (name === "__metadata__") throw bad("has a name that the format keeps for itself. Rename it.");
  if (/\p{Surrogate}/u.test(name)) throw bad("has half of a surrogate pair in its name. Rename it.");
  if (names.has(name)) throw bad("would be written twice. Leave one of them out.");
  const needed = bytesOf(dtype, shape, bad);
  if (needed !== bytes)
    throw bad(
      `is ${dtype} [${shape.join(", ")}], which takes ${num(needed)} bytes, but is planned with ${num(bytes)}.`,
    );
}

/**
 * Places every tensor.
 * @param shardBytes most tensor bytes in one file; a shard closes before the tensor that would exceed it, a larger
 *   tensor has a file of its own. Infinity for a single file.
 */
export function layoutShards(
  tensors: readonly OutputTensorInfo[],
  shardBytes: number,
  metadata: Readonly<Record<string, string>>,
): Layout {
  const shards: OutputTensorInfo[][] = [[]];
  let size = 0;
  for (const tensor of tensors) {
    if (size > 0 && size + tensor.bytes > shardBytes) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)?.push(tensor);
    size += tensor.bytes;
  }
  const files: FilePlan[] = [];
  const placements: Placement[] = [];
  const weightMap = new Map<string, string>();
  for (const [file, shard] of shards.entries()) {
    const name =
      shards.length === 1 ? "model.safetensors" : `model-${digits(file + 1)}-of-${digits(shards.length)}.safetensors`;
    const header = headerOf(shard, metadata);
    let at = header.length;
    for (const { name: tensor, bytes } of shard) {
      placements.push({ file, range: { start: at, end: at + bytes } });
      weightMap.set(tensor, name);
      at += bytes;
    }
    files.push({ name, header, size: at });
  }
  return { files, placements, weightMap, totalSize: tensors.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** model.safetensors.index.json. */
export function indexJson({ weightMap, totalSize }: Layout): string {
  const weight_map = Object.fromEntries([...weightMap].sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ metadata: { total_size: totalSize }, weight_map }, null, 2)}\n`;
}

const digits = (n: number) => String(n).padStart(5, "0");
