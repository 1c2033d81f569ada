/** How the mixer is set up: which lanes, what is selected, what is locked. Not part of the document. */
import { create } from "zustand";

/** How finely lanes are split. */
export type Detail = "all" | "kinds" | "parts";

/** Columns of a lane from the first to the last that keys and typed numbers change. */
export interface Range {
  readonly lane: string;
  readonly from: number;
  readonly to: number;
}

/** What keeps its values whatever is drawn: whole lanes by their key, and columns in all lanes. */
export interface Locks {
  readonly lanes: ReadonlySet<string>;
  readonly columns: ReadonlySet<number>;
}

interface MixerView {
  readonly detail: Detail;
  /** Blocks of an image model as sliders in a U, instead of a curve. */
  readonly blocks: boolean;
  /** Name prefix of the stack of layers that is shown; null for the main one. */
  readonly stack: string | null;
  readonly range: Range | null;
  readonly locks: Locks;
  /** The axis shows all of the parameter's range, not just the usual part. */
  readonly wide: boolean;
  /** Layers are written as filters by name, for tools that know no gradients. */
  readonly exact: boolean;
  set(change: Partial<Omit<MixerView, "set">>): void;
  toggleLane(lane: string): void;
  /** Locks columns, or unlocks them if all of them are locked. */
  toggleColumns(from: number, to: number): void;
}

export const NO_LOCKS: Locks = { lanes: new Set(), columns: new Set() };

export const useMixer = create<MixerView>((set) => ({
  detail: "all",
  blocks: true,
  stack: null,
  range: null,
  locks: NO_LOCKS,
  wide: false,
  exact: false,
  set,
  toggleLane: (lane) => set(({ locks }) => ({ locks: { ...locks, lanes: toggled(locks.lanes, [lane]) } })),
  toggleColumns: (from, to) =>
    set(({ locks }) => {
      const columns = Array.from({ length: to - from + 1 }, (_, i) => from + i);
      return { locks: { ...locks, columns: toggled(locks.columns, columns) } };
    }),
}));

function toggled<T>(before: ReadonlySet<T>, items: readonly T[]): ReadonlySet<T> {
  const after = new Set(before);
  const off = items.every((item) => before.has(item));
  for (const item of items) {
    if (off) after.delete(item);
    else after.add(item);
  }
  return after;
}
