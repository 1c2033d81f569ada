/** All rows, made for the page as it stands; loaded with the palette and the keyboard map. Those with keys are in keyed.ts. */
import type { Action } from "./action.ts";
import { inspectActions, stackActions } from "./board.ts";
import { keyedActions } from "./keyed.ts";
import { methodActions, modelActions, presetActions } from "./mix.ts";
import { outputActions } from "./output.ts";

export const actionsNow = (): Action[] => [
  ...keyedActions(),
  ...modelActions(),
  ...methodActions(),
  ...presetActions(),
  ...stackActions(),
  ...inspectActions(),
  ...outputActions(),
];
