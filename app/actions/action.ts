/** What can be done on the page, as rows: the palette offers them, the keyboard map lists them, keys start them. */

export const SECTIONS = [
  "Mix",
  "View",
  "Models",
  "Recipe",
  "Method",
  "Start from",
  "Stack",
  "Inspect",
  "Output",
  "Merge",
  "Page",
  "Mixer",
  "Strips",
  "Layers",
  "Slices",
  "Tensors",
] as const;
export type Section = (typeof SECTIONS)[number];

export interface Action {
  readonly id: string;
  /** "Undo", "Method: TIES" */
  readonly title: string;
  readonly section: Section;
  /** `Mod` is Ctrl, on a Mac Command: "Mod+Shift+Z". All of them do the same. */
  readonly keys?: readonly string[];
  /** What it does, in a sentence. */
  readonly about?: string;
  /** Other words it is looked for by. */
  readonly words?: readonly string[];
  /** Why it cannot be done now; null or absent when it can. */
  readonly why?: string | null;
  /** Also while text is typed. */
  readonly everywhere?: boolean;
  /** Absent for what is done with the pointer or keys on one control: only the keyboard map lists that. */
  run?(): void;
}

const isMac = () => /mac|iphone|ipad/i.test(navigator.platform);

/** Keys as they are written on the keyboard: "Ctrl + K", "⌘ + K". */
export const namesOf = (keys: string): string[] =>
  keys.split("+").map((key) => (key === "Mod" ? (isMac() ? "⌘" : "Ctrl") : key === "Alt" && isMac() ? "⌥" : key));

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** Whether a press is these keys. A sign such as "?" is itself, whatever has to be held to type it. */
export function isPressed(keys: string, event: Press): boolean {
  const parts = keys.split("+");
  const key = parts.at(-1) ?? "";
  const isSign = key.length === 1 && !/[A-Za-z0-9]/.test(key);
  return (
    event.key.toLowerCase() === key.toLowerCase() &&
    (event.ctrlKey || event.metaKey) === parts.includes("Mod") &&
    event.altKey === parts.includes("Alt") &&
    (isSign || event.shiftKey === parts.includes("Shift"))
  );
}

/** One key without Ctrl or Alt: such keys can be switched off, and never act while text is typed. */
export const isSingle = (keys: string): boolean => !/Mod|Alt/.test(keys);
