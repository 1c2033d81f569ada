/** A recipe that came with the address: read and shown, taken over only when the person says so. */
import { messageOf } from "../../core/errors.ts";
import type { Document } from "../../core/recipe/document.ts";
import type { Diagnostic } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";
import { say } from "../state/messages.ts";
import { useShown } from "../state/shown.ts";
import { UNDO, useStudio } from "../state/studio.ts";
import { isShared, readFragment, type Shared } from "./link.ts";

export interface Incoming {
  readonly shared: Shared;
  /** Null when the text is no recipe this studio can use. */
  readonly document: Document | null;
  readonly faults: readonly Diagnostic[];
}

/** Looks at the address now and whenever what stands behind its # changes. */
export async function watchAddress(): Promise<void> {
  addEventListener("hashchange", () => void look());
  await look();
}

async function look(): Promise<void> {
  const fragment = location.hash;
  if (!isShared(fragment)) return;
  // Out of the address at once: a reload does not ask again, and copying the address does not pass it on unseen.
  history.replaceState(history.state, "", location.href.replace(/#.*$/, ""));
  try {
    const [shared, { parseDocument }] = await Promise.all([
      readFragment(fragment),
      import("../../core/recipe/file.ts"),
    ]);
    const { document, diagnostics } = parseDocument(shared.text, METHODS);
    const faults = diagnostics.filter(({ severity }) => severity === "error");
    useShown.getState().show({ kind: "shared", incoming: { shared, document, faults } });
  } catch (error) {
    say("error", messageOf(error));
  }
}

/** The mix becomes what was shared: one step that can be undone. */
export function take({ shared, document }: Incoming): void {
  if (document === null) return;
  useStudio.getState().adopt(document, shared.text, shared.title);
  say("info", "The shared recipe is the mix now.", UNDO);
}
