/**
 * One WebGPU device and its fate. A device fails once and for all: whatever goes wrong first (lost,
 * a rejected command) becomes the one sentence that every present and later run rejects with, so no result computed
 * on a broken device is ever returned. Only a want of memory concerns nobody but who asked for it.
 */
import { DeviceTrouble, messageOf, WeightloomError } from "../../errors.ts";

export interface AdapterName {
  /** For the badge: "Apple M3", "nvidia ampere". */
  readonly name: string;
  /** Computes on the CPU, pretending to be a GPU. */
  readonly software: boolean;
}

export interface Device {
  readonly gpu: GPUDevice;
  readonly adapter: AdapterName;
  /** Throws the device's failure, if it has one. */
  check(): void;
  /** The promise's value, unless the device fails first; anything it rejects with becomes a DeviceError. */
  guard<T>(promise: Promise<T>): Promise<T>;
  /** The device's failure, or what else was thrown, as an error that says so. */
  explain(error: unknown): Promise<WeightloomError>;
  /** Issues commands, synchronously; `done` rejects if the device did not accept them all. Pass it to guard(). */
  accepted<T>(what: string, commands: () => T): { readonly value: T; readonly done: Promise<void> };
  /** Marks the device as failed and gives it back. */
  fail(error: WeightloomError): void;
}

/** Innermost last, so popped in reverse. */
const SCOPES = ["validation", "internal", "out-of-memory"] as const;

/** What a driver says, without where in its sources. */
const brief = (message: string) => message.split("\n")[0]?.replace(/[.\s]+$/, "") ?? "";

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|\bwarp\b|\bcpu\b/i;

/** What an adapter is, as far as the browser tells. */
export function describe(adapter: GPUAdapter): AdapterName {
  const { vendor, architecture, device, description } = adapter.info;
  const told = [description, [vendor, architecture].filter((word) => word !== "").join(" "), device];
  const flags: readonly unknown[] = [
    adapter.info.isFallbackAdapter,
    // Where it lived until 2025.
    "isFallbackAdapter" in adapter && adapter.isFallbackAdapter,
  ];
  return {
    name: told.find((text) => text !== "") ?? "WebGPU adapter",
    software: flags.includes(true) || SOFTWARE.test([vendor, architecture, device, description].join(" ")),
  };
}

const lostDevice = (message: string, cause?: unknown) => new DeviceTrouble("lost", message, { cause });

/**
 * Asks for the fastest adapter and a device with the limits every WebGPU implementation guarantees;
 * the kernels need no more. Rejects with a DeviceError when there is none.
 */
export async function openDevice(gpu: GPU): Promise<Device> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) {
    throw lostDevice(
      "No WebGPU adapter was found. Update the graphics driver, use another browser, or choose the CPU.",
    );
  }
  const named = describe(adapter);
  try {
    // Only for telling how long kernels take.
    const requiredFeatures = (["timestamp-query"] as const).filter((feature) => adapter.features.has(feature));
    return watch(await adapter.requestDevice({ label: "weightloom", requiredFeatures }), named);
  } catch (cause) {
    throw lostDevice(
      `${named.name}: the GPU gave no device (${messageOf(cause)}). Close other programs that use it, or choose the CPU.`,
      cause,
    );
  }
}

function watch(gpu: GPUDevice, adapter: AdapterName): Device {
  let failure: WeightloomError | null = null;
  let announce: (error: WeightloomError) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    announce = reject;
  });
  failed.catch(() => {}); // Heard by guard(); nobody else need listen.

  const fail = (error: WeightloomError) => {
    if (failure !== null) return;
    failure = error;
    announce(error);
    gpu.destroy();
  };
  const lost = gpu.lost.then(({ message }) => {
    fail(
      lostDevice(
        `${adapter.name}: the GPU device was lost (${brief(message) || "no reason given"}). ` +
          "Start again to continue on a new device, or choose the CPU.",
      ),
    );
  });
  gpu.addEventListener("uncapturederror", ({ error }) => {
    fail(lostDevice(`${adapter.name}: the GPU refused a command (${error.message}). Choose the CPU and report this.`));
  });

  const check = () => {
    if (failure !== null) throw failure;
  };

  /** A rejected mapping is often the first sign of a loss whose reason follows a moment later. */
  const explain = async (error: unknown): Promise<WeightloomError> => {
    // A device that lacks memory for one thing goes on with others.
    if (error instanceof DeviceTrouble && error.trouble === "memory") return error;
    if (error instanceof DeviceTrouble && error === failure) return error;
    if (failure === null) await Promise.race([lost, new Promise((resolve) => setTimeout(resolve, 250))]);
    if (failure === null && error instanceof WeightloomError) return error;
    fail(lostDevice(`${adapter.name}: the GPU failed (${messageOf(error)}). Start again, or choose the CPU.`, error));
    return failure ?? lostDevice(messageOf(error), error);
  };

  return {
    gpu,
    adapter,
    check,
    fail,
    explain,
    guard: async (promise) => {
      try {
        const value = await Promise.race([promise, failed]);
        check();
        return value;
      } catch (error) {
        throw failure ?? (await explain(error));
      }
    },
    accepted: (what, commands) => {
      check();
      for (const scope of SCOPES) gpu.pushErrorScope(scope);
      let popped: Promise<GPUError | null>[] = [];
      try {
        const value = commands();
        const done = Promise.resolve().then(() => settle(what, popped));
        done.catch(() => {}); // Heard by whoever asks.
        return { value, done };
      } finally {
        // Popped before anybody else can push: scopes are a stack shared by all runs.
        popped = SCOPES.map(() => gpu.popErrorScope());
        for (const promise of popped) promise.catch(() => {}); // Heard by settle(), if commands() did not throw.
      }
    },
  };

  async function settle(what: string, popped: readonly Promise<GPUError | null>[]): Promise<void> {
    const [memory, ...others] = await Promise.all(popped);
    if (memory) {
      throw new DeviceTrouble(
        "memory",
        `${adapter.name}: ${what} did not fit in GPU memory (${brief(memory.message)}). ` +
          "Close other programs that use the GPU, or choose the CPU.",
      );
    }
    for (const error of others) if (error) throw new Error(`${what}: ${error.message}`);
  }
}
