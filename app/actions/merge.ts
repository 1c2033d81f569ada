/** The merge as actions. */
import { canPickFiles, canPickFolders } from "../platform/pickers.ts";
import { type Place, startMerge, usualPlace } from "../run/start.ts";
import { usePlan } from "../state/plan.ts";
import { cancel, goOn, isRunning, pause, unpause, useRun } from "../state/run.ts";
import { useUnfinished } from "../state/unfinished.ts";
import type { Action } from "./action.ts";

export function mergeActions(): Action[] {
  const { plan } = usePlan.getState();
  const { status } = useRun.getState();
  const running = isRunning({ status });
  const paused = status === "paused";
  const why = running
    ? "A merge is running."
    : plan === null
      ? "There is no plan: open models that can be merged."
      : null;
  const to = (place: Place, title: string, otherwise: string | null, keys?: readonly string[]): Action => ({
    id: `merge-${place}`,
    title,
    section: "Merge",
    words: ["run", "start", "save"],
    why: why ?? otherwise,
    ...(keys === undefined ? {} : { keys }),
    run: () => void startMerge(place),
  });
  const usual = usualPlace();
  const keys = (place: Place) => (place === usual ? ["Mod+Enter"] : undefined);
  const noPicker = "This browser has no dialog for it.";
  return [
    to("folder", "Merge to a folder", canPickFolders() ? null : noPicker, keys("folder")),
    to(
      "file",
      "Merge to one file, weights only",
      !canPickFiles() ? noPicker : plan !== null && plan.files.length > 1 ? "The result has several shards." : null,
    ),
    to("private", "Merge, then download", null, keys("private")),
    {
      id: "pause",
      title: paused ? "Resume the merge" : "Pause the merge",
      section: "Merge",
      keys: ["Alt+P"],
      about: "No new work is begun; what is under way is finished and written.",
      words: ["hold", "wait", "go on", "continue"],
      why: !running ? "None is running." : status === "cancelling" ? "It is being cancelled." : null,
      run: paused ? unpause : pause,
    },
    ...useUnfinished.getState().list.map(
      (one): Action => ({
        id: `go-on-${one.job.id}`,
        title: `Resume the unfinished merge "${one.job.kept.title}"`,
        section: "Merge",
        words: ["go on", "continue"],
        why: running ? "A merge is running." : null,
        run: () => void goOn(one),
      }),
    ),
    {
      id: "cancel",
      title: "Cancel the merge",
      section: "Merge",
      words: ["stop", "abort"],
      why: running ? null : "None is running.",
      run: cancel,
    },
  ];
}
