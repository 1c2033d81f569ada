/**
 * The document: a title and what a recipe file holds, with undo and redo. Everything on the page is a view of it or an
 * edit to it. Of several recipes that use each other's results the page edits the last, the others ride along; a
 * mixture of experts is edited as text only.
 */
import { temporal } from "zundo";
import { create, useStore } from "zustand";
import { type Document, modelsOfDocument, printDocument } from "../../core/recipe/document.ts";
import type { MoeRecipe } from "../../core/recipe/moe.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { EMPTY } from "./edits.ts";
import { settle } from "./unread.ts";

/** What a file holds, flat. */
export interface Held {
  /** The recipe the page shows and edits: the last of the file. */
  readonly recipe: Recipe;
  /** The recipes before it, in an order in which they can be made. */
  readonly earlier: readonly Recipe[];
  /** A mixture of experts instead; the recipe then waits until it is gone. */
  readonly moe: MoeRecipe | null;
  /** The YAML as a person wrote it, while it says just the same; null once the studio changed it. */
  readonly text: string | null;
}

export interface Kept extends Held {
  readonly title: string;
}

interface Studio extends Kept {
  /** One undoable step. Does nothing to a mixture of experts. */
  edit(change: (recipe: Recipe) => Recipe): void;
  setTitle(title: string): void;
  /** A document that came as text (typed, dropped, pasted), or was made new (then `text` is null). */
  adopt(document: Document, text: string | null, title?: string): void;
  restore(kept: Kept): void;
}

export const useStudio = create<Studio>()(
  temporal(
    (set, get) => ({
      title: "Untitled mix",
      recipe: EMPTY,
      earlier: [],
      moe: null,
      text: null,
      edit: (change) => {
        settle();
        if (get().moe !== null) return;
        const recipe = change(get().recipe);
        if (recipe !== get().recipe) set({ recipe, text: null });
      },
      setTitle: (title) => set({ title }),
      adopt: (document, text, title = get().title) => {
        settle();
        set(
          document.kind === "moe"
            ? { title, moe: document.moe, earlier: [], text }
            : {
                title,
                recipe: document.stages.at(-1) ?? EMPTY,
                earlier: document.stages.slice(0, -1),
                moe: null,
                text,
              },
        );
      },
      restore: (kept) => {
        settle();
        set(kept);
      },
    }),
    {
      limit: 200,
      partialize: ({ title, recipe, earlier, moe, text }) => ({ title, recipe, earlier, moe, text }),
      equality: (a, b) => a.title === b.title && holdsSame(a, b),
    },
  ),
);

export const holdsSame = (a: Held, b: Held): boolean =>
  a.recipe === b.recipe && a.earlier === b.earlier && a.moe === b.moe && a.text === b.text;

/** What stands on the page, as the worker takes it. */
export const documentOf = ({ recipe, earlier, moe }: Omit<Held, "text">): Document =>
  moe === null ? { kind: "merge", stages: [...earlier, recipe] } : { kind: "moe", moe };

/** The YAML that stands for the document now. */
export const textOf = (held: Held): string => held.text ?? printDocument(documentOf(held));

/** Models that have to be open for it. */
export const wantedBy = (held: Omit<Held, "text">): string[] => modelsOfDocument(documentOf(held));

/** The document as it stands, with what was typed into it until now. */
export function keptNow(): Kept {
  settle();
  const { title, recipe, earlier, moe, text } = useStudio.getState();
  return { title, recipe, earlier, moe, text };
}

export function undo(steps = 1): void {
  settle();
  useStudio.temporal.getState().undo(steps);
}

export function redo(steps = 1): void {
  settle();
  useStudio.temporal.getState().redo(steps);
}

/** Takes the last step back; for messages that say what was done. */
export const UNDO = { title: "Take it back", run: (): void => undo() } as const;

export function useHistory() {
  const past = useStore(useStudio.temporal, (state) => state.pastStates.length);
  const future = useStore(useStudio.temporal, (state) => state.futureStates.length);
  return { canUndo: past > 0, canRedo: future > 0 };
}
