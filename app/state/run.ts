/** The run: at most one at a time, from the press of Merge to the report. */
import { create } from "zustand";
import { messageOf } from "../../core/errors.ts";
import type { RunProgress, RunReport, Target } from "../../workers/api.ts";
import { host } from "./host.ts";
import { say } from "./messages.ts";
import { type OpenModel, useModels } from "./models.ts";
import { outputOptions } from "./options.ts";
import { documentOf, textOf, useStudio } from "./studio.ts";

interface Run {
  readonly status: "idle" | "running" | "cancelling" | "done" | "failed";
  readonly progress: RunProgress | null;
  readonly report: RunReport | null;
  /** Where it goes or went. */
  readonly target: Target | null;
  readonly error: string | null;
  /** Files in private storage, to download. */
  readonly files: readonly File[];
}

export const useRun = create<Run>(() => ({
  status: "idle",
  progress: null,
  report: null,
  target: null,
  error: null,
  files: [],
}));

export const isRunning = ({ status }: Pick<Run, "status">) => status === "running" || status === "cancelling";

const isPrivate = ({ origin }: OpenModel) => origin.kind === "private";

export async function merge(target: Target): Promise<void> {
  if (isRunning(useRun.getState())) return;
  const studio = useStudio.getState();
  const held = target.kind === "private" ? useModels.getState().list.find(isPrivate) : undefined;
  if (held !== undefined) {
    const { name } = held.summary;
    say(
      "error",
      `${name} is read from private storage, where this merge would take its place. Close it or save to a folder.`,
    );
    return;
  }
  useRun.setState({ status: "running", progress: null, report: null, target, error: null, files: [] });
  try {
    const report = await host().merge(documentOf(studio), textOf(studio), outputOptions(), target, (progress) =>
      useRun.setState({ progress }),
    );
    const files = target.kind === "private" ? await host().results() : [];
    useRun.setState({ status: "done", report, files });
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") {
      useRun.setState({ status: "idle", progress: null });
      say("info", "Cancelled. Nothing was left behind.");
    } else useRun.setState({ status: "failed", error: messageOf(error) });
  }
}

export function cancel(): void {
  useRun.setState({ status: "cancelling" });
  void host().cancel();
}

export const dismissResult = (): void =>
  useRun.setState({ status: "idle", progress: null, report: null, error: null, files: [] });
