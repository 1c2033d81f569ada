/** What survives a reload: the document, the choices, and the way back to each model. Weights are never stored. */
import { get, set } from "idb-keyval";
import { create } from "zustand";
import { messageOf } from "../../core/errors.ts";
import type { Found, Origin } from "../platform/found.ts";
import { modelsBelow, modelsFrom } from "../platform/pickers.ts";
import { sampleModels } from "../platform/samples.ts";
import { say } from "./messages.ts";
import { openModels, useModels } from "./models.ts";
import { useOptions } from "./options.ts";
import { type Kept, keptNow, useStudio } from "./studio.ts";

export interface Remembered {
  readonly name: string;
  readonly origin: Origin;
}

/** `earlier` and `moe` are missing where an older studio saved. */
interface Saved extends Omit<Kept, "earlier" | "moe">, Partial<Pick<Kept, "earlier" | "moe">> {
  readonly models: readonly Remembered[];
  readonly options: ReturnType<typeof useOptions.getState>["options"];
}

/**
 * Models of the last visit that are not open again: those on a disk need the person's permission, those of the Hub are
 * fetched by themselves (`fetching`) and wait here when that failed.
 */
export const useWaiting = create<{ readonly list: readonly Remembered[]; readonly fetching: boolean }>(() => ({
  list: [],
  fetching: false,
}));

const isOnHub = ({ origin }: Remembered) => origin.kind === "hub";
const isNotFetched = (one: Remembered) => !(isOnHub(one) && useWaiting.getState().fetching);

const KEY = "weightloom-session";
const LAST = "weightloom-last-change";

/** What was changed too late to be saved with the rest; it is handed out once. */
function lastChange(): Kept | undefined {
  const stored = localStorage.getItem(LAST);
  localStorage.removeItem(LAST);
  try {
    return stored === null ? undefined : (JSON.parse(stored) as Kept);
  } catch {
    return undefined;
  }
}

export async function restore(): Promise<void> {
  const saved = await get<Saved>(KEY).catch(() => undefined);
  const last = lastChange();
  const document = last ?? saved;
  if (document !== undefined) {
    const { title, recipe, earlier = [], moe = null, text } = document;
    useStudio.getState().restore({ title, recipe, earlier, moe, text });
    useStudio.temporal.getState().clear();
  }
  const restored = useStudio.getState();
  if (saved !== undefined) {
    useOptions.getState().setOptions(saved.options);
    const samples = saved.models.filter(({ origin }) => origin.kind === "sample");
    useWaiting.setState({
      list: saved.models.filter(({ origin }) => ["folder", "files", "hub"].includes(origin.kind)),
    });
    const ids = samples.map(({ origin }) => (origin.kind === "sample" ? origin.id : ""));
    if (ids.length > 0) {
      try {
        await openModels(named(await sampleModels(ids), samples), false);
      } catch (error) {
        say("error", messageOf(error));
      }
    }
  }
  keepSaving(last !== undefined || useStudio.getState() !== restored);
  // The network may be slow or gone: the page does not wait for it.
  if (useWaiting.getState().list.some(isOnHub)) {
    useWaiting.setState({ fetching: true });
    void reopen(isOnHub).finally(() => useWaiting.setState({ fetching: false }));
  }
}

/** Asks the browser for permission again and opens what was open. What it refuses, and what the Hub does not give, keeps waiting. */
export async function reopen(which = isNotFetched): Promise<void> {
  await openAgain(useWaiting.getState().list.filter(which));
}

