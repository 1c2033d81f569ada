/** The recipe as YAML, live both ways. The editor itself is loaded when the drawer is first opened. */
import { Copy, Download, X } from "lucide-react";
import { lazy, Suspense } from "react";
import { Button } from "../controls/button.tsx";
import { say } from "../state/messages.ts";
import { textOf, useStudio } from "../state/studio.ts";
import { useView } from "../state/view.ts";

const Editor = lazy(() => import("./editor.tsx"));

function save(): void {
  const studio = useStudio.getState();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([textOf(studio)], { type: "application/yaml" }));
  link.download = `${studio.title.replace(/[^\w.-]+/g, "-") || "recipe"}.yml`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function copy(): void {
  navigator.clipboard.writeText(textOf(useStudio.getState())).then(
    () => say("info", "Recipe copied."),
    () => say("error", "The browser did not allow copying. Select the text and copy it by hand."),
  );
}

export function RecipeDrawer() {
  const close = useView((state) => state.set);
  return (
    <section className="drawer" aria-label="Recipe">
      <header>
        <h2>Recipe</h2>
        <Button look="icon" aria-label="Copy the recipe" onClick={copy}>
          <Copy size={15} aria-hidden />
        </Button>
        <Button look="icon" aria-label="Download the recipe" onClick={save}>
          <Download size={15} aria-hidden />
        </Button>
        <Button look="icon" aria-label="Close the recipe" onClick={() => close({ drawer: false })}>
          <X size={16} aria-hidden />
        </Button>
      </header>
      <Contents />
      <Suspense fallback={<p className="quiet">Opening the editor ...</p>}>
        <Editor />
      </Suspense>
    </section>
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
