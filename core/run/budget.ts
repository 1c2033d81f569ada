/**
 * Bounds the bytes in flight. One producer asks in plan order, so the first unfinished piece of work
 * always holds what it needs and nothing can wait in a circle.
 */
import { abortError } from "../errors.ts";

export interface Budget {
  /** Waits until `bytes` fit. A request larger than the whole budget is let through when alone. */
  acquire(bytes: number): Promise<void>;
  release(bytes: number): void;
  /** Rejects whoever waits, now and later. */
  cancel(): void;
  /** Most bytes held at one moment so far. */
  readonly peak: number;
}

export function createBudget(limit: number): Budget {
  let held = 0;
  let peak = 0;
  let cancelled = false;
  let waiting: { bytes: number; resolve: () => void; reject: (reason: unknown) => void } | null = null;

  function admit(): void {
    if (waiting === null) return;
    if (cancelled) {
      waiting.reject(abortError());
      waiting = null;
    } else if (held === 0 || held + waiting.bytes <= limit) {
      held += waiting.bytes;
      peak = Math.max(peak, held);
      waiting.resolve();
      waiting = null;
    }
  }

  return {
    acquire: (bytes) =>
      new Promise((resolve, reject) => {
        if (waiting !== null) throw new Error("Internal error: two producers ask for memory at once.");
        waiting = { bytes, resolve, reject };
        admit();
      }),
    release: (bytes) => {
      held -= bytes;
      admit();
    },
    cancel: () => {
      cancelled = true;
      admit();
    },
    get peak() {
      return peak;
    },
  };
}
