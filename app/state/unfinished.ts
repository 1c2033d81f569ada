/**
 * Merges that were not finished: what the worker's journals tell of them, and what the page keeps beside: the recipe, where
 * it goes, and the way back to each model. One is forgotten when its merge is complete, cancelled or discarded.
 */
import { get, update } from "idb-keyval";
import { create } from "zustand";
import { messageOf } from "../../core/errors.ts";
import type { Left, OutputOptions, Target } from "../../workers/api.ts";
import { host } from "./host.ts";
import { say } from "./messages.ts";
import { summaryOf } from "./models.ts";
import type { Remembered } from "./session.ts";
import type { Kept } from "./studio.ts";

/** What a run needs, to be run again. */
export interface Job {
  readonly id: string;
  readonly kept: Kept;
  readonly options: OutputOptions;
  readonly target: Target;
  readonly models: readonly Remembered[];
}

export interface Unfinished {
  readonly job: Job;
  readonly left: Left;
}

/** Those that can be gone on with, and those that go on now, here or in another tab. */
export const useUnfinished = create<{ readonly list: readonly Unfinished[]; readonly running: readonly Job[] }>(() => ({
  list: [],
  running: [],
}));

const KEY = "weightloom-unfinished";
const MOST = 20;

const change = (edit: (jobs: readonly Job[]) => readonly Job[]): Promise<void> =>
  update<readonly Job[]>(KEY, (jobs = []) => edit(jobs));

/** Before a run begins, so that whatever ends it can be gone on with. */
export async function keepJob(job: Job): Promise<void> {
  try {
    await change((jobs) => [...jobs.filter(({ id }) => id !== job.id), job].slice(-MOST));
  } catch (error) {
    say(
      "error",
      `If this merge is interrupted it cannot be gone on with: the browser keeps nothing (${messageOf(error)}).`,
    );
  }
}

/** Reads anew what was left: tabs do not tell each other. False where it could not be read. */
export async function readUnfinished(): Promise<boolean> {
  try {
    const jobs = (await get<readonly Job[]>(KEY)) ?? [];
    if (jobs.length === 0) {
      useUnfinished.setState({ list: [], running: [] });
      return true;
    }
    const { left, running } = await host().left();
    const list = jobs.flatMap((job) => {
      const mine = left.find(({ id }) => id === job.id);
      return mine === undefined ? [] : [{ job, left: mine }];
    });
    useUnfinished.setState({ list, running: jobs.filter(({ id }) => running.includes(id)) });
    return true;
  } catch (error) {
    say("error", `What an earlier merge left could not be read (${messageOf(error)}).`);
    return false;
  }
}

/** Where a merge stands: nothing of it is left when it is over. */
export type Standing = "left" | "running" | "over";

export async function standingOf(id: string): Promise<Standing> {
  // What cannot be looked at is not given up.
  if (!(await readUnfinished())) return "left";
  const { list, running } = useUnfinished.getState();
  if (list.some(({ job }) => job.id === id)) return "left";
  return running.some((job) => job.id === id) ? "running" : "over";
}

/** It is complete, or nothing of it is left: it cannot be gone on with. */
export const forgetJob = (id: string): Promise<void> =>
  change((jobs) => jobs.filter((job) => job.id !== id)).catch(() => {});

export async function discard({ job }: Unfinished): Promise<void> {
  try {
    const { target } = job;
    const may = target.kind === "private" || (await mayWrite(target.handle));
    await host().discard(job.id, may ? target : null);
    if (!may) say("info", "The browser may not write there, so what was written stays. Remove the folder by hand.");
    await change((jobs) => jobs.filter(({ id }) => id !== job.id));
  } catch (error) {
    say("error", messageOf(error));
  }
  await readUnfinished();
}

export async function mayWrite(handle: FileSystemHandle): Promise<boolean> {
  const ask = handle as FileSystemHandle & {
    requestPermission?(options: { mode: "readwrite" }): Promise<PermissionState>;
  };
  return ask.requestPermission === undefined || (await ask.requestPermission({ mode: "readwrite" })) === "granted";
}

/** Its models that are not open. */
export const closedOf = ({ job }: Unfinished): Remembered[] =>
  job.models.filter(({ name }) => summaryOf(name) === undefined);
