/** The models that are open: what the worker said of each, and the handles that can open it again. */
import { create } from "zustand";
import { isAbort, messageOf } from "../../core/errors.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import type { ModelSummary } from "../../workers/api.ts";
import type { Found } from "../platform/found.ts";
import { addModel, isWhole, removeModel } from "./edits.ts";

import { host, repairWith } from "./host.ts";
import { hub, useHub } from "./hub.ts";

import { say } from "./messages.ts";
import { renameInDocument } from "./rename.ts";
import { documentOf, keptNow, useStudio, wantedBy } from "./studio.ts";

export interface OpenModel {
  readonly summary: ModelSummary;
  /** How to find it again after a reload. */
  readonly origin: Found["origin"];
  readonly files: Found["files"];
}

/** A model that was just closed, and the recipe it was closed in, to take it back. */
export interface Closed {
  readonly found: Found;
  readonly before: Recipe;
  readonly after: Recipe;
}

interface Models {
  readonly list: readonly OpenModel[];
  /** Names being opened. */
  readonly opening: readonly string[];
  /** Of the models that are being opened together: how many are done, of how many. */
  readonly done: number;
  readonly total: number;
  readonly closed: Closed | null;
  /** True while dropped or picked folders are looked through for models. */
  readonly searching: boolean;
}

export const useModels = create<Models>(() => ({
  list: [],
  opening: [],
  done: 0,
  total: 0,
  closed: null,
  searching: false,
}));

export const summaryOf = (name: string): ModelSummary | undefined =>
  useModels.getState().list.find(({ summary }) => summary.name === name)?.summary;

let nextId = 1;

/**
 * Opens models one after the other and puts them in the mix. Resolves to the names that opened.
 * @param tell hears of those that could not be opened
 */
export async function openModels(
  found: readonly Found[],
  intoMix = true,
  tell = (error: unknown, _: Found): void => say("error", messageOf(error)),
): Promise<string[]> {
  const opened: string[] = [];
  useModels.setState(({ opening, done, total }) => ({
    opening: [...opening, ...found.map(({ name }) => name)],
    // What is opened while others are counts with them.
    ...(opening.length === 0 ? { done: 0, total: found.length } : { done, total: total + found.length }),
  }));
  // Of the Hub they come as they were asked for: what their files are is not known yet.
  for (const one of found.every(({ origin }) => origin.kind === "hub") ? found : inOrder(found)) {
    try {
      const [summary, origin] = await openOne(one);
      // An adapter comes back under another name: its base's and its own.
      const { name } = summary;
      useModels.setState(({ list }) => ({ list: [...list, { summary, origin, files: one.files }] }));
      opened.push(name);
      if (intoMix) {
        const studio = keptNow();
        const isOpenEnded = studio.earlier.length === 0 && isWhole(studio.recipe);
        if (isOpenEnded && !wantedBy(studio).includes(name)) useStudio.getState().edit((r) => addModel(r, name));
      }
    } catch (error) {
      if (!isAbort(error)) tell(error, one);
    } finally {
      useModels.setState(({ opening, done }) => ({ opening: without(opening, one.name), done: done + 1 }));
    }
  }
  return opened;
}

/**
 * Of several opened at once the first becomes the base: one that is called so, or whose name others begin with. Adapters
 * come last, since a base they need may be among the others.
 */
export function inOrder(found: readonly Found[]): Found[] {
  const rank = (one: Found) => {
    if (isAdapter(one)) return 3;
    if (/(^|[-_./ ])(base|pt|pretrained|foundation)([-_. ]|$)/i.test(one.name)) return 0;
    return found.some(({ name }) => name !== one.name && name.startsWith(`${one.name}-`)) ? 1 : 2;
  };
  return [...found].sort((a, b) => rank(a) - rank(b));
}

/** A new worker knows no models: those that are open are opened there too, under their ids. */
repairWith(async () => {
  for (const { summary, files, origin } of useModels.getState().list) {
    const { id, name } = summary;
    const opening =
      origin.kind === "hub"
        ? hub().then((client) => client.hubOpen({ id, name, ref: origin.ref, commit: origin.commit }, () => {}))
        : host().open({ id, name, files });
    await opening.catch((error: unknown) => say("error", messageOf(error)));
  }
});

async function openOne({ name: wanted, files, origin }: Found): Promise<[ModelSummary, Found["origin"]]> {
  const [id, name] = [`m${nextId++}`, freeName(wanted)];
  if (origin.kind !== "hub") return [await host().open({ id, name, files }), origin];
  const show = (done: number, total: number) =>
    useHub.setState(({ heads }) => ({ heads: new Map([...heads, [wanted, { id, done, total }]]) }));
  show(0, 0);
  try {
    const summary = await (await hub()).hubOpen({ id, name, ref: origin.ref, commit: origin.commit }, show);
    return [summary, { ...origin, commit: summary.hub?.commit ?? null }];
  } finally {
    useHub.setState(({ heads }) => ({ heads: new Map([...heads].filter(([one]) => one !== wanted)) }));
  }
}

/** The list without the first of that name; two models of one name may be opened at once. */
const without = (names: readonly string[], name: string) => names.filter((_, i) => i !== names.indexOf(name));

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
  // A chain waits for the model to come back; taking it out of one recipe of several would be a guess.
  const { earlier, recipe: before } = keptNow();
  if (earlier.length === 0) useStudio.getState().edit((recipe) => removeModel(recipe, name));
  const found = { name, files: open.files, origin: open.origin };
  useModels.setState({ closed: { found, before, after: useStudio.getState().recipe } });
}

/** Opens the model that was closed last, and puts it where it was if nothing was changed since. */
export async function takeBack(): Promise<void> {
  const { closed } = useModels.getState();
  if (closed === null) return;
  useModels.setState({ closed: null });
  const untouched = keptNow().recipe === closed.after;
  const [name] = await openModels([closed.found], !untouched);
  if (name === closed.found.name && untouched)
    useStudio.getState().edit((now) => (now === closed.after ? closed.before : now));
}

export const forgetClosed = (): void => useModels.setState({ closed: null });

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
  const studio = keptNow();
  if (wantedBy(studio).includes(name))
    useStudio.getState().adopt(renameInDocument(documentOf(studio), name, after), null);
}
