/**
 * The Hub as the command line knows it: where it is and whose token is used come from the environment, as the Hub's own tools
 * have it (HF_ENDPOINT, HF_TOKEN, the token that `hf auth login` keeps), and waits are said on standard error.
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { messageOf, WeightloomError } from "../core/errors.ts";
import {
  createCache,
  createHub,
  ENDPOINT,
  formatHubName,
  type Hub,
  type HubName,
  type HubRepo,
} from "../core/hub/hub.ts";
import { formatSeconds } from "../core/units.ts";
import { showLine } from "./progress.ts";
import { cacheIn, diskRanges } from "./ranges.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const said = (value: string | undefined) => (value === undefined || value.trim() === "" ? undefined : value.trim());
const isOn = (value: string | undefined) => /^(1|true|yes|on)$/i.test(value ?? "");

/** Where the Hub is. Throws a HubError for what is no address. */
export function endpointIn(env: Environment): string {
  const endpoint = said(env.HF_ENDPOINT) ?? ENDPOINT;
  try {
    const { protocol, pathname } = new URL(endpoint);
    if (/^https?:$/.test(protocol)) return new URL(endpoint).origin + pathname.replace(/\/+$/, "");
  } catch {
    // Said below.
  }
  throw new WeightloomError(
    "HubError",
    `HF_ENDPOINT is "${endpoint}", which is no address. Write one like ${ENDPOINT}.`,
  );
}

/** HF_TOKEN, else the token in the file that the Hub's own tools keep; null without one. */
export function tokenIn(env: Environment): string | null {
  const given = said(env.HF_TOKEN) ?? said(env.HUGGING_FACE_HUB_TOKEN);
  if (given !== undefined) return given;
  if (isOn(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return null;
  const home = said(env.HF_HOME) ?? join(said(env.XDG_CACHE_HOME) ?? join(homedir(), ".cache"), "huggingface");
  const file = said(env.HF_TOKEN_PATH) ?? join(home, "token");
  try {
    return existsSync(file) ? (said(readFileSync(file, "utf8")) ?? null) : null;
  } catch {
    return null;
  }
}

/** The share of the memory asked for that reading ahead may take. */
const AHEAD = 0.25;
/** Waits from this on are worth a line; the others pass before it is read. */
const WORTH = 2000;

/**
 * @param memory what the command was told to stay under, bytes
 * @param cache bytes that may be kept of what is read
 */
export function openHub(memory: number, cache: number, env: Environment = process.env): Hub {
  const endpoint = endpointIn(env);
  if (isOn(env.HF_HUB_OFFLINE))
    throw new WeightloomError(
      "HubError",
      "HF_HUB_OFFLINE is set, so nothing is read from the Hub. Unset it, or use models on this disk.",
    );
  let told = 0;
  return createHub({
    endpoint,
    token: () => tokenIn(env),
    cache: cache > 0 ? createCache(diskRanges(cacheIn(env)), cache) : undefined,
    aheadBytes: Math.max(16e6, Math.min(256e6, AHEAD * memory)),
    onWait: ({ host, milliseconds, because }) => {
      const now = Date.now();
      if (milliseconds < WORTH || now < told) return;
      told = now + milliseconds;
      console.error(`${host}: ${because}; going on in ${formatSeconds(milliseconds / 1000)}.`);
    },
  });
}

/** Opens a model of the Hub, with a line of progress while its headers are read. */
export async function openRepo(
  hub: Hub,
  name: HubName,
  places: readonly string[],
  signal?: AbortSignal,
): Promise<HubRepo> {
  const line = showLine();
  const shown = formatHubName(name);
  try {
    line.show(`${shown}: asking ${new URL(hub.endpoint).host}`);
    return await hub.open(name, {
      signal,
      onProgress: (done, total) => line.show(`${shown}: ${done} of ${total} headers`),
    });
  } catch (error) {
    if (!(error instanceof WeightloomError) || error.name === "FormatError") throw error;
    // Who meant a folder learns that it is not there.
    const here = `On this disk there is none of that name either: looked for ${places.join(" and ")}.`;
    throw new WeightloomError(error.name as "HubError" | "AccessError", `${messageOf(error)} ${here}`, {
      cause: error,
    });
  } finally {
    line.clear();
  }
}
