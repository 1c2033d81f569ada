/** What was typed, asked of the Hub a moment later: models whose name has the words, and the one that is named outright. */
import { useEffect, useState } from "react";
import { isAbort, messageOf } from "../../core/errors.ts";
import { formatHubName, parseHubName } from "../../core/hub/name.ts";
import type { HubModel, HubSearch } from "../../workers/api.ts";
import { HUB } from "../../workers/built.ts";
import { hub, useHub } from "../state/hub.ts";

/** A model that can be opened under `ref`. */
export interface Hit {
  readonly ref: string;
  readonly model: HubModel;
  /** Named with its revision or folder, or by its whole name. */
  readonly isNamed: boolean;
}

export interface Look {
  readonly state: "idle" | "looking" | "done" | "failed" | "offline";
  readonly hits: readonly Hit[];
  /** Why nothing came, or why not the one that was named. */
  readonly error: string | null;
}

/** Milliseconds that typing rests before the Hub is asked. */
const AFTER = 350;
const IDLE: Look = { state: "idle", hits: [], error: null };

/** @param turn another number looks again */
export function useLook({ words, task, sort }: HubSearch, turn: number): Look {
  const [look, setLook] = useState<Look>(IDLE);
  const online = useOnline();
  const user = useHub((state) => state.account?.user ?? null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: who asks and how often changes the answer
  useEffect(() => {
    const typed = words.trim();
    if (typed === "") return setLook(IDLE);
    if (!online) return setLook({ state: "offline", hits: [], error: null });
    let mine = true;
    setLook((before) => ({ ...before, state: "looking", error: null }));
    const timer = setTimeout(() => {
      void ask({ words: typed, task, sort }).then((next) => mine && next !== null && setLook(next));
    }, AFTER);
    return () => {
      mine = false;
      clearTimeout(timer);
    };
  }, [words, task, sort, turn, online, user]);
  return look;
}

async function ask(search: HubSearch): Promise<Look | null> {
  const name = parseHubName(search.words, HUB.endpoint);
  const client = await hub();
  const ref = name === null ? null : formatHubName(name);
  const [named, found] = await Promise.allSettled([
    ref === null ? null : client.hubInfo(ref),
    // Of a name that is whole the Hub finds its namesakes too, so that a half-typed one is found as well.
    client.hubSearch({ ...search, words: name?.repo ?? search.words }),
  ]);
  if (found.status === "rejected" && isAbort(found.reason)) return null;
  const first: Hit[] =
    named.status === "fulfilled" && named.value !== null && ref !== null
      ? [{ ref, model: named.value, isNamed: true }]
      : [];
  const others = found.status === "fulfilled" ? found.value : [];
  const hits = [
    ...first,
    ...others
      .filter(({ repo }) => !first.some((hit) => hit.ref === repo))
      .map((model) => ({ ref: model.repo, model, isNamed: false })),
  ];
  const why = named.status === "rejected" ? named.reason : found.status === "rejected" ? found.reason : null;
  if (hits.length === 0 && why !== null) return { state: "failed", hits, error: messageOf(why) };
  // A revision or folder that is not there is worth saying beside what was found.
  const isExact = name?.revision !== undefined || name?.folder !== undefined;
  return { state: "done", hits, error: isExact && named.status === "rejected" ? messageOf(named.reason) : null };
}

function useOnline(): boolean {
  const [online, setOnline] = useState(() => navigator.onLine);
  useEffect(() => {
    const note = () => setOnline(navigator.onLine);
    addEventListener("online", note);
    addEventListener("offline", note);
    return () => {
      removeEventListener("online", note);
      removeEventListener("offline", note);
    };
  }, []);
  return online;
}
