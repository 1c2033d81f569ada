/**
 * Re-opens a written model as a stranger would: strict reader, index, config, every byte against the record that the merge
 * left beside it, every value for NaN and infinity, and, where the inputs are at hand, tiles at random computed again
 * by the plain engine.
 */
import { type Checksum, checksumOf, groupsIn, joined, NOTHING, toHex } from "../bytes/checksum.ts";
import { bytesPer, isFloat } from "../bytes/dtype.ts";
import { countNotFinite } from "../bytes/finite.ts";
import type { ByteRange, ByteSource } from "../bytes/source.ts";
import type { Engine } from "../engine/engine.ts";
import { messageOf, throwIfAborted } from "../errors.ts";
import type { Checkpoint, TensorInfo } from "../formats/checkpoint.ts";
import { openModel } from "../model/open.ts";
import type { Plan } from "../plan/plan.ts";
import { formatBytes, formatCount } from "../units.ts";
import { recompute } from "./recompute.ts";
import { type MergeRecord, parseRecord, RECORD } from "./record.ts";
import { lookingAt } from "./soundness.ts";

export interface Check {
  readonly ok: boolean;
  readonly text: string;
}

export interface Verification {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
  readonly notFinite: number;
}

export interface VerifyOptions {
  /** What should be there. Without it only the folder's own consistency is checked. */
  readonly plan?: Plan;
  /** Recomputes tiles; the plain engine, so that it shares nothing with the one that merged. */
  readonly engine?: Engine;
  /** Looks at bytes, and computes what tiles depend on; without it the plain engine does, of fewer tensors. */
  readonly numbers?: Engine | undefined;
  readonly signal?: AbortSignal;
  onProgress?(bytes: number, total: number): void;
}

const SCAN = 8 * 1024 * 1024;
/** Elements that are swept at most to compute some of them again, all tensors together: with the plain engine alone, with a fast one. */
const SLOWLY = 3_000_000;
const QUICKLY = 100_000_000;

export async function verify(
  files: ReadonlyMap<string, ByteSource>,
  options: VerifyOptions = {},
): Promise<Verification> {
  const checks: Check[] = [];
  const say = (ok: boolean, text: string) => {
    checks.push({ ok, text });
  };
  try {
    const model = await openModel("result", files);
    const { checkpoint } = model;
    const record = await recordIn(files);
    say(
      true,
      `Opens: ${checkpoint.sources.length} ${checkpoint.sources.length === 1 ? "file" : "files"}, ${formatBytes(model.bytes)}, headers and index agree.`,
    );
    for (const stack of model.stacks) {
      const key = model.family.layerKeys[stack.prefix];
      const claimed = key === undefined || model.config === null ? undefined : at(model.config, key);
      if (typeof claimed === "number") {
        say(claimed === stack.layers, `config.json says ${claimed} layers, the weights hold ${stack.layers}.`);
      }
    }
    if (options.plan !== undefined) compareWithPlan(checkpoint, options.plan, record !== null, say);
    if (record !== null) await compareWithRecord(files, record, say);
    const { values, notFinite, where, changed } = await scan(checkpoint, record, options);
    if (record !== null) {
      const { size } = record.tensors;
      say(
        changed.length === 0,
        changed.length === 0
          ? `All ${size.toLocaleString("en")} tensors have the checksums that were taken as they were computed.`
          : `${changed.length.toLocaleString("en")} of ${size.toLocaleString("en")} tensors are not what was computed: ${listed(changed)}.`,
      );
    }
    const total = formatCount(values);
    say(
      notFinite === 0,
      notFinite === 0
        ? `All ${total} values are finite.`
        : `${notFinite.toLocaleString("en")} of ${total} values are NaN or infinite, first in ${where}.`,
    );
    if (options.plan !== undefined && options.engine !== undefined)
      await compute(checkpoint, options.plan, options.engine, options, say);
    return {
      ok: checks.every((check) => check.ok),
      checks,
      tensors: checkpoint.tensors.size,
      parameters: model.parameters,
      bytes: model.bytes,
      notFinite,
    };
  } catch (error) {
    throwIfAborted(options.signal);
    say(false, messageOf(error));
    return { ok: false, checks, tensors: 0, parameters: 0, bytes: 0, notFinite: 0 };
  }
}

