/**
 * The strict safetensors reader. A header is untrusted input: it is refused, with the tensor and the numbers, unless it
 * describes the whole file exactly: every byte belongs to one tensor and every tensor has as many bytes as its shape
 * and type take. Layout: https://github.com/huggingface/safetensors#format
 *
 * Byte numbers in sentences count from the start of the file, except that `data_offsets` are quoted as written.
 */
import { DTYPES, type Dtype, isDtype } from "../bytes/dtype.ts";
import type { ByteSource } from "../bytes/source.ts";
import { WeightloomError } from "../errors.ts";
import type { Checkpoint, TensorInfo } from "./checkpoint.ts";
import { type JsonReader, quote, readJson } from "./json.ts";

export interface SafetensorsOptions {
  /** Longest header accepted, bytes; a smaller limit than the format's own 100 MB, never a larger one. */
  readonly maxHeader?: number;
  readonly signal?: AbortSignal;
}

/** The format's limit. 100,000 tensors with long names have headers of 10 to 60 MB, so the default is no lower. */
export const MAX_HEADER = 100_000_000;
const MAX_TENSORS = 1_000_000;
const MAX_NAME = 1024;
const MAX_RANK = 8;
const AGAIN = "Download it again.";
const FOREIGN = "It was not written by a safetensors library: save it again with one.";

type Refuse = (what: string) => WeightloomError;
const num = (value: number | bigint) => value.toLocaleString("en");

/**
 * Reads and checks the header: two reads, no weights. Tensors are in offset order.
 * @throws FormatError when the file is not exactly what a safetensors file must be; FileError when reading fails
 */
export async function openSafetensors(source: ByteSource, options: SafetensorsOptions = {}): Promise<Checkpoint> {
  const refuse: Refuse = (what) => new WeightloomError("FormatError", `${source.name}: ${what}`);
  const length = await headerLength(source, options, refuse);
  const bytes = await source.read({ start: 8, end: 8 + length }, options.signal);
  const json = readJson(textOf(bytes, refuse), (what) =>
    refuse(`in the header, ${what}. The file is damaged. ${AGAIN}`),
  );
  const header = readHeader(json, source, 8 + length, refuse);
  const tensors = header.tensors.sort((a, b) => a.range.start - b.range.start || a.range.end - b.range.end);
  checkCoverage(tensors, source, 8 + length, refuse);
  return { sources: [source], tensors: new Map(tensors.map((info) => [info.name, info])), metadata: header.metadata };
}

async function headerLength(source: ByteSource, options: SafetensorsOptions, refuse: Refuse): Promise<number> {
  if (source.size < 8)
    throw refuse(`the file has ${num(source.size)} bytes, and a safetensors file has at least 10. ${AGAIN}`);
  const first = await source.read({ start: 0, end: 8 }, options.signal);
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  const maximum = Math.min(options.maxHeader ?? MAX_HEADER, MAX_HEADER);
  if (length === 0n) throw refuse(`the header is said to have 0 bytes, and the shortest has 2. ${AGAIN}`);
  if (length > BigInt(maximum)) {
    const real = whatElse(first);
    if (real !== null) throw refuse(`this is not a safetensors file but ${real}`);
    throw refuse(
      `the header is said to have ${num(length)} bytes, and at most ${num(maximum)} are allowed. This is not a safetensors file, or its beginning is damaged. ${AGAIN}`,
    );
  }
  if (length > BigInt(source.size - 8))
    throw refuse(
      `the header is said to have ${num(length)} bytes, but only ${num(source.size - 8)} follow. The file is cut off. ${AGAIN}`,
    );
  return Number(length);
}

/** What people most often have under this name instead; each would be read as an absurd header length. */
function whatElse(first: Uint8Array): string | null {
  const text = new TextDecoder("latin1").decode(first);
  if (text === "version ")
    return "a Git LFS pointer: the weights themselves were never fetched. Run git lfs pull in that folder, or download the file itself.";
  if (/^\s*<[!a-z?]/i.test(text)) return "a web page. Download the file itself, signed in if the model asks for it.";
  if (text.startsWith("GGUF"))
    return "a GGUF file, which is not read. Use the safetensors checkpoint it was made from.";
  if (text.startsWith("PK\u0003\u0004"))
    return "a zip archive, as PyTorch pickles are. Convert it: load it in Python and save it with safetensors.";
  return null;
}

function textOf(bytes: Uint8Array, refuse: Refuse): string {
  if (bytes[0] !== 0x7b)
    throw refuse(
      `the header must begin with "{", but its first byte is 0x${(bytes[0] ?? 0).toString(16).padStart(2, "0")}. This is not a safetensors file, or its beginning is damaged. ${AGAIN}`,
    );
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse(`the header is not valid UTF-8. The file is damaged. ${AGAIN}`);
  }
}

function readHeader(json: JsonReader, source: ByteSource, dataStart: number, refuse: Refuse) {
  const tensors: TensorInfo[] = [];
  const metadata = new Map<string, string>();
  json.object((key) => {
    if (key === "__metadata__") readMetadata(json, metadata, refuse);
    else if (tensors.length < MAX_TENSORS) tensors.push(readTensor(json, key, source, dataStart, refuse));
    else throw refuse(`the header has more than ${num(MAX_TENSORS)} tensors, which is the most allowed. ${FOREIGN}`);
  });
  json.end();
  return { tensors, metadata };
}

