/** The board's actions: an edit to the recipe, and what it did in words. */
import { summaryOf } from "../state/models.ts";
import { depthsOf } from "../state/soundness.ts";
import { depthOf, insertSlice, inWords, moveSlice, type Range, removeSlice } from "../state/stack.ts";
import { useStudio } from "../state/studio.ts";
import { tell, useBoard } from "./state.ts";

export const depths = depthsOf(summaryOf);

const stack = () => useStudio.getState().recipe.slices ?? [];

export function addLayers(model: string, range: Range, place = stack().length): void {
  useStudio.getState().edit((recipe) => insertSlice(recipe, place, model, range, depths));
  tell(`Added ${inWords(range)} of ${model} as slice ${place + 1} of ${stack().length}. ${depthNow()}`);
}

export function shiftSlice(from: number, to: number): void {
  if (to < 0 || to >= stack().length) return;
  useStudio.getState().edit((recipe) => moveSlice(recipe, from, to));
  tell(`Slice ${from + 1} is now slice ${to + 1} of ${stack().length}.`);
}

export function dropSlice(at: number): void {
  useStudio.getState().edit((recipe) => removeSlice(recipe, at));
  tell(`Removed slice ${at + 1}. ${depthNow()}`);
}

const depthNow = () => `The stack has ${depthOf(stack())} layers.`;

export const land = (): void => useBoard.setState({ carried: null });
