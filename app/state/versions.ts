/** Versions of the mix that a person gave a name, kept in the browser: recipes and titles, never weights. */
import { update } from "idb-keyval";
import { create } from "zustand";
import { messageOf } from "../../core/errors.ts";
import { say } from "./messages.ts";
import { type Kept, keptNow, UNDO, useStudio } from "./studio.ts";

export interface Version {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kept: Kept;
}

interface Versions {
  /** Newest first; null until they are read. */
  readonly list: readonly Version[] | null;
}

export const useVersions = create<Versions>(() => ({ list: null }));

const KEY = "weightloom-versions";

/**
 * One change, made to what is stored (another tab may have saved meanwhile) and shown once it is stored. Resolves to
 * false, and says why, when the browser does not store it.
 */
async function change(edit: (list: readonly Version[]) => readonly Version[]): Promise<boolean> {
  let list: readonly Version[] = [];
  try {
    await update<readonly Version[]>(KEY, (stored = []) => {
      list = edit(stored);
      return list;
    });
    useVersions.setState({ list });
    return true;
  } catch (error) {
    say("error", `The browser could not keep the versions (${messageOf(error)}). Download the recipe instead.`);
    return false;
  }
}

export const readVersions = (): Promise<boolean> => change((list) => list);

/** Keeps the mix as it stands; without a name it is called by its title and the hour. */
export async function saveVersion(name: string): Promise<void> {
  const kept = keptNow();
  const at = Date.now();
  const called = name.trim() || nameFor(kept.title, at);
  if (await change((list) => [{ id: crypto.randomUUID(), name: called, at, kept }, ...list]))
    say("info", `Saved as "${called}".`);
}

const nameFor = (title: string, at: number) =>
  `${title}, ${new Date(at).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false })}`;

export async function renameVersion(id: string, name: string): Promise<void> {
  const called = name.trim();
  if (called !== "") await change((list) => list.map((one) => (one.id === id ? { ...one, name: called } : one)));
}

export async function deleteVersion(id: string): Promise<void> {
  await change((list) => list.filter((one) => one.id !== id));
}

/** Puts a deleted version back where it was. */
export async function bringBack(version: Version): Promise<void> {
  await change((list) => [...list, version].sort((a, b) => b.at - a.at));
}

/** The mix becomes the version: a step that can be undone. */
export function restoreVersion(version: Version): void {
  useStudio.getState().restore(version.kept);
  say("info", `The mix is "${version.name}" again.`, UNDO);
}
