/** The models that are open: what the worker said of each, and the handles that can open it again. */
import { create } from "zustand";
import { messageOf } from "../../core/errors.ts";
import type { ModelSummary } from "../../workers/api.ts";
import type { Found } from "../platform/found.ts";
import { addModel, castOf, removeModel, renameModel } from "./edits.ts";
import { host } from "./host.ts";
import { say } from "./messages.ts";
import { useStudio } from "./studio.ts";

export interface OpenModel {
  readonly summary: ModelSummary;
  /** How to find it again after a reload. */
  readonly origin: Found["origin"];
}

interface Models {
  readonly list: readonly OpenModel[];
  /** Names being opened. */
  readonly opening: readonly string[];
}

export const useModels = create<Models>(() => ({ list: [], opening: [] }));

export const summaryOf = (name: string): ModelSummary | undefined =>
  useModels.getState().list.find(({ summary }) => summary.name === name)?.summary;

let nextId = 1;

/** Opens models one after the other and puts them in the mix. Resolves to the names that opened. */
export async function openModels(found: readonly Found[], intoMix = true): Promise<string[]> {
  const opened: string[] = [];
  useModels.setState(({ opening }) => ({ opening: [...opening, ...found.map(({ name }) => name)] }));
  // Of several dropped at once, adapters come last: a base they need may be among them.
  for (const one of [...found].sort((a, b) => Number(isAdapter(a)) - Number(isAdapter(b)))) {
    try {
      const summary = await host().open({ id: `m${nextId++}`, name: freeName(one.name), files: one.files });
      // An adapter comes back under another name: its base's and its own.
      const { name } = summary;
      useModels.setState(({ list }) => ({ list: [...list, { summary, origin: one.origin }] }));
      opened.push(name);
      if (intoMix) {
        const { recipe, edit } = useStudio.getState();
        if (recipe.slices === undefined && !castOf(recipe).includes(name)) edit((r) => addModel(r, name));
      }
    } catch (error) {
      say("error", messageOf(error));
    } finally {
      useModels.setState(({ opening }) => ({ opening: opening.filter((other) => other !== one.name) }));
    }
  }
  return opened;
}

const isAdapter = ({ files }: Found) => files.some(({ path }) => /(^|\/)adapter_config\.json$/.test(path));

/** A model that a recipe waits for keeps its name; another of the same name gets a number. */
function freeName(name: string): string {
  const taken = new Set(useModels.getState().list.map(({ summary }) => summary.name));
  if (!taken.has(name)) return name;
  let n = 2;
  while (taken.has(`${name}-${n}`)) n++;
  return `${name}-${n}`;
}

export function closeModel(name: string): void {
  const open = useModels.getState().list.find(({ summary }) => summary.name === name);
  if (open === undefined) return;
  void host().close(open.summary.id);
  useModels.setState(({ list }) => ({ list: list.filter((other) => other !== open) }));
  useStudio.getState().edit((recipe) => removeModel(recipe, name));
}

export async function rename(name: string, wanted: string): Promise<void> {
  const after = wanted.trim();
  if (after === "" || after === name) return;
  if (summaryOf(after) !== undefined) {
    say("error", `There is a model called "${after}" already. Choose another name.`);
    return;
  }
  const open = useModels.getState().list.find(({ summary }) => summary.name === name);
  if (open === undefined) return;
  await host().rename(open.summary.id, after);
  useModels.setState(({ list }) => ({
    list: list.map((other) => (other === open ? { ...open, summary: { ...open.summary, name: after } } : other)),
  }));
  useStudio.getState().edit((recipe) => renameModel(recipe, name, after));
}
