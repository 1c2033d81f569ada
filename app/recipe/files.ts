/** The recipe as text that comes and goes: copied, saved, opened, pasted, set right. */
import { messageOf } from "../../core/errors.ts";
import { say } from "../state/messages.ts";
import { keptNow, textOf } from "../state/studio.ts";
import { useView } from "../state/view.ts";
import { draft } from "./draft.ts";

export function saveRecipe(): void {
  const studio = keptNow();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([textOf(studio)], { type: "application/yaml" }));
  link.download = `${studio.title.replace(/[^\w.-]+/g, "-") || "recipe"}.yml`;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function copyRecipe(): void {
  navigator.clipboard.writeText(textOf(keptNow())).then(
    () => say("info", "Recipe copied."),
    () => say("error", "The browser did not allow copying. Select the text and copy it by hand."),
  );
}

export function openRecipe(): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = ".yml,.yaml,.txt";
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file !== undefined) void takeRecipe(file);
  });
  input.click();
}

/** A recipe file that was dropped or picked; what reads YAML is loaded for it. */
export async function takeRecipe(file: File): Promise<void> {
  const { importRecipe } = await import("./adopt.ts");
  await importRecipe(file);
}

/** Formats what the editor shows, or the recipe when it is closed. Comments stay; bad YAML is left as it is. */
export async function tidyRecipe(): Promise<void> {
  const [{ tidied }, { adoptText }] = await Promise.all([import("./tidy.ts"), import("./adopt.ts")]);
  try {
    const shown = draft();
    const text = tidied(shown?.read() ?? textOf(keptNow()));
    if (shown === null) adoptText(text);
    else shown.write(text);
  } catch (error) {
    say("error", messageOf(error));
  }
}

/** Whether pasted text means to be a recipe: its first lines look like one of mergekit's files. */
export const looksLikeRecipe = (text: string): boolean =>
  text.length < 1_000_000 && /^(merge_method|models|slices|modules|base_model|experts)\s*:/m.test(text);

/** Takes recipes pasted anywhere but into text; the function it returns ends that. */
export function takePasted(): () => void {
  const paste = (event: ClipboardEvent) => {
    const place = event.target instanceof Element ? event.target : null;
    if (place?.closest("input, textarea, [contenteditable], .cm-editor, [role=dialog]") != null) return;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!looksLikeRecipe(text)) return;
    event.preventDefault();
    void import("./adopt.ts").then(({ importText }) => {
      importText(text, "What was pasted");
      useView.getState().set({ drawer: "recipe" });
    });
  };
  addEventListener("paste", paste);
  return () => removeEventListener("paste", paste);
}
