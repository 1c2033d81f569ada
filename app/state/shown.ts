/** What lies over the page: at most one dialog, and the tour beside it. */
import { create } from "zustand";
import type { Left } from "../runs/result.ts";
import type { Incoming } from "../share/incoming.ts";

export type Over =
  | { readonly kind: "palette" }
  | { readonly kind: "keys" }
  | { readonly kind: "glossary" }
  | { readonly kind: "compare"; readonly before?: string }
  | { readonly kind: "hub" }
  | { readonly kind: "publish"; readonly left: Left }
  | { readonly kind: "shared"; readonly incoming: Incoming };

interface Shown {
  readonly over: Over | null;
  /** The step of the tour that is shown, from 0; null when it is not running. */
  readonly tour: number | null;
  show(over: Over): void;
  close(): void;
  setTour(step: number | null): void;
}

export const useShown = create<Shown>((set) => ({
  over: null,
  tour: null,
  show: (over) => set({ over }),
  close: () => set({ over: null }),
  setTour: (tour) => set({ tour }),
}));
