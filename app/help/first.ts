/** Whether somebody is here for the first time; only then does the tour start by itself. */
import { useShown } from "../state/shown.ts";

const KEY = "weightloom-tour";

export function offerTour(): void {
  // A link that was opened shows what it brings first.
  if (localStorage.getItem(KEY) === null && useShown.getState().over === null) useShown.getState().setTour(0);
}

export function endTour(): void {
  localStorage.setItem(KEY, "seen");
  useShown.getState().setTour(null);
}
