/** What keys mean on a curve. Pure: a key in, an intention out. */
export type Intention =
  /** To a column, taking the selection along or not. */
  | { readonly kind: "go"; readonly to: number; readonly extend: boolean }
  | { readonly kind: "change"; readonly steps: number }
  | { readonly kind: "model"; readonly by: -1 | 1 }
  | { readonly kind: "role"; readonly role: string }
  | { readonly kind: "type" | "reset" | "lock" | "lock lane" | "single" };

export interface Press {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** `at` is the column now, `count` how many there are. Null for keys that are not the curve's. */
export function intentionOf(press: Press, at: number, count: number): Intention | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  const go = (to: number): Intention => ({
    kind: "go",
    to: Math.min(count - 1, Math.max(0, to)),
    extend: press.shiftKey,
  });
  const step = press.shiftKey ? 10 : 1;
  switch (press.key) {
    case "ArrowRight":
      return go(at + 1);
    case "ArrowLeft":
      return go(at - 1);
    case "Home":
      return go(0);
    case "End":
      return go(count - 1);
    case "ArrowUp":
      return { kind: "change", steps: step };
    case "ArrowDown":
      return { kind: "change", steps: -step };
    case "PageUp":
      return { kind: "change", steps: 10 * step };
    case "PageDown":
      return { kind: "change", steps: -10 * step };
    case "[":
      return { kind: "model", by: -1 };
    case "]":
      return { kind: "model", by: 1 };
    case "Enter":
      return { kind: "type" };
    case "Delete":
    case "Backspace":
      return { kind: "reset" };
    case "Escape":
      return { kind: "single" };
  }
  const letter = press.key.toUpperCase();
  if (letter === "L") return { kind: press.shiftKey ? "lock lane" : "lock" };
  return /^[A-H]$/.test(letter) ? { kind: "role", role: letter } : null;
}

/** For the help: the same, in words. */
export const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ["← →", "to another layer"],
  ["Shift ← →", "select several"],
  ["↑ ↓", "change by a step"],
  ["Shift ↑ ↓", "by ten steps"],
  ["Page up, down", "by ten steps; with Shift by a hundred"],
  ["Home, End", "to the first, the last"],
  ["[ ] or A to H", "to another model's curve"],
  ["Enter", "type a number"],
  ["Delete", "back to where it started"],
  ["L", "lock or unlock the layers selected"],
  ["Shift L", "lock or unlock the lane"],
  ["Escape", "select one layer"],
];
