/** Merges that were made here, newest first: what went in, what came out, and where it lies. Kept in the browser. */
import { get, set } from "idb-keyval";
import { create } from "zustand";
import { messageOf } from "../../core/errors.ts";
import type { Target } from "../../workers/api.ts";
import { say } from "./messages.ts";
import { isRunning, useRun } from "./run.ts";
import { type Kept, wantedBy } from "./studio.ts";

export interface RunRecord {
  readonly id: string;
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  readonly kept: Kept;
  readonly models: readonly string[];
  readonly outcome: Outcome;
}

export type Outcome =
  | {
      readonly kind: "done";
      /** Whether the check of the written files found everything as planned. */
      readonly ok: boolean;
      readonly checks: readonly { readonly ok: boolean; readonly text: string }[];
      readonly engine: string;
      readonly seconds: number;
      readonly bytes: number;
      /** Of them, written in those seconds; absent where all were, and in older histories. */
      readonly here?: number;
      readonly files: readonly { readonly name: string; readonly size: number }[];
      readonly target: Target;
      readonly folder: string;
    }
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "cancelled" };

interface Runs {
  /** Null until they are read. */
  readonly list: readonly RunRecord[] | null;
}

export const useRuns = create<Runs>(() => ({ list: null }));

const KEY = "weightloom-runs";
const MOST = 100;

async function read(): Promise<readonly RunRecord[]> {
  return useRuns.getState().list ?? (await get<readonly RunRecord[]>(KEY)) ?? [];
}

async function change(edit: (list: readonly RunRecord[]) => readonly RunRecord[]): Promise<void> {
  try {
    const list = edit(await read());
    useRuns.setState({ list });
    await set(KEY, list);
  } catch (error) {
    say("error", `The browser could not keep the history of merges (${messageOf(error)}).`);
  }
}

export const readRuns = (): Promise<void> => change((list) => list);
export const forgetRun = (id: string): Promise<void> => change((list) => list.filter((one) => one.id !== id));
export const forgetRuns = (): Promise<void> => change(() => []);

/** Writes down every run from now on; call once. */
export function keepRuns(): void {
  // What earlier merges took says how long the next will.
  void read().then(
    (list) => useRuns.setState({ list }),
    () => {},
  );
  useRun.subscribe((now, before) => {
    const { kept } = now;
    if (isRunning(now) || !isRunning(before) || kept === null) return;
    const record: RunRecord = {
      id: crypto.randomUUID(),
      at: Date.now(),
      kept,
      models: wantedBy(kept),
      outcome: outcomeOf(now),
    };
    void change((list) => [record, ...list].slice(0, MOST));
  });
}

function outcomeOf({ status, report, target, error }: ReturnType<typeof useRun.getState>): Outcome {
  if (status === "done" && report !== null && target !== null) {
    const { engine, seconds, writtenBytes: bytes, keptBytes, files, folder, verify } = report;
    const here = keptBytes === 0 ? {} : { here: bytes - keptBytes };
    return {
      kind: "done",
      ok: verify.ok,
      checks: verify.checks,
      engine,
      seconds,
      bytes,
      ...here,
      files,
      folder,
      target,
    };
  }
  return status === "failed" ? { kind: "failed", error: error ?? "It failed." } : { kind: "cancelled" };
}
