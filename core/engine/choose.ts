/**
 * Which engine computes. The user may say; otherwise the GPU must be a real one and must prove
 * faster on a short, typical piece of work, because a merge is bound by moving bytes and the CPU
 * need not move them to a card and back.
 */
import { messageOf, WeightloomError } from "../errors.ts";
import { calibrate } from "./calibrate.ts";
import type { Engine } from "./engine.ts";
import { guarded, type OpenedGpu } from "./guarded.ts";

export interface Candidates {
  readonly want: "auto" | "gpu" | "cpu";
  readonly cpu: () => Promise<Engine>;
  /** Null where there is no WebGPU at all. */
  readonly gpu: (() => Promise<OpenedGpu>) | null;
  /** CPU engines beside a GPU, whose tiles lie in nobody's memory: see `guarded.ts`. */
  readonly beside: (lanes: "one" | "all") => Promise<Engine>;
  /** Bytes of output per second; measured when not given. */
  readonly calibrate?: (engine: Engine) => Promise<number>;
}

export interface Choice {
  readonly engine: Engine;
  /** A sentence for the badge. */
  readonly because: string;
  /** Bytes of output per second, if it was measured. */
  readonly speed: number | null;
}

/**
 * Opens and compares as few engines as the wish allows, and closes the loser. A GPU comes guarded. Rejects with a
 * DeviceError when the GPU is asked for and there is none, or when no engine opens.
 */
export async function chooseEngine(candidates: Candidates): Promise<Choice> {
  const { want, cpu, gpu, beside } = candidates;
  const onCpu = async (because: string): Promise<Choice> => ({ engine: await cpu(), because, speed: null });
  if (want === "cpu") return onCpu("You chose the CPU.");
  if (gpu === null) {
    if (want === "auto") return onCpu("There is no WebGPU here.");
    throw new WeightloomError(
      "DeviceError",
      "The GPU was asked for, but there is no WebGPU here. Use a current Chrome or Edge with an up-to-date graphics driver " +
        "(on the command line: install the optional package webgpu and a Vulkan driver), or choose the CPU.",
    );
  }
  const watched = (opened: OpenedGpu) => guarded(opened, { open: gpu, cpu: beside });
  if (want === "gpu") {
    const opened = await gpu();
    return {
      engine: watched(opened),
      because: opened.software ? `You chose the GPU; ${opened.name} is a software one.` : "You chose the GPU.",
      speed: null,
    };
  }
  const opened = await gpu().catch((error: unknown) => messageOf(error));
  if (typeof opened === "string") return onCpu(`The GPU cannot be used: ${opened}`);
  if (opened.software) {
    await opened.engine.close();
    return onCpu(`${opened.name} is a software adapter, slower than the CPU itself.`);
  }
  const choice = await faster(opened.engine, opened.name, cpu, candidates.calibrate ?? calibrate);
  return choice.engine === opened.engine ? { ...choice, engine: watched(opened) } : choice;
}

async function faster(
  gpu: Engine,
  name: string,
  openCpu: Candidates["cpu"],
  measure: (engine: Engine) => Promise<number>,
): Promise<Choice> {
  // One after the other: they would compete for the same cores and memory.
  const gpuSpeed = await measure(gpu).catch((error: unknown) => messageOf(error));
  if (typeof gpuSpeed === "string") {
    await gpu.close();
    return { engine: await openCpu(), because: `The GPU failed its first tiles: ${gpuSpeed}`, speed: null };
  }
  let cpu: Engine;
  try {
    cpu = await openCpu();
  } catch (error) {
    return { engine: gpu, because: `The CPU engine did not start: ${messageOf(error)}`, speed: gpuSpeed };
  }
  const cpuSpeed = await measure(cpu).catch(() => 0);
  const because = `Measured: ${name} ${inGigabytes(gpuSpeed)}, CPU ${inGigabytes(cpuSpeed)} of output.`;
  if (gpuSpeed > cpuSpeed) {
    await cpu.close();
    return { engine: gpu, because, speed: gpuSpeed };
  }
  await gpu.close();
  return { engine: cpu, because, speed: cpuSpeed };
}

const inGigabytes = (speed: number) => `${(speed / 1e9).toFixed(speed < 1e9 ? 2 : 1)} GB/s`;
