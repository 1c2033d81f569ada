/**
 * The two ends of a worker, whatever the platform calls them: the pool holds a `LanePort`, the code
 * in the worker a `ServerPort`. What passes between them is a `Request` one way, a `Reply` the other.
 */
import type { JobOnWire, ResultOnWire } from "./wire.ts";

export interface LanePort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called when the worker is no more, with whatever is known about why. */
  onDeath(listener: (cause: unknown) => void): void;
  terminate(): unknown;
}

export interface ServerPort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called when a message came that cannot be read; nobody would answer it. */
  onUnreadable(listener: () => void): void;
}

export type Request =
  | { readonly type: "start"; readonly module: WebAssembly.Module; readonly memory: WebAssembly.Memory | null }
  | { readonly type: "run"; readonly id: number; readonly job: JobOnWire };

export type Reply =
  | { readonly type: "ready" }
  /** `spent`: milliseconds the lane worked on it. */
  | { readonly type: "done"; readonly id: number; readonly result: ResultOnWire; readonly spent: number }
  /** `id` is null when the lane could not start. */
  | { readonly type: "failed"; readonly id: number | null; readonly message: string };

/** The buffers behind those that are views, to be handed over, each once. */
export function buffersOf(views: Iterable<unknown>): ArrayBuffer[] {
  const buffers = [...views].flatMap((view) => (ArrayBuffer.isView(view) ? [view.buffer] : []));
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}

/** A browser's module worker as a lane. */
export function webLane(worker: Worker): LanePort {
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer),
    onMessage: (listener) => {
      worker.onmessage = ({ data }) => listener(data);
    },
    onDeath: (listener) => {
      worker.onerror = (event) => {
        event.preventDefault();
        listener(event.message);
      };
      worker.onmessageerror = () => listener("a message could not be read");
    },
    terminate: () => worker.terminate(),
  };
}

/** As much of node:worker_threads' Worker as a lane needs. */
interface NodeWorker {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  on(event: "message" | "messageerror" | "error" | "exit", listener: (value: unknown) => void): unknown;
  terminate(): Promise<number>;
}

/** A thread of node:worker_threads as a lane. */
export function nodeLane(worker: NodeWorker): LanePort {
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer),
    onMessage: (listener) => void worker.on("message", listener),
    onDeath: (listener) => {
      worker.on("error", (error) => listener(error));
      worker.on("messageerror", () => listener("a message could not be read"));
      worker.on("exit", (code) => listener(`it exited with code ${String(code)}`));
    },
    terminate: () => worker.terminate(),
  };
}
