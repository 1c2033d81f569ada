/** The press of Merge: asks where to, then runs. */
import { messageOf } from "../../core/errors.ts";
import { canPickFolders, pickOutputFile, pickOutputFolder } from "../platform/pickers.ts";
import { needSpace } from "../platform/space.ts";
import { say } from "../state/messages.ts";
import { usePlan } from "../state/plan.ts";
import { merge } from "../state/run.ts";
import { useStudio } from "../state/studio.ts";

export type Place = "folder" | "file" | "private";

/** Where a merge goes when nothing else is said. */
export const usualPlace = (): Place => (canPickFolders() ? "folder" : "private");

export async function startMerge(kind: Place = usualPlace()): Promise<void> {
  try {
    if (kind === "folder") {
      const handle = await pickOutputFolder();
      if (handle !== null) await merge({ kind, handle });
    } else if (kind === "file") {
      const handle = await pickOutputFile(useStudio.getState().title);
      if (handle !== null) await merge({ kind, handle });
    } else {
      await needSpace(usePlan.getState().plan?.writeBytes ?? 0);
      await merge({ kind });
    }
  } catch (error) {
    say("error", messageOf(error));
  }
}
