/** The run: at most one at a time, from the press of Merge to the report. */
import { create } from "zustand";
import { messageOf } from "../../core/errors.ts";
import type { RunProgress, RunReport, Target } from "../../workers/api.ts";
import { host } from "./host.ts";
import { say } from "./messages.ts";
import { type OpenModel, useModels } from "./models.ts";
import { outputOptions } from "./options.ts";
import { openAgain } from "./session.ts";
import { documentOf, type Kept, keptNow, textOf, wantedBy } from "./studio.ts";
import {
  closedOf,
  forgetJob,
  type Job,
  keepJob,
  mayWrite,
  readUnfinished,
  standingOf,
  type Unfinished,
  useUnfinished,
} from "./unfinished.ts";

interface Run {
  readonly status: "idle" | "running" | "paused" | "cancelling" | "done" | "failed";
  readonly progress: RunProgress | null;
  readonly report: RunReport | null;
  /** Where it goes or went. */
  readonly target: Target | null;
  /** What is or was merged. */
  readonly kept: Kept | null;
  readonly error: string | null;
  /** It failed, and what was finished is offered to go on with. */
  readonly isLeft: boolean;
}

const NOTHING = { progress: null, report: null, error: null, isLeft: false };

export const useRun = create<Run>(() => ({ status: "idle", target: null, kept: null, ...NOTHING }));

export const isRunning = ({ status }: Pick<Run, "status">) =>
  status === "running" || status === "paused" || status === "cancelling";

const isPrivate = ({ origin }: OpenModel) => origin.kind === "private";

/** Merges what stands on the page. */
export async function merge(target: Target): Promise<void> {
  if (isRunning(useRun.getState())) return;
  if (target.kind === "private") {
    const why = await whyNotPrivate();
    if (isRunning(useRun.getState())) return;
    if (why !== null) {
      say("error", why);
      return;
    }
  }
  const kept = keptNow();
  const wanted = new Set(wantedBy(kept).flatMap((name) => [name, ...name.split("+")]));
  const models = useModels
    .getState()
    .list.filter(({ summary }) => wanted.has(summary.name) || summary.name.split("+").some((part) => wanted.has(part)))
    .map(({ summary, origin }) => ({ name: summary.name, origin }));
  await runJob({ id: crypto.randomUUID(), kept, options: outputOptions(), target, models });
}

/** Private storage holds one result. */
async function whyNotPrivate(): Promise<string | null> {
  await readUnfinished();
  const held = useModels.getState().list.find(isPrivate);
  if (held !== undefined)
    return `${held.summary.name} is read from private storage, where this merge would take its place. Close it or save to a folder.`;
  const { list, running } = useUnfinished.getState();
  const other = running.find((job) => job.target.kind === "private");
  if (other !== undefined)
    return `"${other.kept.title}" is being merged to private storage in another tab, where this merge would take its place. Wait for it, or save to a folder.`;
  const left = list.find(({ job }) => job.target.kind === "private");
  return left === undefined
    ? null
    : `The unfinished merge "${left.job.kept.title}" lies in private storage, where this one would take its place. Finish or discard it first, or save to a folder.`;
}

/** Goes on with a merge that was left; asks for what the browser has to be asked for. */
export async function goOn(unfinished: Unfinished): Promise<void> {
  if (isRunning(useRun.getState())) return;
  const { job } = unfinished;
  const { target } = job;
  try {
    if (target.kind !== "private" && !(await mayWrite(target.handle))) {
      say("error", `The browser may not write to ${target.handle.name}. Allow it and try again.`);
      return;
    }
    const standing = await standingOf(job.id);
    if (standing !== "left") {
      const where = standing === "running" ? "is going on" : "was finished, cancelled or discarded";
      say("error", `"${job.kept.title}" ${where} in another tab or window.`);
      return;
    }
    await openAgain(closedOf(unfinished));
    const closed = closedOf(unfinished).map(({ name }) => name);
    if (closed.length > 0) {
      say(
        "error",
        `${closed.join(", ")} must be open to go on. Add ${closed.length === 1 ? "it" : "them"} under the same name.`,
      );
      return;
    }
  } catch (error) {
    say("error", messageOf(error));
    return;
  }
  await runJob(job);
}

async function runJob(job: Job): Promise<void> {
  const { id, kept, options, target } = job;
  useRun.setState({ ...NOTHING, status: "running", target, kept });
  await keepJob(job);
  try {
    const merging = host().merge(documentOf(kept), textOf(kept), options, target, id, (progress) =>
      useRun.setState({ progress }),
    );
    // What was pressed before there was anything to pause.
    const { status } = useRun.getState();
    if (status === "paused") void host().pause();
    if (status === "cancelling") void host().cancel();
    const report = await merging;
    await forgetJob(id);
    useRun.setState({ status: "done", report });
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") {
      await forgetJob(id);
      useRun.setState({ status: "idle", progress: null });
      say("info", "Cancelled. Nothing was left behind.");
    } else {
      const standing = await standingOf(id);
      // Where it is another tab's, this one has neither failed nor may it be forgotten.
      if (standing === "running") {
        useRun.setState({ ...NOTHING, status: "idle" });
        say("error", messageOf(error));
      } else useRun.setState({ status: "failed", error: messageOf(error), isLeft: standing === "left" });
      if (standing === "over") await forgetJob(id);
    }
  }
  await readUnfinished();
}

/** Begins no new work until it goes on; what is under way is finished. */
export function pause(): void {
  if (useRun.getState().status !== "running") return;
  useRun.setState({ status: "paused" });
  void host().pause();
}

export function unpause(): void {
  if (useRun.getState().status !== "paused") return;
  useRun.setState({ status: "running" });
  void host().resume();
}

export function cancel(): void {
  useRun.setState({ status: "cancelling" });
  void host().cancel();
}

export const dismissResult = (): void => useRun.setState({ ...NOTHING, status: "idle" });
