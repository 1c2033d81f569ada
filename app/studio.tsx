/** The window: header, models, mix, plan, run bar; a drop is taken anywhere. */
import { X } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { listenForKeys } from "./actions/keys.ts";
import { Button } from "./controls/button.tsx";
import { Hints } from "./controls/hint.tsx";
import { Header } from "./header/header.tsx";
import { Linked } from "./hub/linked.tsx";
import { add, ModelsPanel } from "./models/panel.tsx";
import { Over } from "./over.tsx";
import { PlanPanel } from "./plan/panel.tsx";
import { modelsDropped } from "./platform/pickers.ts";
import { RecipeDrawer } from "./recipe/drawer.tsx";
import { takePasted, takeRecipe } from "./recipe/files.ts";
import { RunBar } from "./run/bar.tsx";
import { useMessages } from "./state/messages.ts";
import { useView } from "./state/view.ts";
import { Views } from "./views.tsx";

const HistoryPanel = lazy(() => import("./history/panel.tsx"));

const isRecipe = (name: string) => /\.ya?ml$/i.test(name);

function drop(transfer: DataTransfer): void {
  const [only, ...more] = [...transfer.files];
  if (only !== undefined && more.length === 0 && isRecipe(only.name)) void takeRecipe(only);
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

export function Studio() {
  const over = useDrop();
  useEffect(listenForKeys, []);
  useEffect(takePasted, []);
  const drawer = useView((state) => state.drawer);
  return (
    <Hints>
      <div className={drawer === null ? "studio" : "studio studio-drawer"}>
        <Header />
        <ModelsPanel />
        <main className="main">
          <Views />
        </main>
        {drawer === "recipe" && <RecipeDrawer />}
        {drawer === "history" && (
          <Suspense fallback={<section className="drawer" aria-label="History" aria-busy="true" />}>
            <HistoryPanel />
          </Suspense>
        )}
        <PlanPanel />
        <RunBar />
        <Messages />
        {over && <div className="dropzone">Drop models or a recipe</div>}
      </div>
      <Over />
    </Hints>
  );
}

function Messages() {
  const { list, dismiss } = useMessages();
  return (
    <div className="messages" role="status" aria-live="polite">
      {list.map(({ id, kind, text, remedy }) => (
        <div key={id} className={`message message-${kind}`}>
          <p>
            <Linked text={text} />
          </p>
          {remedy !== null && (
            <Button
              look="ghost"
              onClick={() => {
                remedy.run();
                dismiss(id);
              }}
            >
              {remedy.title}
            </Button>
          )}
          <Button look="icon" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <X size={15} aria-hidden />
          </Button>
        </div>
      ))}
    </div>
  );
}
