/** The left side: open models, ways to add more, and whether they can merge. */
import { Cloud, FilePlus, FolderPlus, Sparkles, X } from "lucide-react";
import { messageOf } from "../../core/errors.ts";
import { Button } from "../controls/button.tsx";
import type { Found } from "../platform/found.ts";
import { pickModelFiles, pickModelFolder } from "../platform/pickers.ts";
import { say } from "../state/messages.ts";
import { forgetClosed, openModels, takeBack, useModels } from "../state/models.ts";
import { forgetWaiting, reopen, useWaiting } from "../state/session.ts";
import { useShown } from "../state/shown.ts";
import { useStudio } from "../state/studio.ts";
import { Cards } from "./cards.tsx";
import { loadSamples } from "./samples.ts";
import { Verdict } from "./verdict.tsx";

export async function add(finding: Promise<Found[] | null>): Promise<void> {
  try {
    useModels.setState({ searching: true });
    const found = await finding.finally(() => useModels.setState({ searching: false }));
    if (found === null) return;
    if (found.length === 0)
      say("error", "No weights were found there. A model is a folder with .safetensors files, or one such file.");
    await openModels(found);
  } catch (error) {
    say("error", messageOf(error));
  }
}

export function ModelsPanel() {
  const { list, closed } = useModels();
  const recipe = useStudio((state) => state.recipe);
  const { list: all, fetching } = useWaiting();
  const waiting = fetching ? all.filter(({ origin }) => origin.kind !== "hub") : all;
  const isOnDisk = waiting.some(({ origin }) => origin.kind !== "hub");
  return (
    <aside className="models" aria-label="Models">
      <h2>Models</h2>
      {waiting.length > 0 && (
        <div className="notice">
          <p>
            {waiting.length === 1 ? `${waiting[0]?.name} was open` : `${waiting.length} models were open`} when you were
            here last.{" "}
            {isOnDisk ? "The browser asks once more before they are read." : "The Hub could not give them just now."}
          </p>
          <div className="buttons">
            <Button onClick={() => void reopen()}>Reopen</Button>
            <Button look="ghost" onClick={forgetWaiting}>
              Forget
            </Button>
          </div>
        </div>
      )}
      <Cards recipe={recipe} />
      {closed !== null && (
        <p className="closed">
          <span>{closed.found.name} was closed.</span>
          <Button look="ghost" onClick={() => void takeBack()}>
            Open again
          </Button>
          <Button look="icon" aria-label="Dismiss" onClick={forgetClosed}>
            <X size={14} aria-hidden />
          </Button>
        </p>
      )}
      <div className="drop">
        <strong>Drop files or folders</strong>
        <div className="buttons">
          <Button look="ghost" onClick={() => void add(pickModelFolder())}>
            <FolderPlus size={15} aria-hidden /> Folder
          </Button>
          <Button look="ghost" onClick={() => void add(pickModelFiles())}>
            <FilePlus size={15} aria-hidden /> Files
          </Button>
          <Button look="ghost" onClick={() => useShown.getState().show({ kind: "hub" })}>
            <Cloud size={15} aria-hidden /> From the Hub
          </Button>
          {list.length > 0 && (
            <Button look="ghost" onClick={() => void loadSamples()}>
              <Sparkles size={15} aria-hidden /> Samples
            </Button>
          )}
        </div>
      </div>
      {list.length > 0 && <Verdict />}
    </aside>
  );
}
