import type { ChildProcess, SpawnOptions } from "node:child_process";
import type { Shape } from "../../bench/checkpoints.mjs";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** The line of JSON, of a process that ended well. */
  readonly report: { readonly keptBytes: number; readonly readBytes: number; readonly writtenBytes: number };
  readonly seconds: number;
}

export const BIN: string;
export const JOURNAL: string;
export function prepare(work: string, shape: Shape, recipe?: string): void;
export function start(
  work: string,
  args: readonly string[],
  options?: SpawnOptions,
): { readonly child: ChildProcess; readonly ended: Promise<Ended> };
export function writtenIn(out: string): number;
export function claimedIn(out: string): { readonly tensors: number; readonly files: number } | null;
export function until(child: ChildProcess, out: string, bytes: number): Promise<void>;
export function when(child: ChildProcess, isSo: () => boolean): Promise<void>;
export function differing(a: string, b: string): string[];
