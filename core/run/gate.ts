/**
 * Pauses a run: while the gate is closed no tile is begun, and what is under way is finished and written. Nothing is lost by
 * a pause, and the time it takes is not counted as work.
 */
import { abortError } from "../errors.ts";

export interface Gate {
  readonly isOpen: boolean;
  close(): void;
  open(): void;
  /** Resolves at once while the gate is open, else when it is opened; rejects with AbortError when the signal fires. */
  pass(signal?: AbortSignal): Promise<void>;
  /** Milliseconds it has been closed, all times together. */
  closedFor(): number;
}

export function createGate(): Gate {
  let since: number | null = null;
  let before = 0;
  let waiting: (() => void)[] = [];
  return {
    get isOpen() {
      return since === null;
    },
    close: () => {
      since ??= performance.now();
    },
    open: () => {
      if (since === null) return;
      before += performance.now() - since;
      since = null;
      const all = waiting;
      waiting = [];
      for (const go of all) go();
    },
    pass: (signal) => {
      if (since === null) return Promise.resolve();
      if (signal?.aborted === true) return Promise.reject(abortError());
      return new Promise((resolve, reject) => {
        waiting.push(resolve);
        signal?.addEventListener("abort", () => reject(abortError()), { once: true });
      });
    },
    closedFor: () => before + (since === null ? 0 : performance.now() - since),
  };
}
