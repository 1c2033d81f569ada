/** Engines and storage inside a browser's worker. */
import { chooseEngine } from "../core/engine/choose.ts";
import { type Arena, createArena } from "../core/engine/cpu/arena.ts";
import { createCpuEngine } from "../core/engine/cpu/pool.ts";
import { webLane } from "../core/engine/cpu/ports.ts";
import { createGpuEngine } from "../core/engine/gpu/engine.ts";
import sharedKernelsUrl from "../kernels/build/kernels.shared.wasm?url";
import kernelsUrl from "../kernels/build/kernels.wasm?url";
import type { HostPlatform } from "./host.ts";
import { scribeAside, scribeHere } from "./scribe.ts";

const modules = new Map<string, Promise<WebAssembly.Module>>();

function moduleAt(url: string): Promise<WebAssembly.Module> {
  const known = modules.get(url) ?? WebAssembly.compileStreaming(fetch(url));
  modules.set(url, known);
  return known;
}

const kernelModule = () => moduleAt(kernelsUrl);

const spawnLane = () => webLane(new Worker(new URL("./lane.worker.ts", import.meta.url), { type: "module" }));

/** Bytes cross to it where threads share memory; elsewhere they would be copied on the way. */
function spawnScribe() {
  if (!crossOriginIsolated) return scribeHere;
  const worker = new Worker(new URL("./scribe.worker.ts", import.meta.url), { type: "module" });
  return scribeAside(
    {
      post: (order) => worker.postMessage(order),
      listen: (listener) => worker.addEventListener("message", ({ data }) => listener(data)),
    },
    () => worker.terminate(),
    (tell) =>
      worker.addEventListener("error", ({ message }) => tell(message || "the thread that writes did not start")),
  );
}

/** One lane stays free for the page itself, unless there are only two cores. */
const laneCount = () => Math.max(2, Math.min(16, navigator.hardwareConcurrency - 1));

const cpuEngine = async (lanes: number) => createCpuEngine({ lanes, module: await kernelModule(), spawn: spawnLane });

/** Memory that the lanes share: only for pages that are isolated, and where so many addresses are to be had. */
function sharedMemory(): Arena | null {
  if (!crossOriginIsolated) return null;
  try {
    return createArena();
  } catch {
    return null;
  }
}

async function mergingEngine() {
  const arena = sharedMemory();
  if (arena === null) return cpuEngine(laneCount());
  return createCpuEngine({ lanes: laneCount(), module: await moduleAt(sharedKernelsUrl), spawn: spawnLane, arena });
}

export const browserPlatform: HostPlatform = {
  engine: async (want) => {
    const { gpu } = navigator;
    return chooseEngine({
      want,
      cpu: mergingEngine,
      beside: (lanes) => cpuEngine(lanes === "one" ? 1 : laneCount()),
      gpu: gpu === undefined || want === "cpu" ? null : () => createGpuEngine(gpu),
    });
  },
  measuring: () => cpuEngine(1),
  kernels: kernelModule,
  storage: () => navigator.storage.getDirectory(),
  scribe: spawnScribe,
};