export async function openAgain(models: readonly Remembered[]): Promise<void> {
  const folders = new Map<FileSystemDirectoryHandle, Found[]>();
  // Bases before the adapters that are put on them.
  const inOrder = [...models].sort((a, b) => Number(a.name.includes("+")) - Number(b.name.includes("+")));
  for (const one of inOrder) {
    try {
      const found = await findAgain(one, folders);
      if (found === "refused") continue;
      if (found !== null && isOnHub(one)) {
        if ((await openModels([found], false)).length === 0) continue;
      } else if (found !== null) await openModels([{ ...found, name: one.name }], false);
      else say("error", `${one.name} is not where it was. Add it by hand.`);
    } catch (error) {
      say("error", `${one.name} could not be opened again (${messageOf(error)}). Add it by hand.`);
    }
    useWaiting.setState(({ list }) => ({ list: list.filter(({ name }) => name !== one.name) }));
  }
}

async function findAgain(
  { name, origin }: Remembered,
  folders: Map<FileSystemDirectoryHandle, Found[]>,
): Promise<Found | "refused" | null> {
  if (origin.kind === "files") {
    for (const handle of origin.handles) if (!(await mayRead(handle))) return "refused";
    return (await modelsFrom(origin.handles))[0] ?? null;
  }
  if (origin.kind === "sample") return (await sampleModels([origin.id]))[0] ?? null;
  if (origin.kind === "hub") return { name, origin, files: [] };
  if (origin.kind !== "folder") return null;
  if (!(await mayRead(origin.handle))) return "refused";
  const known = await sameFolder(origin.handle, [...folders.keys()]);
  const below = (known === null ? undefined : folders.get(known)) ?? (await modelsBelow(origin.handle));
  folders.set(known ?? origin.handle, below);
  return below.find((found) => found.name === name) ?? (below.length === 1 ? (below[0] ?? null) : null);
}

/** The handle of the same folder among others; two folders may have one name. */
async function sameFolder(
  handle: FileSystemDirectoryHandle,
  among: readonly FileSystemDirectoryHandle[],
): Promise<FileSystemDirectoryHandle | null> {
  for (const other of among) if (await other.isSameEntry(handle)) return other;
  return null;
}

export const forgetWaiting = (): void => useWaiting.setState({ list: [] });

export async function mayRead(handle: FileSystemHandle): Promise<boolean> {
  const ask = handle as FileSystemHandle & { requestPermission?(options: { mode: "read" }): Promise<PermissionState> };
  return ask.requestPermission === undefined || (await ask.requestPermission({ mode: "read" })) === "granted";
}

const named = (found: readonly Found[], as: readonly Remembered[]): Found[] =>
  found.map((one) => {
    const match = as.find(
      ({ origin }) => origin.kind === "sample" && one.origin.kind === "sample" && origin.id === one.origin.id,
    );
    return { ...one, name: match?.name ?? one.name };
  });

/** @param isBehind the database has not what stands on the page */
function keepSaving(isBehind: boolean): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Changes so far, and how many of them the database has for certain. */
  let [changes, stored] = [0, 0];
  const save = () => {
    const these = changes;
    const { title, recipe, earlier, moe, text } = useStudio.getState();
    const models = [
      ...useModels.getState().list.map(({ summary, origin }) => ({ name: summary.name, origin })),
      ...useWaiting.getState().list,
    ];
    const saved: Saved = { title, recipe, earlier, moe, text, models, options: useOptions.getState().options };
    set(KEY, saved).then(
      () => {
        stored = Math.max(stored, these);
      },
      (error: unknown) => say("error", `This mix could not be remembered for the next visit (${messageOf(error)}).`),
    );
  };
  const soon = () => {
    changes++;
    clearTimeout(timer);
    timer = setTimeout(save, 400);
  };
  // A page that goes away does not wait for the database, not even for what is on its way there: the last moment's changes
  // go where they are written at once.
  addEventListener("pagehide", () => {
    const last = keptNow();
    if (stored === changes) return;
    try {
      localStorage.setItem(LAST, JSON.stringify(last));
    } catch {
      // Full: the document is as it was 400 ms ago.
    }
  });
  useStudio.subscribe(soon);
  useModels.subscribe(soon);
  useOptions.subscribe((now, before) => now.options !== before.options && soon());
  if (isBehind) soon();
}
