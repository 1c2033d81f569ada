/** Text that may be a recipe: parsed, and taken over when it is one. */
import { printDocument } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import type { Diagnostic } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";
import { say } from "../state/messages.ts";
import { documentOf, useStudio } from "../state/studio.ts";
import { settle } from "../state/unread.ts";

/** Takes a document over when it has no errors; says what it found either way. */
export function adoptText(text: string): readonly Diagnostic[] {
  settle();
  const { document, diagnostics } = parseDocument(text, METHODS);
  const studio = useStudio.getState();
  if (document !== null && printDocument(document) !== printDocument(documentOf(studio))) {
    studio.adopt(document, text);
  } else if (document !== null && text !== studio.text) {
    // The same document in other words: the person's words are kept, and there is nothing to undo.
    useStudio.temporal.getState().pause();
    useStudio.setState({ text });
    useStudio.temporal.getState().resume();
  }
  return diagnostics;
}

/** A recipe file that was dropped. */
export async function importRecipe(file: File): Promise<void> {
  if (file.size > 1_000_000) {
    say(
      "error",
      `${file.name} has ${file.size.toLocaleString("en")} bytes; a recipe has at most a million. Is it a recipe?`,
    );
    return;
  }
  importText(await file.text(), file.name);
}

/** Text from outside; `from` names it in the sentence that says what became of it. */
export function importText(text: string, from: string): void {
  const faults = adoptText(text).filter(({ severity }) => severity === "error");
  const [first] = faults;
  if (first === undefined) say("info", `${from} is the recipe now.`);
  else
    say(
      "error",
      `${from}, line ${first.line}: ${first.message}${faults.length > 1 ? ` (and ${faults.length - 1} more)` : ""}`,
    );
}
