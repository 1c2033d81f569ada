/** The rows that keys may start; made at every press, so methods, models and presets are left out. */
import type { Action } from "./action.ts";
import { mergeActions } from "./merge.ts";
import { pageActions, viewActions } from "./page.ts";
import { documentActions, recipeActions } from "./recipe.ts";

export const keyedActions = (): Action[] => [
  ...documentActions(),
  ...viewActions(),
  ...recipeActions(),
  ...mergeActions(),
  ...pageActions(),
];
