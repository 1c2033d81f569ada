/** The document: a title and a recipe, with undo and redo. Everything on the page is a view of it or an edit to it. */
import { temporal } from "zundo";
import { create, useStore } from "zustand";
import { printRecipe } from "../../core/recipe/print.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { EMPTY } from "./edits.ts";

interface Document {
  readonly title: string;
  readonly recipe: Recipe;
  /** The YAML as a person wrote it, while it says just what `recipe` says; null once the studio changed it. */
  readonly text: string | null;
}

interface Studio extends Document {
  /** One undoable step. */
  edit(change: (recipe: Recipe) => Recipe): void;
  setTitle(title: string): void;
  /** A recipe that came as text: typed, dropped, pasted. */
  adopt(recipe: Recipe, text: string): void;
  restore(document: Document): void;
}

export const useStudio = create<Studio>()(
  temporal(
    (set, get) => ({
      title: "Untitled mix",
      recipe: EMPTY,
      text: null,
      edit: (change) => {
        const recipe = change(get().recipe);
        if (recipe !== get().recipe) set({ recipe, text: null });
      },
      setTitle: (title) => set({ title }),
      adopt: (recipe, text) => set({ recipe, text }),
      restore: (document) => set(document),
    }),
    {
      limit: 200,
      partialize: ({ title, recipe, text }) => ({ title, recipe, text }),
      equality: (a, b) => a.recipe === b.recipe && a.title === b.title && a.text === b.text,
    },
  ),
);

/** The YAML that stands for the document now. */
export const textOf = ({ recipe, text }: Pick<Document, "recipe" | "text">): string => text ?? printRecipe(recipe);

export function useHistory() {
  const past = useStore(useStudio.temporal, (state) => state.pastStates.length);
  const future = useStore(useStudio.temporal, (state) => state.futureStates.length);
  const { undo, redo } = useStudio.temporal.getState();
  return { canUndo: past > 0, canRedo: future > 0, undo: () => undo(), redo: () => redo() };
}
