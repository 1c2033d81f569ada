/** Models of the Hub on their way into the studio: asked for once, and what became of those that could not be had. */
import { create } from "zustand";
import { messageOf } from "../../core/errors.ts";
import { hub, onHub, useHub } from "../state/hub.ts";
import { openModels, useModels } from "../state/models.ts";

interface Refused {
  readonly ref: string;
  readonly why: string;
  /** Whether signing in, or in another way, might help. */
  readonly isAccess: boolean;
}

/** What was asked for in the sheet and did not open. */
export const useRefused = create<{ readonly list: readonly Refused[] }>(() => ({ list: [] }));

/** Opens them under the names they have in recipes; what does not open is said in the sheet. */
export async function openRefs(refs: readonly string[], intoMix = true): Promise<void> {
  const { opening, list } = useModels.getState();
  const wanted = refs.filter((ref) => !opening.includes(ref) && !list.some(({ summary }) => summary.name === ref));
  useRefused.setState(({ list }) => ({ list: list.filter(({ ref }) => !wanted.includes(ref)) }));
  await openModels(
    wanted.map((ref) => onHub(ref)),
    intoMix,
    (error, { name }) => {
      const isAccess = error instanceof Error && error.name === "AccessError";
      useRefused.setState(({ list }) => ({ list: [...list, { ref: name, why: messageOf(error), isAccess }] }));
    },
  );
}

export const dismissRefused = (ref: string): void =>
  useRefused.setState(({ list }) => ({ list: list.filter((one) => one.ref !== ref) }));

export async function stopOpening(ref: string): Promise<void> {
  const head = useHub.getState().heads.get(ref);
  if (head !== undefined) await (await hub()).hubStop(head.id);
}
