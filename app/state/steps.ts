/** The undo history as a list of steps in words, the present among them, and the way to any of them. */
import { useMemo } from "react";
import { useStore } from "zustand";
import { changeOf } from "./changes.ts";
import { type Kept, redo, undo, useStudio } from "./studio.ts";

export interface Step {
  /** Its place in the history, from 0. */
  readonly index: number;
  readonly words: string;
  /** Steps from the present: negative is undone to reach it, 0 is now, positive is redone. */
  readonly away: number;
  readonly kept: Kept;
}

/** Words are kept with the state they are of: a drag moves only the present. */
const said = new WeakMap<Kept, { readonly before: Kept; readonly words: string }>();

function wordsOf(before: Kept, kept: Kept): string {
  const known = said.get(kept);
  if (known?.before === before) return known.words;
  const words = changeOf(before, kept);
  said.set(kept, { before, words });
  return words;
}

/** Every state of the history, oldest first. The first is what the page opened with. */
export function stepsOf(past: readonly Kept[], now: Kept, future: readonly Kept[]): Step[] {
  // The next step to redo is the last of `future`.
  const states = [...past, now, ...[...future].reverse()];
  return states.map((kept, i) => {
    const before = states[i - 1];
    return { index: i, kept, away: i - past.length, words: before === undefined ? "Opened" : wordsOf(before, kept) };
  });
}

export function useSteps(): Step[] {
  const past = useStore(useStudio.temporal, (state) => state.pastStates);
  const future = useStore(useStudio.temporal, (state) => state.futureStates);
  const now = useStudio();
  return useMemo(() => stepsOf(past as Kept[], now, future as Kept[]), [past, future, now]);
}

export function jump(away: number): void {
  if (away < 0) undo(-away);
  else if (away > 0) redo(away);
}
