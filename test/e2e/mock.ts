/** The mock Hub that runs beside the studio: its faults and its log. */
import type { Fault, LogEntry } from "../support/hub/server.mjs";

const origin = `http://127.0.0.1:${2 * Number(process.env.E2E_PORT ?? 4174)}`;

async function ask<T>(path: string, body?: unknown): Promise<T> {
  const response = await fetch(
    `${origin}/_mock/${path}`,
    body === undefined ? {} : { method: "PUT", body: JSON.stringify(body) },
  );
  return (await response.json()) as T;
}

export const mockHub = {
  origin,
  /** No faults, addresses that live for an hour, an empty log. */
  reset: async (): Promise<void> => {
    await ask("faults", []);
    await ask("life", 3_600_000);
    await ask("clear", null);
  },
  set: (...faults: readonly Fault[]): Promise<unknown> => ask("faults", faults),
  signFor: (milliseconds: number): Promise<unknown> => ask("life", milliseconds),
  /** Puts a model's files under a new commit and forgets the old one. */
  replace: (repo: string): Promise<unknown> => ask("replace", repo),
  log: (): Promise<readonly LogEntry[]> => ask("log"),
};
