/**
 * Compiled kernels, one per text. Whoever asks while a kernel is being compiled waits for the same
 * promise; a kernel that did not compile is not remembered.
 */
import { DeviceTrouble, messageOf, type WeightloomError } from "../../errors.ts";
import type { Device } from "./device.ts";

export interface Pipelines {
  /** The pipeline of a kernel's text, with entry point `main` and an automatic layout. */
  get(text: string): Promise<GPUComputePipeline>;
}

export function createPipelines(device: Device): Pipelines {
  const known = new Map<string, Promise<GPUComputePipeline>>();
  return {
    get: (text) => {
      let pipeline = known.get(text);
      if (pipeline === undefined) {
        pipeline = compile(device, text);
        known.set(text, pipeline);
        pipeline.catch(() => known.delete(text));
      }
      return pipeline;
    },
  };
}

async function compile(device: Device, text: string): Promise<GPUComputePipeline> {
  const { value: module, done } = device.accepted("compiling a kernel", () =>
    device.gpu.createShaderModule({ code: text }),
  );
  // A text that does not compile is reported below, with its place; the scope only repeats it.
  const accepted = done.then(
    () => null,
    (error: unknown) => error,
  );
  const { messages } = await device.guard(module.getCompilationInfo());
  const wrong = messages.filter((message) => message.type === "error");
  if (wrong.length > 0) throw badKernel(text, wrong);
  const error = await device.guard(accepted);
  if (error !== null) throw error;
  // A kernel the driver refuses rejects with a reason, but leaves the device as it was.
  const built = device.gpu.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } }).then(
    (pipeline) => ({ pipeline }),
    (cause: unknown) => ({ cause }),
  );
  const result = await device.guard(built);
  if ("pipeline" in result) return result.pipeline;
  throw new DeviceTrouble(
    "refused",
    `${device.adapter.name}: the GPU driver refused a kernel (${messageOf(result.cause)}). Choose the CPU and report this.\n${numbered(text)}`,
    { cause: result.cause },
  );
}

function badKernel(text: string, errors: readonly GPUCompilationMessage[]): WeightloomError {
  const places = errors.map((error) => `line ${error.lineNum}, column ${error.linePos}: ${error.message}`);
  return new DeviceTrouble(
    "refused",
    `A kernel did not compile. Choose the CPU and report this. ${places.join("; ")}\n${numbered(text)}`,
  );
}

function numbered(text: string): string {
  return text
    .split("\n")
    .map((line, i) => `${String(i + 1).padStart(4)} ${line}`)
    .join("\n");
}
