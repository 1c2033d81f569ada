/** The window: header, models, mix, plan, run bar; a drop is taken anywhere. */
import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "./controls/button.tsx";
import { Header } from "./header/header.tsx";
import { add, ModelsPanel } from "./models/panel.tsx";
import { Welcome } from "./models/welcome.tsx";
import { PlanPanel } from "./plan/panel.tsx";
import { modelsDropped } from "./platform/pickers.ts";
import { importRecipe } from "./recipe/adopt.ts";
import { RecipeDrawer } from "./recipe/drawer.tsx";
import { RunBar } from "./run/bar.tsx";
import { ResultCard } from "./run/result.tsx";
import { useMessages } from "./state/messages.ts";
import { useModels } from "./state/models.ts";
import { useStudio } from "./state/studio.ts";
import { useView } from "./state/view.ts";
import { Views } from "./views.tsx";

const isRecipe = (name: string) => /\.ya?ml$/i.test(name);

function drop(transfer: DataTransfer): void {
  const [only, ...more] = [...transfer.files];
  if (only !== undefined && more.length === 0 && isRecipe(only.name)) void importRecipe(only);
  else void add(modelsDropped(transfer));
}

function useDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
    const enter = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const dropped = (event: DragEvent) => {
      if (!hasFiles(event) || event.dataTransfer === null) return;
      event.preventDefault();
      setOver(false);
      drop(event.dataTransfer);
    };
    addEventListener("dragenter", enter);
    addEventListener("dragover", enter);
    addEventListener("dragleave", leave);
    addEventListener("drop", dropped);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragover", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", dropped);
    };
  }, []);
  return over;
}

/** Ctrl+Z and Ctrl+Shift+Z (or Ctrl+Y), except where text is typed. */
function useKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey)) return;
      const target = event.target as HTMLElement;
      if (target.closest("input, textarea, .cm-editor") !== null) return;
      const key = event.key.toLowerCase();
      const history = useStudio.temporal.getState();
      if (key === "z" && !event.shiftKey) history.undo();
      else if (key === "y" || (key === "z" && event.shiftKey)) history.redo();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

export function Studio() {
  const over = useDrop();
  useKeys();
  const drawer = useView((state) => state.drawer);
  const isEmpty = useModels((state) => state.list.length === 0 && state.opening.length === 0);
  return (
    <div className={drawer ? "studio studio-drawer" : "studio"}>
      <Header />
      <ModelsPanel />
      <main className="main">
        <ResultCard />
        {isEmpty ? <Welcome /> : <Views />}
      </main>
      {drawer && <RecipeDrawer />}
      <PlanPanel />
      <RunBar />
      <Messages />
      {over && <div className="dropzone">Drop models or a recipe</div>}
    </div>
  );
}

function Messages() {
  const { list, dismiss } = useMessages();
  return (
    <div className="messages" role="status" aria-live="polite">
      {list.map(({ id, kind, text }) => (
        <div key={id} className={`message message-${kind}`}>
          <p>{text}</p>
          <Button look="icon" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <X size={15} aria-hidden />
          </Button>
        </div>
      ))}
    </div>
  );
}
