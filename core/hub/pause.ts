/**
 * Waiting, together: when a host says "too many requests", everything that would ask it waits, not only the request that
 * was told. Waits of single requests grow from one failure to the next and are uneven, so that many do not come back at once.
 */
import { abortError } from "../errors.ts";

/** Milliseconds, and how often. */
export interface Patience {
  /** Failures in a row, without a byte of progress, before giving up. */
  readonly tries: number;
  /** Longest first wait; each is twice the one before. */
  readonly first: number;
  readonly most: number;
  /** A connection that says nothing for so long is taken for dead. */
  readonly stall: number;
  /** Longest pause a host may ask for. */
  readonly longest: number;
}

export const PATIENCE: Patience = { tries: 7, first: 600, most: 30_000, stall: 60_000, longest: 600_000 };

/** How long to wait after failure number `failures`, counted from 1: half of it certain, half by chance. */
export function waitAfter(failures: number, { first, most }: Patience): number {
  const all = Math.min(most, first * 2 ** (failures - 1));
  return all / 2 + (Math.random() * all) / 2;
}

/** Resolves after so many milliseconds; rejects as soon as the signal fires. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason ?? abortError());
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason ?? abortError());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

export interface Pauses {
  /** Nothing is asked of the host for so many milliseconds from now. */
  pause(host: string, milliseconds: number): void;
  /** Resolves when the host may be asked. */
  wait(host: string, signal?: AbortSignal): Promise<void>;
}

export function createPauses(): Pauses {
  const until = new Map<string, number>();
  return {
    pause: (host, milliseconds) => {
      until.set(host, Math.max(until.get(host) ?? 0, Date.now() + milliseconds));
    },
    wait: async (host, signal) => {
      // What waited may find that the pause was made longer.
      for (let left = (until.get(host) ?? 0) - Date.now(); left > 0; left = (until.get(host) ?? 0) - Date.now())
        await sleep(left, signal);
    },
  };
}

/** Milliseconds a response asks to wait: Retry-After as seconds or a date, else the end of the Hub's own window; null when it says nothing. */
export function askedWait(headers: Headers): number | null {
  const after = headers.get("retry-after")?.trim();
  if (after !== undefined && after !== "") {
    const seconds = Number(after);
    if (Number.isFinite(seconds)) return Math.max(0, 1000 * seconds);
    const date = Date.parse(after);
    if (Number.isFinite(date)) return Math.max(0, date - Date.now());
  }
  // RateLimit: "resolvers";r=0;t=55
  const [, left, seconds] = /;\s*r=(\d+)\s*;\s*t=(\d+)/.exec(headers.get("ratelimit") ?? "") ?? [];
  return left === "0" && seconds !== undefined ? 1000 * Number(seconds) : null;
}
