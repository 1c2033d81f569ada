/** Sentences for the person: refusals, failures, news. Errors stay until dismissed. */
import { create } from "zustand";

/** Something that can be done about it, e.g. taking it back. */
export interface Remedy {
  readonly title: string;
  run(): void;
}

export interface Message {
  readonly id: number;
  readonly kind: "error" | "info";
  readonly text: string;
  readonly remedy: Remedy | null;
}

interface Messages {
  readonly list: readonly Message[];
  dismiss(id: number): void;
}

export const useMessages = create<Messages>((set) => ({
  list: [],
  dismiss: (id) => set(({ list }) => ({ list: list.filter((message) => message.id !== id) })),
}));

let next = 1;

export function say(kind: Message["kind"], text: string, remedy: Remedy | null = null): void {
  const id = next++;
  useMessages.setState(({ list }) => ({
    list: [...list.filter((m) => m.text !== text).slice(-3), { id, kind, text, remedy }],
  }));
  if (kind === "info") setTimeout(() => useMessages.getState().dismiss(id), remedy === null ? 6000 : 12_000);
}
