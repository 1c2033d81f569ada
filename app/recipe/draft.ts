/** The text in the editor, which may not be a recipe (yet), for whoever has to read or replace it; and what is wrong with it. */
import { create } from "zustand";
import type { Diagnostic } from "../../core/recipe/recipe.ts";
import { type Held, holdsSame } from "../state/studio.ts";

export interface Draft {
  read(): string;
  write(text: string): void;
  /** Puts the cursor at an offset. */
  goTo(offset: number): void;
}

let open: Draft | null = null;

export const draft = (): Draft | null => open;

export function setDraft(editor: Draft | null): void {
  open = editor;
}

interface Faults {
  readonly list: readonly Diagnostic[];
  /** Text with errors, and the document that stood beside it. */
  readonly unfinished: { readonly text: string; readonly beside: Held } | null;
}

/** Text with errors that was in the editor when it was closed; null once the document was changed elsewhere. */
export function unfinishedText(now: Held): string | null {
  const { unfinished } = useFaults.getState();
  return unfinished !== null && holdsSame(unfinished.beside, now) ? unfinished.text : null;
}

export const useFaults = create<Faults>(() => ({ list: [], unfinished: null }));
