/** What a person is about to do on the board: a run of layers chosen, something in the air, what was last said. */
import { create } from "zustand";
import type { Range } from "../state/stack.ts";

export interface Chosen {
  readonly model: string;
  /** Where choosing began, and where it is now; either may be the larger. Layers, both included. */
  readonly from: number;
  readonly to: number;
}

export interface Carried {
  /** What the ghost under the pointer says. */
  readonly text: string;
  readonly tint: string;
  readonly x: number;
  readonly y: number;
  /** Where it would go in the stack; null when it would not. */
  readonly place: number | null;
  /** The slice that is moved; null for layers from a model. */
  readonly slice: number | null;
}

interface Board {
  readonly chosen: Chosen | null;
  readonly carried: Carried | null;
  /** For screen readers: what an action did. */
  readonly news: string;
}

export const useBoard = create<Board>(() => ({ chosen: null, carried: null, news: "" }));

export const rangeOf = ({ from, to }: Chosen): Range => [Math.min(from, to), Math.max(from, to) + 1];

export const tell = (news: string): void => useBoard.setState({ news });