/** What the merge wrote down of itself; null where it did not. Throws for a damaged one. */
async function recordIn(files: ReadonlyMap<string, ByteSource>): Promise<MergeRecord | null> {
  const source = files.get(RECORD);
  if (source === undefined) return null;
  return parseRecord(new TextDecoder().decode(await source.read({ start: 0, end: source.size })));
}

/** @param placed whether the plan's files are those that were written */
function compareWithPlan(
  checkpoint: Checkpoint,
  plan: Plan,
  placed: boolean,
  say: (ok: boolean, text: string) => void,
): void {
  const odd = plan.tensors.filter((tensor) => {
    const found = checkpoint.tensors.get(tensor.name);
    if (found === undefined || found.dtype !== tensor.dtype || found.shape.join() !== tensor.shape.join()) return true;
    const { file, range } = tensor.output;
    return placed && (found.source.name !== plan.files[file]?.name || found.range.start !== range.start);
  });
  const extra =
    checkpoint.tensors.size - plan.tensors.length + odd.filter((t) => !checkpoint.tensors.has(t.name)).length;
  say(
    odd.length === 0 && extra === 0,
    odd.length === 0 && extra === 0
      ? `All ${plan.tensors.length} tensors are there with the planned names, types${placed ? ", shapes and places" : " and shapes"}.`
      : `${odd.length} tensors differ from the plan (first ${odd[0]?.name ?? "an unplanned one"}), ${extra} were not planned.`,
  );
}

/** Reads every byte: counts what is not finite, and holds the bytes against their checksums. */
async function scan(checkpoint: Checkpoint, record: MergeRecord | null, options: VerifyOptions) {
  let values = 0;
  let notFinite = 0;
  let where = "";
  let done = 0;
  const changed: string[] = [];
  const tensors = [...checkpoint.tensors.values()];
  const total = tensors.reduce((sum, { range }) => sum + range.end - range.start, 0);
  const pieces: Piece[] = [];
  for (const tensor of tensors) {
    if (!isFloat(tensor.dtype) && record?.tensors.has(tensor.name) !== true) continue;
    for (let { start } = tensor.range; start < tensor.range.end; start += SCAN)
      pieces.push({ tensor, start, end: Math.min(start + SCAN, tensor.range.end) });
  }
  const sums = new Map<TensorInfo, Checksum>();
  for await (const { piece, bytes, give } of readAhead(pieces, options.signal)) {
    const { tensor, start, end } = piece;
    const looked = await lookAt(tensor, bytes, options);
    give(looked.bytes);
    if (looked.notFinite > 0 && notFinite === 0) where = tensor.name;
    notFinite += looked.notFinite;
    sums.set(tensor, joined(sums.get(tensor) ?? NOTHING, looked.sum));
    if (isFloat(tensor.dtype)) values += (end - start) / bytesPer(tensor.dtype);
    done += end - start;
    options.onProgress?.(done, total);
  }
  for (const tensor of tensors) {
    const wanted = record?.tensors.get(tensor.name);
    if (wanted !== undefined && wanted !== toHex(sums.get(tensor) ?? NOTHING)) changed.push(tensor.name);
  }
  return { values, notFinite, where, changed };
}

/** Part of a tensor as it lies in a file. */
interface Piece extends ByteRange {
  readonly tensor: TensorInfo;
}

