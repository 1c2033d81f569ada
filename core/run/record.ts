/**
 * What a merge wrote, written down as it was computed: a checksum of every tensor and every small file. It lies beside the
 * weights, so that anybody can tell later whether the bytes on a disk are still those. The same merge writes the same
 * record: there is nothing in it of when, where and how fast.
 */
import { type Checksum, checksumOf, groupsIn, joined, NOTHING, toHex } from "../bytes/checksum.ts";
import type { TileResult } from "../engine/engine.ts";
import { WeightloomError } from "../errors.ts";
import type { Plan, TensorPlan } from "../plan/plan.ts";
import type { Unsound } from "./soundness.ts";

export const RECORD = "weightloom.json";
const FORMAT = 1;

/** What a plan does not know of itself: how it was asked for. */
export interface Asked {
  readonly seed: number;
  /** Null for one file. */
  readonly shardBytes: number | null;
}

export interface MergeRecord extends Asked {
  readonly method: string;
  /** Size in bytes of each weight file. */
  readonly files: ReadonlyMap<string, number>;
  /** Checksum of each tensor. */
  readonly tensors: ReadonlyMap<string, string>;
  /** Checksum of each small file. */
  readonly extras: ReadonlyMap<string, string>;
}

export interface Recorder {
  /** Takes a part of a tensor that begins at byte `at` of it; the bytes are needed where there is no checksum. */
  part(tensor: string, at: number, bytes: Uint8Array<ArrayBuffer>, checksum: TileResult["checksum"]): void;
  /** Returns its checksum. */
  extra(name: string, bytes: Uint8Array): string;
  /** Checksums of a tensor that is complete. */
  of(tensor: string): string;
  /** What an earlier run found out. */
  known(tensor: string, checksum: string): void;
  knownExtra(name: string, checksum: string): void;
  bytes(plan: Plan, asked: Asked, unsound: readonly Unsound[]): Uint8Array<ArrayBuffer>;
}

export function createRecorder(): Recorder {
  const parts = new Map<string, { readonly at: number; readonly sum: Checksum }[]>();
  const whole = new Map<string, string>();
  const extras = new Map<string, string>();

  const of = (tensor: string): string => {
    const known = whole.get(tensor);
    if (known !== undefined) return known;
    const inOrder = (parts.get(tensor) ?? []).sort((a, b) => a.at - b.at);
    const made = toHex(inOrder.reduce((all, { sum }) => joined(all, sum), NOTHING));
    parts.delete(tensor);
    whole.set(tensor, made);
    return made;
  };

  return {
    of,
    part: (tensor, at, bytes, checksum) => {
      const sum = checksum === undefined ? checksumOf(bytes) : { words: checksum, groups: groupsIn(bytes.length) };
      const known = parts.get(tensor) ?? [];
      parts.set(tensor, known);
      known.push({ at, sum });
    },
    extra: (name, bytes) => {
      const checksum = toHex(checksumOf(bytes));
      extras.set(name, checksum);
      return checksum;
    },
    knownExtra: (name, checksum) => void extras.set(name, checksum),
    known: (tensor, checksum) => void whole.set(tensor, checksum),
    bytes: ({ method, files, tensors }, { seed, shardBytes }, unsound) => {
      const record = {
        weightloom: FORMAT,
        method: method.id,
        seed,
        shardBytes,
        ...(unsound.length === 0 ? {} : { unsound }),
        files: Object.fromEntries(files.map(({ name, size }) => [name, size])),
        extras: Object.fromEntries(extras),
        tensors: Object.fromEntries(tensors.map(({ name }: TensorPlan) => [name, of(name)])),
      };
      return new TextEncoder().encode(`${JSON.stringify(record, null, 1)}\n`);
    },
  };
}

/** Throws a FormatError for what is no record, or one of a later version. */
export function parseRecord(text: string): MergeRecord {
  const refuse = (why: string): never => {
    throw new WeightloomError("FormatError", `${RECORD}: ${why}. Without it the bytes cannot be told from others.`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse("it is not JSON");
  }
  const at = (key: string): unknown => (json !== null && typeof json === "object" ? Reflect.get(json, key) : undefined);
  if (at("weightloom") !== FORMAT) refuse(`it is not a record of format ${FORMAT}`);
  const entries = <T>(key: string, isRight: (value: unknown) => value is T): Map<string, T> => {
    const value = at(key);
    if (value === null || typeof value !== "object" || Array.isArray(value)) return refuse(`"${key}" is missing`);
    return new Map(
      Object.entries(value).map(([name, one]) => [name, isRight(one) ? one : refuse(`"${key}" of ${name} is damaged`)]),
    );
  };
  const isHex = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value);
  const [seed, shardBytes, method] = [at("seed"), at("shardBytes"), at("method")];
  if (!isCount(seed) || !(shardBytes === null || isCount(shardBytes)) || typeof method !== "string")
    return refuse("what was asked for is damaged");
  return {
    method,
    seed,
    shardBytes,
    files: entries("files", isCount),
    tensors: entries("tensors", isHex),
    extras: entries("extras", isHex),
  };
}
