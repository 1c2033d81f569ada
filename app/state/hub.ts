/**
 * The Hub as the page knows it: who is signed in, and what comes from there. The token is in memory and, so that a reload does not
 * ask for it again, in this tab's sessionStorage; it is never anywhere else.
 */
import { create } from "zustand";
import { parseHubName } from "../../core/hub/name.ts";
import { parseRef } from "../../core/recipe/ref.ts";
import type { HubNews } from "../../workers/api.ts";
import { HUB } from "../../workers/built.ts";
import type { StudioClient } from "../../workers/client.ts";
import type { Found } from "../platform/found.ts";
import { host } from "./host.ts";

export interface Account {
  readonly token: string;
  /** The Hub's name of its owner. */
  readonly user: string;
  /** When it ends by itself, ms since 1970; null: not known. */
  readonly until: number | null;
}

interface HubState {
  readonly account: Account | null;
  readonly news: HubNews;
  /** Of models being opened, by the names they were asked for under: headers that are there, of how many. */
  readonly heads: ReadonlyMap<string, { readonly id: string; readonly done: number; readonly total: number }>;
}

const KEY = "weightloom-hub";

function kept(): Account | null {
  try {
    const { token, user, until } = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Account;
    if (typeof token !== "string" || (typeof until === "number" && until < Date.now())) return null;
    return { token, user: String(user), until: typeof until === "number" ? until : null };
  } catch {
    return null;
  }
}

export const useHub = create<HubState>(() => ({
  account: kept(),
  news: { downloaded: 0, wait: null },
  heads: new Map(),
}));

const LIMIT = "weightloom-hub-keep";

/** Bytes of what is downloaded that may be kept for the next visit; 0: none. */
export const keptLimit = (): number => Number(localStorage.getItem(LIMIT)) || 0;

export async function keepUpTo(limit: number): Promise<void> {
  localStorage.setItem(LIMIT, String(limit));
  await (await hub()).hubKeep(limit);
}

let known: StudioClient | null = null;

/** The worker, once it has the token and tells the news: a new one knows neither. */
export async function hub(): Promise<StudioClient> {
  const client = host();
  if (client !== known) {
    known = client;
    const before = useHub.getState().news.downloaded;
    void client.hubListen((news) => useHub.setState({ news: { ...news, downloaded: before + news.downloaded } }));
    await client.hubToken(useHub.getState().account?.token ?? null);
    await client.hubKeep(keptLimit());
  }
  return client;
}

/** Takes a token once the Hub has said whose it is. Rejects with the Hub's sentence. */
export async function signIn(token: string, until: number | null = null): Promise<void> {
  const client = await hub();
  const before = useHub.getState().account?.token ?? null;
  await client.hubToken(token);
  try {
    const account = { token, user: (await client.hubWho()) ?? "somebody", until };
    useHub.setState({ account });
    sessionStorage.setItem(KEY, JSON.stringify(account));
  } catch (error) {
    await client.hubToken(before);
    throw error;
  }
}

export async function signOut(): Promise<void> {
  sessionStorage.removeItem(KEY);
  useHub.setState({ account: null });
  await (await hub()).hubToken(null);
}

/** A model of the Hub as something to open; `name` is what recipes call it. */
export const onHub = (ref: string, name = ref, commit: string | null = null): Found => ({
  name,
  files: [],
  origin: { kind: "hub", ref, commit },
});

/** The models of the Hub that references to models that are not open may mean, each once, bases before adapters. */
export function hubNamesIn(refs: readonly string[], open: readonly string[]): string[] {
  const names = refs.flatMap((text) => {
    try {
      const { lora, ...model } = parseRef(text);
      return [model, ...(lora === undefined ? [] : [lora])].map(({ path, revision }) =>
        revision === undefined ? path : `${path}@${revision}`,
      );
    } catch {
      return [];
    }
  });
  return [...new Set(names)].filter((name) => !open.includes(name) && parseHubName(name, HUB.endpoint) !== null);
}
