/** Presses of keys, matched against the table. */
import { create } from "zustand";
import { useShown } from "../state/shown.ts";
import { type Action, isPressed, isSingle } from "./action.ts";
import { keyedActions } from "./keyed.ts";

interface Keys {
  /** Whether single letters and signs start actions; people who speak to their computer switch that off. */
  readonly single: boolean;
  setSingle(on: boolean): void;
}

const KEY = "weightloom-single-keys";

export const useKeys = create<Keys>((set) => ({
  single: localStorage.getItem(KEY) !== "off",
  setSingle: (single) => {
    localStorage.setItem(KEY, single ? "on" : "off");
    set({ single });
  },
}));

/** Where letters are text, or choose among what is shown. */
const TYPING = "input, textarea, select, [contenteditable], .cm-editor, [role=menu], [role=listbox], [role=dialog]";
/** Where letters and digits may mean a value. */
const OWN_KEYS = "[role=slider], [role=application], [role=grid], [role=tree], svg";

/** The action that a press starts where it happens; undefined for none. */
export function actionFor(event: KeyboardEvent, actions: readonly Action[], single: boolean): Action | undefined {
  const place = event.target instanceof Element ? event.target : null;
  const isTyping = place?.closest(TYPING) != null;
  const hasOwn = isTyping || place?.closest(OWN_KEYS) != null;
  return actions.find(
    ({ keys = [], run, everywhere }) =>
      run !== undefined &&
      (!isTyping || everywhere === true) &&
      keys.some((one) => isPressed(one, event) && (!isSingle(one) || (single && !hasOwn))),
  );
}

/** Listens from now on; the function it returns ends that. */
export function listenForKeys(): () => void {
  const press = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || useShown.getState().over !== null) return;
    const action = actionFor(event, keyedActions(), useKeys.getState().single);
    if (action === undefined) return;
    event.preventDefault();
    if (action.why == null) action.run?.();
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}
