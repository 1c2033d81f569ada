/** Engines and storage inside a browser's worker. */
import { chooseEngine } from "../core/engine/choose.ts";
import { createCpuEngine } from "../core/engine/cpu/pool.ts";
import { webLane } from "../core/engine/cpu/ports.ts";
import { createGpuEngine } from "../core/engine/gpu/engine.ts";
import kernelsUrl from "../kernels/build/kernels.wasm?url";
import type { HostPlatform } from "./host.ts";

let kernels: Promise<WebAssembly.Module> | null = null;

const kernelModule = () => {
  kernels ??= WebAssembly.compileStreaming(fetch(kernelsUrl));
  return kernels;
};

const spawnLane = () => webLane(new Worker(new URL("./lane.worker.ts", import.meta.url), { type: "module" }));

/** One lane stays free for the page itself, unless there are only two cores. */
const laneCount = () => Math.max(2, Math.min(16, navigator.hardwareConcurrency - 1));

const cpuEngine = async (lanes: number) => createCpuEngine({ lanes, module: await kernelModule(), spawn: spawnLane });

export const browserPlatform: HostPlatform = {
  engine: async (want) => {
    const { gpu } = navigator;
    return chooseEngine({
      want,
      cpu: () => cpuEngine(laneCount()),
      beside: (lanes) => cpuEngine(lanes === "one" ? 1 : laneCount()),
      gpu: gpu === undefined || want === "cpu" ? null : () => createGpuEngine(gpu),
    });
  },
  measuring: () => cpuEngine(1),
  kernels: kernelModule,
  storage: () => navigator.storage.getDirectory(),
};
