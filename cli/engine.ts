/** Engines on this machine: lanes are worker threads, the GPU is Dawn when the optional package is there. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { chooseEngine } from "../core/engine/choose.ts";
import { createCpuEngine } from "../core/engine/cpu/pool.ts";
import { nodeLane } from "../core/engine/cpu/ports.ts";
import type { Engine } from "../core/engine/engine.ts";
import { createGpuEngine } from "../core/engine/gpu/engine.ts";
import { openDawn } from "./dawn.ts";

/** Beside the built program, or in the checkout when run from source. */
const KERNELS = ["./kernels.wasm", "../kernels/build/kernels.wasm"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

export async function kernelModule(): Promise<WebAssembly.Module> {
  const path = KERNELS.find((candidate) => existsSync(candidate)) ?? KERNELS[0]!;
  return WebAssembly.compile(await readFile(path));
}

const spawnLane = () => nodeLane(new Worker(new URL("./lane.js", import.meta.url)) as never);

export async function openEngine(
  want: "auto" | "gpu" | "cpu",
  lanes: number | null,
): Promise<{ engine: Engine; because: string; speed: number | null }> {
  const cpu = async () =>
    createCpuEngine({
      lanes: lanes ?? availableParallelism(),
      module: await kernelModule(),
      spawn: spawnLane,
      shared: true,
    });
  const dawn = want === "cpu" ? null : await openDawn();
  const gpu = dawn === null ? null : () => createGpuEngine(dawn);
  return chooseEngine({ want, cpu, gpu });
}
