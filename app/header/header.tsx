/** The top: whose mix this is, undo and redo, recipe, theme, and which engine would do the work. */
import { FileCode, Moon, Redo2, Sun, Undo2 } from "lucide-react";
import { formatBytes } from "../../core/units.ts";
import { Button } from "../controls/button.tsx";
import { usePlan } from "../state/plan.ts";
import { useHistory, useStudio } from "../state/studio.ts";
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
  const title = useStudio((state) => state.title);
  const setTitle = useStudio((state) => state.setTitle);
  const { canUndo, canRedo, undo, redo } = useHistory();
  const { theme, drawer, set } = useView();
  const engine = usePlan((state) => state.engine);
  const speed = engine?.speed == null ? "" : ` · ${formatBytes(Math.round(engine.speed))}/s`;
  return (
    <header className="header">
      <Logo />
      <h1>Weightloom</h1>
      <input
        className="title"
        aria-label="Name of this mix"
        value={title}
        onChange={(event) => setTitle(event.target.value)}
        onBlur={() => title.trim() === "" && setTitle("Untitled mix")}
      />
      <span className="spacer" />
      <Button look="ghost" aria-label="Undo" title="Undo (Ctrl+Z)" disabled={!canUndo} onClick={undo}>
        <Undo2 size={16} aria-hidden />
      </Button>
      <Button look="ghost" aria-label="Redo" title="Redo (Ctrl+Shift+Z)" disabled={!canRedo} onClick={redo}>
        <Redo2 size={16} aria-hidden />
      </Button>
      <Button aria-pressed={drawer} onClick={() => set({ drawer: !drawer })}>
        <FileCode size={15} aria-hidden /> Recipe
      </Button>
      <Button
        look="ghost"
        aria-label={theme === "dark" ? "Light theme" : "Dark theme"}
        onClick={() => set({ theme: theme === "dark" ? "light" : "dark" })}
      >
        {theme === "dark" ? <Sun size={16} aria-hidden /> : <Moon size={16} aria-hidden />}
      </Button>
      {engine !== null && (
        <span className="badge" title={engine.because}>
          <i className={engine.name === "none" ? "dot dot-bad" : "dot"} aria-hidden />
          {engine.kind.toUpperCase()}
          {speed}
        </span>
      )}
    </header>
  );
}
