/** Worker lanes for tests: their code is bundled once, and all that were started are ended together. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { build } from "vite";
import { type LanePort, nodeLane } from "../../core/engine/cpu/ports.ts";

export interface Lanes {
  readonly spawn: () => LanePort;
  /** All workers started so far. */
  readonly workers: Worker[];
  remove(): Promise<void>;
}

export async function bundleLanes(): Promise<Lanes> {
  const folder = await mkdtemp(join(tmpdir(), "weightloom-lane-"));
  await build({
    configFile: false,
    logLevel: "silent",
    build: {
      ssr: "test/cpu/lane.entry.ts",
      outDir: folder,
      rolldownOptions: { output: { entryFileNames: "lane.mjs" } },
    },
  });
  const workers: Worker[] = [];
  return {
    workers,
    spawn: () => {
      const worker = new Worker(join(folder, "lane.mjs"));
      workers.push(worker);
      return nodeLane(worker);
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