function readMetadata(json: JsonReader, metadata: Map<string, string>, refuse: Refuse): void {
  if (json.next() !== "object") throw refuse(`__metadata__ must be an object of strings. ${FOREIGN}`);
  json.object((key) => {
    if (json.next() !== "string") throw refuse(`__metadata__ has ${quote(key)}, which must be a string. ${FOREIGN}`);
    metadata.set(key, json.string());
  });
}

function readTensor(json: JsonReader, name: string, source: ByteSource, dataStart: number, refuse: Refuse): TensorInfo {
  const bad: Refuse = (what) => refuse(`tensor ${quote(name)} ${what}`);
  if (name.length > MAX_NAME)
    throw bad(`has a name of ${num(name.length)} characters, and at most ${num(MAX_NAME)} are allowed. ${FOREIGN}`);
  if (json.next() !== "object") throw bad(`must be described by an object. ${FOREIGN}`);
  let dtype: Dtype | undefined;
  let shape: readonly number[] | undefined;
  let offsets: readonly number[] | undefined;
  json.object((field) => {
    if (field === "dtype") dtype = readDtype(json, bad);
    else if (field === "shape") shape = readNumbers(json, field, MAX_RANK, bad);
    else if (field === "data_offsets") offsets = readNumbers(json, field, 2, bad);
    else throw bad(`has the field ${quote(field)}; only dtype, shape and data_offsets are known. ${FOREIGN}`);
  });
  if (dtype === undefined) throw bad(`has no dtype. ${FOREIGN}`);
  if (shape === undefined) throw bad(`has no shape. ${FOREIGN}`);
  const [start, end] = offsets ?? [];
  if (start === undefined || end === undefined) throw bad(`has no pair of data_offsets. ${FOREIGN}`);
  if (start > end) throw bad(`has data_offsets that end at ${num(end)}, before they begin at ${num(start)}. ${AGAIN}`);
  if (!Number.isSafeInteger(dataStart + end))
    throw bad(`has data_offsets that end at ${num(end)}, past any file. ${AGAIN}`);
  const bytes = bytesOf(dtype, shape, bad);
  if (bytes !== end - start)
    throw bad(
      `is ${dtype} [${shape.join(", ")}], which takes ${num(bytes)} bytes, but its data_offsets span ${num(end - start)}. The file is damaged. ${AGAIN}`,
    );
  return { name, dtype, shape, source, range: { start: dataStart + start, end: dataStart + end } };
}

function readDtype(json: JsonReader, bad: Refuse): Dtype {
  if (json.next() !== "string") throw bad(`has a dtype that is not a string. ${FOREIGN}`);
  const dtype = json.string();
  if (!isDtype(dtype))
    throw bad(
      `has the unknown dtype ${quote(dtype)}. Known are ${Object.keys(DTYPES).join(", ")}. Save it as one of these.`,
    );
  return dtype;
}

function readNumbers(json: JsonReader, field: string, most: number, bad: Refuse): number[] {
  if (json.next() !== "array") throw bad(`has a ${field} that is not a list of numbers. ${FOREIGN}`);
  const numbers: number[] = [];
  json.array(() => {
    if (numbers.length === most) throw bad(`has more than ${most} numbers in its ${field}. ${FOREIGN}`);
    if (json.next() !== "number") throw bad(`has a ${field} that is not a list of numbers. ${FOREIGN}`);
    numbers.push(json.integer());
  });
  return numbers;
}

/** Bytes a tensor takes. Every product stays below 2^53, or it is refused. */
export function bytesOf(dtype: Dtype, shape: readonly number[], bad: Refuse): number {
  let bits: number = DTYPES[dtype].bits;
  for (const size of shape) {
    bits *= size;
    // A product past 2^53 may be rounded, but never back below it.
    if (!Number.isSafeInteger(bits)) throw bad(`has the shape [${shape.join(", ")}], which is past any file. ${AGAIN}`);
  }
  if (bits % 8 !== 0)
    throw bad(
      `is ${dtype} [${shape.join(", ")}], which takes ${num(bits)} bits and does not fill whole bytes. ${FOREIGN}`,
    );
  return bits / 8;
}

/** In offset order the tensors must lie end to end from the header to the end of the file. */
function checkCoverage(tensors: readonly TensorInfo[], source: ByteSource, dataStart: number, refuse: Refuse): void {
  let end = dataStart;
  let before = "the header";
  for (const { name, range } of tensors) {
    const tensor = `tensor ${quote(name)}`;
    if (range.start < end)
      throw refuse(
        `${tensor} begins at byte ${num(range.start)}, inside ${before}, which ends at byte ${num(end)}. Tensors may not overlap. ${AGAIN}`,
      );
    if (range.start > end)
      throw refuse(
        `${tensor} begins at byte ${num(range.start)}, but ${before} ends at byte ${num(end)}. No bytes may lie between. ${AGAIN}`,
      );
    if (range.end > source.size)
      throw refuse(`${tensor} ends at byte ${num(range.end)}, but the file has ${num(source.size)} bytes. ${AGAIN}`);
    end = range.end;
    before = tensor;
  }
  if (end < source.size)
    throw refuse(
      `${before} ends at byte ${num(end)}, but the file has ${num(source.size)} bytes. Nothing may follow the last tensor. ${AGAIN}`,
    );
}
