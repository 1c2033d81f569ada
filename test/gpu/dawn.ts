/**
 * One GPU for a test file. Without an adapter the suite fails, unless WEIGHTLOOM_ALLOW_NO_GPU=1
 * says that is known. Devices are opened with WebGPU's default limits, as in a browser: the engine
 * asks for no others.
 */
import { describe, type SuiteFactory } from "vitest";
import { openDawn } from "../../cli/dawn.ts";

export const gpu = await openDawn();

if (gpu === null) {
  if (process.env.WEIGHTLOOM_ALLOW_NO_GPU !== "1") {
    throw new Error(
      "No WebGPU adapter in Node. Install Chromium (for its software adapter) and libvulkan1, or set WEIGHTLOOM_ALLOW_NO_GPU=1 to go without.",
    );
  }
  console.warn("NO WEBGPU HERE: the GPU engine is NOT tested (WEIGHTLOOM_ALLOW_NO_GPU=1).");
}

/** A suite that needs the adapter. */
export const onGpu = (name: string, suite: SuiteFactory) => describe.skipIf(gpu === null)(name, suite);

/** The adapter; only inside onGpu(). */
export function theGpu(): GPU {
  if (gpu === null) throw new Error("No WebGPU adapter.");
  return gpu;
}
