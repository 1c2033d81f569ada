/** The document and its text as actions. */
import { copyRecipe, openRecipe, saveRecipe, tidyRecipe } from "../recipe/files.ts";
import { copyLink } from "../share/copy.ts";
import { useShown } from "../state/shown.ts";
import { redo, undo, useStudio } from "../state/studio.ts";
import { saveVersion } from "../state/versions.ts";
import { useView } from "../state/view.ts";
import type { Action } from "./action.ts";

export function documentActions(): Action[] {
  const { pastStates, futureStates } = useStudio.temporal.getState();
  const drawer = useView.getState().drawer;
  return [
    {
      id: "undo",
      title: "Undo",
      section: "Mix",
      keys: ["Mod+Z"],
      why: pastStates.length === 0 ? "Nothing was changed." : null,
      run: () => undo(),
    },
    {
      id: "redo",
      title: "Redo",
      section: "Mix",
      keys: ["Mod+Shift+Z", "Mod+Y"],
      why: futureStates.length === 0 ? "Nothing was undone." : null,
      run: () => redo(),
    },
    {
      id: "save-version",
      title: "Save a version",
      section: "Mix",
      keys: ["Mod+S"],
      about: "Keeps the recipe as it stands, under its name and the hour.",
      words: ["snapshot", "remember", "keep"],
      everywhere: true,
      run: () => void saveVersion(""),
    },
    {
      id: "history",
      title: drawer === "history" ? "Close the history" : "Open the history",
      section: "Mix",
      keys: ["H"],
      about: "Every step in words, and versions with names.",
      words: ["versions", "steps"],
      run: () => useView.getState().set({ drawer: drawer === "history" ? null : "history" }),
    },
    {
      id: "compare",
      title: "Compare versions",
      section: "Mix",
      words: ["diff", "difference"],
      run: () => useShown.getState().show({ kind: "compare" }),
    },
  ];
}

export function recipeActions(): Action[] {
  const drawer = useView.getState().drawer;
  const actions: Omit<Action, "section">[] = [
    {
      id: "recipe",
      title: drawer === "recipe" ? "Close the recipe" : "Open the recipe",
      keys: ["R"],
      words: ["yaml", "editor", "drawer"],
      run: () => useView.getState().set({ drawer: drawer === "recipe" ? null : "recipe" }),
    },
    {
      id: "export",
      title: "Download the recipe",
      keys: ["Mod+Shift+S"],
      words: ["export", "save", "yaml"],
      everywhere: true,
      run: saveRecipe,
    },
    { id: "copy-recipe", title: "Copy the recipe", words: ["yaml", "clipboard"], run: copyRecipe },
    {
      id: "import",
      title: "Open a recipe file",
      keys: ["Mod+O"],
      words: ["import", "yaml", "config"],
      run: openRecipe,
    },
    {
      id: "tidy",
      title: "Format the recipe",
      keys: ["Alt+Shift+F"],
      about: "Sets indents and spaces right; comments stay.",
      words: ["tidy", "pretty", "indent"],
      everywhere: true,
      run: () => tidyRecipe(),
    },
    {
      id: "link",
      title: "Copy a link to this mix",
      about: "The recipe travels in the link, models by name only.",
      words: ["share", "url"],
      run: () => void copyLink(),
    },
  ];
  return actions.map((action) => ({ ...action, section: "Recipe" }));
}
