/** The recipe as YAML, live both ways. The editor itself is loaded when the drawer is first opened. */
import { AlignLeft, CircleAlert, CircleX, Copy, Download, FolderOpen, X } from "lucide-react";
import { lazy, Suspense } from "react";
import { Button } from "../controls/button.tsx";
import { useStudio } from "../state/studio.ts";
import { useView } from "../state/view.ts";
import { draft, useFaults } from "./draft.ts";
import { copyRecipe, openRecipe, saveRecipe, tidyRecipe } from "./files.ts";

const Editor = lazy(() => import("./editor.tsx"));

export function RecipeDrawer() {
  const close = useView((state) => state.set);
  return (
    <section className="drawer" aria-label="Recipe">
      <header>
        <h2>Recipe</h2>
        <Button
          look="icon"
          aria-label="Format the recipe"
          title="Format (Alt+Shift+F)"
          onClick={() => void tidyRecipe()}
        >
          <AlignLeft size={15} aria-hidden />
        </Button>
        <Button look="icon" aria-label="Open a recipe file" title="Open a file" onClick={openRecipe}>
          <FolderOpen size={15} aria-hidden />
        </Button>
        <Button look="icon" aria-label="Copy the recipe" title="Copy" onClick={copyRecipe}>
          <Copy size={15} aria-hidden />
        </Button>
        <Button look="icon" aria-label="Download the recipe" title="Download" onClick={saveRecipe}>
          <Download size={15} aria-hidden />
        </Button>
        <Button look="icon" aria-label="Close the recipe" onClick={() => close({ drawer: null })}>
          <X size={16} aria-hidden />
        </Button>
      </header>
      <Contents />
      <Suspense fallback={<p className="quiet">Opening the editor ...</p>}>
        <Editor />
      </Suspense>
      <Faults />
    </section>
  );
}

/** What is wrong with the text, line by line; each sentence leads to its place. */
function Faults() {
  const list = useFaults((state) => state.list);
  const errors = list.filter(({ severity }) => severity === "error");
  return (
    <div className="faults" role="status">
      {errors.length > 0 && <p className="quiet">The mix stays as it was until this is put right.</p>}
      <ul>
        {list.slice(0, 6).map(({ severity, line, message, from }) => (
          <li key={`${from} ${message}`}>
            <button type="button" className={`fault fault-${severity}`} onClick={() => draft()?.goTo(from)}>
              {severity === "error" ? (
                <CircleX size={14} aria-label="Error" />
              ) : (
                <CircleAlert size={14} aria-label="Warning" />
              )}
              <span>
                <b>Line {line}.</b> {message}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {list.length > 6 && <p className="quiet">and {list.length - 6} more</p>}
    </div>
  );
}

/** Says what the mixer makes of a file with more in it than one merge of models. */
function Contents() {
  const { recipe, earlier, moe } = useStudio();
  if (moe !== null)
    return <p className="drawer-note">A mixture of experts: planned and merged from this text alone.</p>;
  if (earlier.length === 0) return null;
  return (
    <p className="drawer-note">
      {earlier.length + 1} recipes, planned and merged as one chain. The mixer shows the last
      {recipe.name === undefined ? "" : `, ${recipe.name}`}.
    </p>
  );
}
