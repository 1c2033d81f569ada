/** The top: whose mix this is, undo and redo, recipe, theme, and which engine would do the work. */
import { FileCode, History, Link, Moon, Redo2, Search, Sun, Undo2 } from "lucide-react";
import { useEffect, useState } from "react";
import { formatBytes } from "../../core/units.ts";
import { Button } from "../controls/button.tsx";
import { HelpMenu } from "../help/menu.tsx";
import { copyLink } from "../share/copy.ts";
import { useModels } from "../state/models.ts";
import { usePlan } from "../state/plan.ts";
import { useShown } from "../state/shown.ts";
import { redo, undo, useHistory, useStudio } from "../state/studio.ts";
import { useView } from "../state/view.ts";

const Logo = () => (
  <svg
    className="logo"
    width="20"
    height="20"
    viewBox="0 0 20 20"
    fill="none"
    strokeWidth="2.4"
    strokeLinecap="round"
    aria-hidden="true"
  >
    <path d="M3 4c7 0 7 12 14 12" stroke="var(--model-0)" />
    <path d="M3 16C10 16 10 4 17 4" stroke="var(--model-1)" />
    <path d="M3 10h14" stroke="var(--accent)" />
  </svg>
);

export function Header() {
  const { canUndo, canRedo } = useHistory();
  const { theme, drawer, set } = useView();
  const engine = usePlan((state) => state.engine);
  const isEmpty = useModels(({ list }) => list.length === 0);
  const speed = engine?.speed == null ? "" : ` · ${formatBytes(Math.round(engine.speed))}/s`;
  return (
    <header className="header">
      <Logo />
      <h1>Weightloom</h1>
      <Title />
      <span className="spacer" />
      <Button look="ghost" aria-label="Undo" title="Undo (Ctrl+Z)" disabled={!canUndo} onClick={() => undo()}>
        <Undo2 size={16} aria-hidden />
      </Button>
      <Button look="ghost" aria-label="Redo" title="Redo (Ctrl+Shift+Z)" disabled={!canRedo} onClick={() => redo()}>
        <Redo2 size={16} aria-hidden />
      </Button>
      <Button
        look="ghost"
        aria-pressed={drawer === "history"}
        title="History (H)"
        onClick={() => set({ drawer: drawer === "history" ? null : "history" })}
      >
        <History size={15} aria-hidden /> <span className="header-word">History</span>
      </Button>
      <Button look="ghost" title="Copy a link to this mix" onClick={() => void copyLink()}>
        <Link size={15} aria-hidden /> <span className="header-word">Share</span>
      </Button>
      <Button
        aria-pressed={drawer === "recipe"}
        title="Recipe (R)"
        onClick={() => set({ drawer: drawer === "recipe" ? null : "recipe" })}
      >
        <FileCode size={15} aria-hidden /> Recipe
      </Button>
      <Button
        look="ghost"
        aria-label="Find an action"
        title="Find an action (Ctrl+K)"
        onClick={() => useShown.getState().show({ kind: "palette" })}
      >
        <Search size={16} aria-hidden />
      </Button>
      <Button
        look="ghost"
        aria-label={theme === "dark" ? "Light theme" : "Dark theme"}
        onClick={() => set({ theme: theme === "dark" ? "light" : "dark" })}
      >
        {theme === "dark" ? <Sun size={16} aria-hidden /> : <Moon size={16} aria-hidden />}
      </Button>
      <HelpMenu />
      {/* Always there and as wide: what stands beside it must not move from under the pointer. */}
      <span
        className={engine === null && isEmpty ? "badge badge-empty" : "badge"}
        title={engine?.because ?? "The engine is being measured."}
      >
        {engine === null ? (
          "measuring ..."
        ) : (
          <>
            <i className={engine.name === "none" ? "dot dot-bad" : "dot"} aria-hidden />
            {engine.kind.toUpperCase()}
            {speed}
          </>
        )}
      </span>
    </header>
  );
}

/** The name counts as changed, in one step of the history, once the field is left. */
function Title() {
  const title = useStudio((state) => state.title);
  const setTitle = useStudio((state) => state.setTitle);
  const [typed, setTyped] = useState(title);
  useEffect(() => setTyped(title), [title]);
  const commit = () => {
    const name = typed.trim() || "Untitled mix";
    setTyped(name);
    setTitle(name);
  };
  return (
    <input
      className="title"
      aria-label="Name of this mix"
      maxLength={200}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        else if (event.key === "Escape") setTyped(title);
      }}
    />
  );
}
