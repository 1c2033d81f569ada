/** Two recipes as one list of lines, each marked with what became of it, and in changed lines the words that changed. */
import { diffArrays, diffWordsWithSpace } from "diff";
import { printDocument } from "../../core/recipe/document.ts";
import { documentOf, type Held } from "../state/studio.ts";

export interface Piece {
  readonly text: string;
  readonly changed: boolean;
}

export interface DiffLine {
  readonly kind: "same" | "gone" | "new";
  readonly pieces: readonly Piece[];
}

/** Recipes are compared as the studio prints them, so that comments and layout do not count. */
export const linesOf = (held: Held): string => printDocument(documentOf(held));

const whole = (text: string): Piece[] => [{ text, changed: false }];

export function diffLines(before: string, after: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let gone: readonly string[] = [];
  const flush = () => {
    for (const text of gone) lines.push({ kind: "gone", pieces: whole(text) });
    gone = [];
  };
  for (const part of diffArrays(split(before), split(after))) {
    if (part.removed) gone = part.value;
    else if (part.added) {
      lines.push(...replaced(gone, part.value));
      gone = [];
    } else {
      flush();
      for (const text of part.value) lines.push({ kind: "same", pieces: whole(text) });
    }
  }
  flush();
  return lines;
}

const split = (text: string) => text.replace(/\n$/, "").split("\n");

/** Lines that took the place of others: pairs of the same key are compared word by word. */
function replaced(gone: readonly string[], added: readonly string[]): DiffLine[] {
  const old = gone.map((text): DiffLine => ({ kind: "gone", pieces: whole(text) }));
  const fresh = added.map((text): DiffLine => ({ kind: "new", pieces: whole(text) }));
  for (const [i, text] of gone.entries()) {
    const other = added[i];
    if (other === undefined || keyOf(text) !== keyOf(other)) continue;
    const words = diffWordsWithSpace(text, other);
    old[i] = {
      kind: "gone",
      pieces: words.filter((w) => !w.added).map((w) => ({ text: w.value, changed: w.removed })),
    };
    fresh[i] = {
      kind: "new",
      pieces: words.filter((w) => !w.removed).map((w) => ({ text: w.value, changed: w.added })),
    };
  }
  return [...old, ...fresh];
}

const keyOf = (text: string) => /^[\s-]*[^:]*:?/.exec(text)?.[0] ?? "";

/** "3 lines changed" as a sentence for the heading. */
export function countsOf(lines: readonly DiffLine[]): string {
  const gone = lines.filter(({ kind }) => kind === "gone").length;
  const added = lines.filter(({ kind }) => kind === "new").length;
  if (gone === 0 && added === 0) return "They say the same.";
  const count = (n: number) => `${n} ${n === 1 ? "line" : "lines"}`;
  const parts = [...(gone > 0 ? [`${count(gone)} gone`] : []), ...(added > 0 ? [`${count(added)} new`] : [])];
  return `${parts.join(", ")}.`;
}
