/** How the page is set up to be looked at; not part of the document. */
import { create } from "zustand";

export type Theme = "dark" | "light";

interface View {
  readonly theme: Theme;
  /** What stands between the mix and the plan. */
  readonly drawer: "recipe" | "history" | null;
  /** Which tab of the middle is open; see app/views.tsx. */
  readonly view: string;
  /** The parameter whose curves are shown; null for the method's first. */
  readonly param: string | null;
  /** Layers on either side that a painted value reaches. */
  readonly brush: number;
  /** The model whose curve the pointer takes when none is near. */
  readonly active: string | null;
  set(change: Partial<Omit<View, "set">>): void;
}

function firstTheme(): Theme {
  const stored = localStorage.getItem("weightloom-theme");
  if (stored === "dark" || stored === "light") return stored;
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

export const useView = create<View>((set) => ({
  theme: firstTheme(),
  drawer: null,
  view: "mix",
  param: null,
  brush: 0,
  active: null,
  set,
}));

/** Keeps the document element's theme in step; call once. */
export function applyTheme(): void {
  const apply = (theme: Theme) => {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("weightloom-theme", theme);
  };
  apply(useView.getState().theme);
  useView.subscribe((now, before) => now.theme !== before.theme && apply(now.theme));
}
