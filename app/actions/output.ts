/** How the result is written, and the merge itself, as actions. */
import { canPickFiles, canPickFolders } from "../platform/pickers.ts";
import { type Place, startMerge, usualPlace } from "../run/start.ts";
import { setOutputType } from "../state/edits.ts";
import { useOptions } from "../state/options.ts";
import { usePlan } from "../state/plan.ts";
import { cancel, isRunning, useRun } from "../state/run.ts";
import { useStudio } from "../state/studio.ts";
import type { Action } from "./action.ts";

const TYPES = [
  ["bfloat16", "BF16"],
  ["float16", "F16"],
  ["float32", "F32"],
  [null, "the type they are stored in"],
] as const;

const ENGINES = [
  ["auto", "whatever is fastest"],
  ["gpu", "the GPU"],
  ["cpu", "the CPU"],
] as const;

export function outputActions(): Action[] {
  const { recipe, moe, edit } = useStudio.getState();
  const { options, setOptions } = useOptions.getState();
  const now = recipe.out_dtype ?? recipe.dtype ?? null;
  return [
    ...TYPES.map(
      ([type, name]): Action => ({
        id: `type-${type}`,
        title: `Write weights in ${name}`,
        section: "Output",
        words: ["dtype", "precision"],
        why: moe !== null ? "It is written in the recipe." : now === type ? "They are." : null,
        run: () => edit((r) => setOutputType(r, type)),
      }),
    ),
    ...ENGINES.map(
      ([engine, name]): Action => ({
        id: `engine-${engine}`,
        title: `Compute on ${name}`,
        section: "Output",
        words: ["engine"],
        why: options.engine === engine ? "It is." : null,
        run: () => setOptions({ engine }),
      }),
    ),
  ];
}

export function mergeActions(): Action[] {
  const { plan } = usePlan.getState();
  const running = isRunning(useRun.getState());
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
      id: "cancel",
      title: "Cancel the merge",
      section: "Merge",
      words: ["stop", "abort"],
      why: running ? null : "None is running.",
      run: cancel,
    },
  ];
}
