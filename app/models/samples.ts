import { messageOf } from "../../core/errors.ts";
import { SAMPLE_WEIGHTS, sampleModels } from "../platform/samples.ts";
import { assemble, EMPTY, setModelParam } from "../state/edits.ts";
import { say } from "../state/messages.ts";
import { openModels } from "../state/models.ts";
import { keptNow, useStudio, wantedBy } from "../state/studio.ts";

/** Opens the sample family and sets up a mix that is worth merging. */
export async function loadSamples(): Promise<void> {
  try {
    const names = await openModels(await sampleModels(), false);
    // A recipe that waited for them is not set aside for the sample mix.
    const wanted = wantedBy(keptNow());
    if (names.length === 0 || names.some((name) => wanted.includes(name))) return;
    const { edit, setTitle, title } = useStudio.getState();
    edit(() =>
      Object.entries(SAMPLE_WEIGHTS).reduce(
        (recipe, [id, weight]) =>
          setModelParam(recipe, names.find((name) => name.startsWith(id)) ?? id, "weight", weight),
        assemble(EMPTY, "task_arithmetic", names),
      ),
    );
    if (title === "Untitled mix") setTitle("Add, reverse, sort");
  } catch (error) {
    say("error", messageOf(error));
  }
}
