/**
 * Sees a reader that never comes back: a thread of its own, since the one that hangs cannot. The input is kept where it can
 * see it; after too long it is written to a file, and the process ends.
 */
import { Worker } from "node:worker_threads";

/** Inputs longer than this are not kept whole. */
const ROOM = 2 ** 20;

const CODE = `
const { workerData } = require("node:worker_threads");
const { writeFileSync } = require("node:fs");
const { counter, room, folder, seconds } = workerData;
const count = new Int32Array(counter), bytes = new Uint8Array(room);
let last = -1, since = Date.now();
setInterval(() => {
  const now = Atomics.load(count, 0);
  if (now !== last) { last = now; since = Date.now(); return; }
  // An even count: nothing is being read.
  if (now % 2 === 0 || Date.now() - since < seconds * 1000) return;
  const path = folder + "/hang-" + Date.now();
  writeFileSync(path, bytes.slice(0, Atomics.load(count, 1)));
  console.error("A reader has not come back for " + seconds + " s. What it was given is in " + path);
  process.kill(process.pid, "SIGKILL");
}, 200).unref();
`;

export interface Watchdog {
  /** Around every reading. */
  begin(bytes: Uint8Array): void;
  end(): void;
  stop(): Promise<unknown>;
}

export function watch(folder: string, seconds: number): Watchdog {
  const counter = new SharedArrayBuffer(8);
  const room = new SharedArrayBuffer(ROOM);
  const [count, kept] = [new Int32Array(counter), new Uint8Array(room)];
  const worker = new Worker(CODE, { eval: true, workerData: { counter, room, folder, seconds } });
  worker.unref();
  return {
    begin: (bytes) => {
      kept.set(bytes.subarray(0, ROOM));
      Atomics.store(count, 1, Math.min(ROOM, bytes.length));
      Atomics.add(count, 0, 1);
    },
    end: () => void Atomics.add(count, 0, 1),
    stop: () => worker.terminate(),
  };
}
