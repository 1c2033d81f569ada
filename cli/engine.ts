/** Engines on this machine: lanes are worker threads, the GPU is Dawn when the optional package is there. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { chooseEngine } from "../core/engine/choose.ts";
import { createArena } from "../core/engine/cpu/arena.ts";
import { createCpuEngine } from "../core/engine/cpu/pool.ts";
import { nodeLane } from "../core/engine/cpu/ports.ts";
import type { Engine } from "../core/engine/engine.ts";
import { createGpuEngine } from "../core/engine/gpu/engine.ts";
import { openDawn } from "./dawn.ts";

/** The compiled kernels: those with a memory of their own, or those for one that threads share. */
export async function kernelModule(name: "kernels" | "kernels.shared" = "kernels"): Promise<WebAssembly.Module> {
  // Beside the built program, or in the checkout when run from source.
  const paths = ["./", "../kernels/build/"].map((folder) =>
    fileURLToPath(new URL(`${folder}${name}.wasm`, import.meta.url)),
  );
  return WebAssembly.compile(await readFile(paths.find((path) => existsSync(path)) ?? paths[0]!));
}

const spawnLane = () => nodeLane(new Worker(new URL("./lane.js", import.meta.url)) as never);

export async function openEngine(
  want: "auto" | "gpu" | "cpu",
  lanes: number | null,
): Promise<{ engine: Engine; because: string; speed: number | null }> {
  const count = lanes ?? availableParallelism();
  const cpu = async () =>
    createCpuEngine({
      lanes: count,
      module: await kernelModule("kernels.shared"),
      spawn: spawnLane,
      arena: createArena(),
    });
  const beside = async (which: "one" | "all") =>
    createCpuEngine({ lanes: which === "one" ? 1 : count, module: await kernelModule(), spawn: spawnLane });
  const dawn = want === "cpu" ? null : await openDawn();
  const gpu = dawn === null ? null : () => createGpuEngine(dawn);
  return chooseEngine({ want, cpu, gpu, beside });
}
