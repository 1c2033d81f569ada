/** Views, looks and help as actions. */
import { installer } from "../platform/offline.ts";
import { useShown } from "../state/shown.ts";
import { useView } from "../state/view.ts";
import { VIEWS } from "../views.tsx";
import type { Action } from "./action.ts";

export function viewActions(): Action[] {
  const { view, set } = useView.getState();
  return VIEWS.map(({ id, title }, i) => ({
    id: `view-${id}`,
    title: `Go to ${title}`,
    section: "View",
    keys: [String(i + 1)],
    words: ["tab", "show"],
    why: view === id ? "It is open." : null,
    run: () => set({ view: id }),
  }));
}

export function pageActions(): Action[] {
  const { theme, set } = useView.getState();
  const { show, setTour } = useShown.getState();
  const install = installer();
  return [
    {
      id: "palette",
      title: "Find an action",
      section: "Page",
      keys: ["Mod+K"],
      everywhere: true,
      words: ["palette", "command", "search"],
      run: () => show({ kind: "palette" }),
    },
    {
      id: "keys",
      title: "Show the keyboard map",
      section: "Page",
      keys: ["?"],
      words: ["shortcuts", "help", "hotkeys"],
      run: () => show({ kind: "keys" }),
    },
    {
      id: "theme",
      title: theme === "dark" ? "Light theme" : "Dark theme",
      section: "Page",
      keys: ["T"],
      words: ["colour", "color", "night", "mode"],
      run: () => set({ theme: theme === "dark" ? "light" : "dark" }),
    },
    { id: "tour", title: "Take the tour", section: "Page", words: ["help", "introduction"], run: () => setTour(0) },
    {
      id: "glossary",
      title: "Open the glossary",
      section: "Page",
      about: "The terms of the field, a sentence or two each.",
      words: ["help", "terms", "words", "meaning"],
      run: () => show({ kind: "glossary" }),
    },
    ...(install === null
      ? []
      : [{ id: "install", title: "Install as an app", section: "Page", words: ["offline"], run: install } as const]),
  ];
}
