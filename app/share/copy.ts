/** Copies a link to the mix as it stands. */
import { messageOf } from "../../core/errors.ts";
import { say } from "../state/messages.ts";
import { documentOf, keptNow } from "../state/studio.ts";
import { fragmentOf } from "./link.ts";
import { shareableText } from "./names.ts";

export async function copyLink(): Promise<void> {
  const studio = keptNow();
  let link: string;
  try {
    const text = shareableText(documentOf(studio));
    link = `${location.href.replace(/[?#].*$/, "")}${await fragmentOf({ title: studio.title, text })}`;
  } catch (error) {
    say("error", messageOf(error));
    return;
  }
  try {
    await navigator.clipboard.writeText(link);
    say("info", "Link copied. It holds the recipe, with models by name only; weights stay here.");
  } catch {
    // Without the clipboard the address bar is where a link can be copied from; the page does not read it again.
    history.replaceState(null, "", link);
    say("info", "The browser did not allow copying. The link is in the address bar now.");
  }
}
