/** The result of a merge, opened as a model like any other; it is not put into the mix. */
import { messageOf, WeightloomError } from "../../core/errors.ts";
import type { Target } from "../../workers/api.ts";
import type { Found } from "../platform/found.ts";
import { modelsBelow, modelsFrom } from "../platform/pickers.ts";
import { host } from "../state/host.ts";
import { say } from "../state/messages.ts";
import { openModels } from "../state/models.ts";
import { mayRead } from "../state/session.ts";
import { useShown } from "../state/shown.ts";

/** What a run left behind, as far as finding it again needs to know. */
export interface Left {
  readonly title: string;
  readonly target: Target;
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly size: number }[];
}

export async function openResult(left: Left): Promise<void> {
  try {
    const one = await findResult(left);
    const [name] = await openModels([{ ...one, name: left.title }], false);
    if (name !== undefined) say("info", `The result is open as ${name}. It is not in the mix.`);
  } catch (error) {
    say("error", messageOf(error));
  }
}

export const publish = (left: Left): void => useShown.getState().show({ kind: "publish", left });

/** The files of a result, where it was left. Rejects with a sentence when it is gone. */
export async function findResult(left: Left): Promise<Found> {
  const [one] = await find(left);
  if (one === undefined) throw gone(left, "holds no weights any more");
  return one;
}

async function find(left: Left): Promise<readonly Found[]> {
  const { target } = left;
  if (target.kind === "private")
    return [{ name: left.title, files: await privateFiles(left), origin: { kind: "private" } }];
  if (!(await mayRead(target.handle)))
    throw new WeightloomError("FileError", `The browser may not read ${target.handle.name}. Allow it and try again.`);
  try {
    if (target.kind === "file") return await modelsFrom([target.handle]);
    return await modelsBelow(await target.handle.getDirectoryHandle(left.folder));
  } catch (error) {
    throw gone(left, `cannot be read (${messageOf(error)})`);
  }
}

/** Private storage holds the last result only. */
async function privateFiles(left: Left): Promise<{ path: string; file: File }[]> {
  const files = await host().results();
  const isThere = left.files.every(({ name, size }) => files.some((file) => file.name === name && file.size === size));
  if (!isThere) throw gone(left, "is not in private storage any more; a later merge took its place");
  return files.map((file) => ({ path: `${left.folder}/${file.name}`, file }));
}

const gone = (left: Left, what: string) =>
  new WeightloomError("FileError", `The result "${left.folder}" ${what}. Add it by hand, or merge again.`);
