/** All rows, made for the page as it stands. */
import type { Action } from "./action.ts";
import { methodActions, modelActions, presetActions } from "./mix.ts";
import { mergeActions, outputActions } from "./output.ts";
import { pageActions, viewActions } from "./page.ts";
import { documentActions, recipeActions } from "./recipe.ts";

/** Those that keys may start; made at every press, so methods and presets are left out. */
export const keyedActions = (): Action[] => [
  ...documentActions(),
  ...viewActions(),
  ...recipeActions(),
  ...mergeActions(),
  ...pageActions(),
];

export const actionsNow = (): Action[] => [
  ...keyedActions(),
  ...modelActions(),
  ...methodActions(),
  ...presetActions(),
  ...outputActions(),
];
