/** Every engine there is, for suites that hold each to the same numbers. Without a GPU adapter the suite fails. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openDawn } from "../../cli/dawn.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { createGpuEngine } from "../../core/engine/gpu/engine.ts";

export async function kernels(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(readFileSync(join(import.meta.dirname, "../../kernels/build/kernels.wasm")));
}

export async function engines(): Promise<{ name: string; engine: Engine }[]> {
  const cpu = { name: "CPU", engine: await createLocalEngine(await kernels()) };
  const gpu = await openDawn();
  if (gpu === null) {
    if (process.env.WEIGHTLOOM_ALLOW_NO_GPU === "1") {
      console.warn("NO WEBGPU HERE: the GPU engine is NOT tested (WEIGHTLOOM_ALLOW_NO_GPU=1).");
      return [cpu];
    }
    throw new Error(
      "No WebGPU adapter in Node. Install Chromium (for its software adapter) and libvulkan1, or set WEIGHTLOOM_ALLOW_NO_GPU=1 to go without.",
    );
  }
  return [cpu, { name: "WebGPU", engine: (await createGpuEngine(gpu)).engine }];
}
