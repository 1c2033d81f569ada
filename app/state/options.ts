/** How the result is written and computed; not part of the document. */
import { create } from "zustand";
import type { OutputOptions } from "../../workers/api.ts";
import { useStudio } from "./studio.ts";

type Chosen = Omit<OutputOptions, "title">;

interface Options {
  readonly options: Chosen;
  setOptions(options: Partial<Chosen>): void;
}

export const useOptions = create<Options>((set) => ({
  options: { shardBytes: 5e9, memory: 288e6, seed: 42, engine: "auto" },
  setOptions: (options) => set((state) => ({ options: { ...state.options, ...options } })),
}));

export const outputOptions = (): OutputOptions => ({
  ...useOptions.getState().options,
  title: useStudio.getState().title,
});