/** Pieces in their order, announced and the next one on its way, in memory that is used again once it is given back. */
async function* readAhead(pieces: readonly Piece[], signal: AbortSignal | undefined) {
  const sources = new Set(pieces.map(({ tensor }) => tensor.source));
  for (const { tensor, start, end } of pieces) tensor.source.expect?.([{ start, end }]);
  const idle: Uint8Array<ArrayBuffer>[] = [];
  const give = ({ buffer }: Uint8Array<ArrayBuffer>) => {
    if (buffer.byteLength === SCAN) idle.push(new Uint8Array(buffer));
  };
  const begin = (at: number): Promise<Uint8Array<ArrayBuffer>> | null => {
    const piece = pieces[at];
    if (piece === undefined) return null;
    throwIfAborted(signal);
    const { tensor, start, end } = piece;
    const bytes = tensor.source.read({ start, end }, signal, idle.pop() ?? new Uint8Array(SCAN));
    bytes.catch(() => {});
    return bytes;
  };
  try {
    let next = begin(0);
    for (const [at, piece] of pieces.entries()) {
      const bytes = (await next)!;
      next = begin(at + 1);
      yield { piece, bytes, give };
    }
  } finally {
    for (const source of sources) source.expect?.(null);
  }
}

/** By the fast engine where there is one, and only what is suspicious by hand. The bytes come back, perhaps elsewhere. */
async function lookAt({ name, dtype }: TensorInfo, bytes: Uint8Array<ArrayBuffer>, { numbers, signal }: VerifyOptions) {
  if (!isFloat(dtype)) return { bytes, notFinite: 0, sum: checksumOf(bytes) };
  if (numbers === undefined) return { bytes, notFinite: countNotFinite(dtype, bytes), sum: checksumOf(bytes) };
  const groups = groupsIn(bytes.length);
  const { inputs, unsound, checksum } = await numbers.run(lookingAt(name, dtype, bytes), signal);
  const [same = bytes] = inputs;
  const sum = checksum === undefined ? checksumOf(same) : { words: checksum, groups };
  return { bytes: same, notFinite: unsound ? countNotFinite(dtype, same) : 0, sum };
}

/** Names and sizes of the files, and the bytes of the small ones. */
async function compareWithRecord(
  files: ReadonlyMap<string, ByteSource>,
  record: MergeRecord,
  say: (ok: boolean, text: string) => void,
): Promise<void> {
  const wrong: string[] = [];
  for (const [name, size] of record.files) {
    const found = files.get(name)?.size;
    if (found === undefined) wrong.push(`${name} is missing`);
    else if (found !== size)
      wrong.push(`${name} has ${found.toLocaleString("en")} bytes and not ${size.toLocaleString("en")}`);
  }
  for (const [name, checksum] of record.extras) {
    const source = files.get(name);
    if (source === undefined) wrong.push(`${name} is missing`);
    else if (toHex(checksumOf(await source.read({ start: 0, end: source.size }))) !== checksum)
      wrong.push(`${name} was changed`);
  }
  const weights = [...files.keys()].filter((name) => name.endsWith(".safetensors") && !record.files.has(name));
  wrong.push(...weights.map((name) => `${name} was not written by this merge`));
  const count = record.files.size + record.extras.size;
  say(
    wrong.length === 0,
    wrong.length === 0
      ? `All ${count} files that the merge wrote are there${record.extras.size > 0 ? "; the small ones are unchanged" : ""}.`
      : `Since the merge: ${listed(wrong)}.`,
  );
}

const listed = (all: readonly string[]) =>
  all.length > 4 ? `${all.slice(0, 4).join(", ")} and ${all.length - 4} more` : all.join(", ");

async function compute(
  checkpoint: Checkpoint,
  plan: Plan,
  engine: Engine,
  { numbers, signal }: VerifyOptions,
  say: (ok: boolean, text: string) => void,
): Promise<void> {
  const most = numbers === undefined ? SLOWLY : QUICKLY;
  const made = await recompute(checkpoint, plan, { plain: engine, numbers: numbers ?? engine, most, signal });
  if (made.tensors === 0) return;
  const merged = plan.tensors.filter(({ action }) => action === "merge").length;
  const of = `Recomputed ${formatCount(made.values)} values of ${made.tensors} of ${merged} merged tensors, chosen at random`;
  const difference =
    made.largest === 0 ? "all are equal" : `the largest difference is ${made.largest.toPrecision(2)}, rounding`;
  say(made.wrong === null, made.wrong === null ? `${of}: ${difference}.` : `${of}: ${made.wrong}.`);
}

function at(config: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (value, key) => (value !== null && typeof value === "object" ? Reflect.get(value, key) : undefined),
      config,
    );
}
