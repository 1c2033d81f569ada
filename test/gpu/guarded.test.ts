/**
 * A merge on a GPU that fails, for real: devices destroyed under way, memory that is not there, an adapter that does not come
 * back, results with a bit changed between the device and us. The merge goes on, or stops; it never writes a wrong byte.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import { memoryFolder } from "../../core/bytes/sink.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { createGpuEngine, type GpuOptions } from "../../core/engine/gpu/engine.ts";
import { type GuardOptions, guarded } from "../../core/engine/guarded.ts";
import {
  add,
  along,
  columnSums,
  input,
  mapVector,
  mul,
  rank,
  rowMaxima,
  rowSums,
  sub,
} from "../../core/graph/tensor.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { createJournal } from "../../core/run/journal.ts";
import { run } from "../../core/run/run.ts";
import { loadKernels } from "../cpu/kernels.ts";
import { misfits } from "../support/compare.ts";
import { type Input, planOf } from "../support/merge.ts";
import { planner } from "../support/plan.ts";
import { onGpu, theGpu } from "./dawn.ts";

const { plan: planFor, close } = planner("public/samples");
afterAll(close);

const RECIPES = {
  linear:
    "merge_method: linear\nmodels:\n  - {model: adder, parameters: {weight: 0.4}}\n  - {model: sorter, parameters: {weight: 0.6}}\ndtype: bfloat16\n",
  ties: "merge_method: ties\nbase_model: base\nmodels:\n  - {model: adder, parameters: {weight: 0.7, density: 0.4}}\n  - {model: sorter, parameters: {weight: 0.6, density: 0.4}}\ndtype: bfloat16\n",
  della:
    "merge_method: della\nbase_model: base\nmodels:\n  - {model: adder, parameters: {weight: 0.7, density: 0.4}}\n  - {model: sorter, parameters: {weight: 0.6, density: 0.4}}\n",
  slerp: "merge_method: slerp\nbase_model: adder\nmodels:\n  - {model: sorter}\nparameters: {t: 0.4}\n",
} as const;

let kernels: WebAssembly.Module;
beforeAll(async () => {
  kernels = await loadKernels();
});

/** A guarded engine on devices that are to go wrong. */
async function onDevices(
  onDevice: (device: GPUDevice, number: number) => void,
  options: Partial<GuardOptions> & { gpu?: GPU; sizes?: GpuOptions } = {},
): Promise<Engine> {
  let devices = 0;
  const open = () =>
    createGpuEngine(options.gpu ?? theGpu(), { ...options.sizes, onDevice: (device) => onDevice(device, devices++) });
  const { gpu: _, sizes: __, ...own } = options;
  return guarded(await open(), { open, cpu: () => createLocalEngine(kernels), share: 0, ...own });
}

async function resultOf(plan: Plan, engine: Engine) {
  const folder = memoryFolder();
  const sentences: string[] = [];
  try {
    const result = await run(plan, { engine, folder, memory: 1e8, onTrouble: (one) => sentences.push(one) });
    expect(result.troubles).toEqual(sentences);
    return { ...result, files: folder.files };
  } catch (error) {
    expect([...folder.files.keys()]).toEqual([]);
    throw error;
  } finally {
    await engine.close();
  }
}

const weights = (files: ReadonlyMap<string, Uint8Array>) => files.get("model.safetensors")!;
const undisturbed = async (plan: Plan) => weights((await resultOf(plan, await onDevices(() => {}))).files);

/** Calls `act` when the device is given its tile number `tile`. */
function atTile(device: GPUDevice, tile: number, act: () => void): void {
  const submit = device.queue.submit.bind(device.queue);
  let tiles = 0;
  device.queue.submit = (buffers) => {
    submit(buffers);
    if (tiles++ === tile) act();
    return undefined;
  };
}

/** A GPU whose devices have no memory for buffers above a size: they ask their driver for more than it has. */
function smallCard(most: (device: number) => number): GPU {
  let devices = 0;
  const changed = <T extends object>(of: T, own: Partial<T>): T =>
    new Proxy(of, {
      get: (target, name) => {
        const value = Reflect.get(own, name) ?? Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return changed(theGpu(), {
    requestAdapter: async (options) => {
      const adapter = await theGpu().requestAdapter(options);
      if (adapter === null) return null;
      return changed(adapter, {
        requestDevice: async (descriptor) => {
          const { maxBufferSize } = adapter.limits;
          const device = await adapter.requestDevice({ ...descriptor, requiredLimits: { maxBufferSize } });
          const room = most(devices++);
          const create = device.createBuffer.bind(device);
          device.createBuffer = (wanted) =>
            create({ ...wanted, size: wanted.size > room ? maxBufferSize : wanted.size });
          return device;
        },
      });
    },
  });
}

onGpu("a guarded GPU", () => {
  test.each(Object.entries(RECIPES))(
    "%s: undisturbed, the CPU agrees with every tile that it is shown",
    async (_, text) => {
      const plan = await planFor(text);
      const { checked, troubles } = await resultOf(plan, await onDevices(() => {}, { share: 1e9 }));
      expect(troubles).toEqual([]);
      expect(checked).toBeGreaterThan(10);
    },
  );

  test("few tiles are checked where checks may cost nothing, one of every kind all the same", async () => {
    const plan = await planFor(RECIPES.linear);
    const { checked } = await resultOf(plan, await onDevices(() => {}));
    const kinds = new Set(
      plan.tensors.flatMap((one) => (one.action === "merge" ? one.passes.map(({ program }) => program.key) : [])),
    );
    expect(checked).toBe(kinds.size);
  });

  test("a device lost in the middle is replaced, and the result is the same", async () => {
    const plan = await planFor(RECIPES.ties);
    const engine = await onDevices((device, number) => {
      if (number === 0) atTile(device, 20, () => device.destroy());
    });
    const { troubles, files } = await resultOf(plan, engine);
    expect(troubles).toEqual([
      expect.stringMatching(
        /the GPU device was lost \(.+\)\. The merge went on with a new device and smaller tiles\.$/,
      ),
    ]);
    expect(Buffer.compare(weights(files), await undisturbed(plan))).toBe(0);
    expect(engine.kind).toBe("gpu");
  });

  test("devices that are lost again and again give way to the CPU", async () => {
    const plan = await planFor(RECIPES.ties);
    const engine = await onDevices((device, number) => atTile(device, 10 + number, () => device.destroy()));
    const { troubles, files } = await resultOf(plan, engine);
    expect(troubles.at(-1)).toMatch(
      /the GPU device was lost .+ It was number 4 of this merge\. The CPU computed the rest\.$/,
    );
    expect(engine.kind).toBe("cpu");
    expect(engine.name).toMatch(/, then CPU/);
    expect(await farOff(plan, files)).toBe(0);
  });

  test("an adapter that cannot be had again gives way to the CPU; the next run asks for it again", async () => {
    const plan = await planFor(RECIPES.linear);
    let gone = true;
    let asked = 0;
    const gpu = new Proxy(theGpu(), {
      get: (target, name) =>
        name === "requestAdapter"
          ? async (options?: GPURequestAdapterOptions) => (asked++ > 0 && gone ? null : target.requestAdapter(options))
          : Reflect.get(target, name, target),
    });
    const engine = await onDevices(
      (device, number) => {
        if (number === 0) atTile(device, 5, () => device.destroy());
      },
      { gpu },
    );
    const { close } = engine;
    Object.assign(engine, { close: async () => {} });
    const { troubles, files } = await resultOf(plan, engine);
    expect(troubles).toEqual([
      expect.stringMatching(
        /was lost .+ There is no other one \(No WebGPU adapter was found\.\) The CPU computed the rest\.$/,
      ),
    ]);
    expect(await farOff(plan, files)).toBe(0);
    expect((await resultOf(plan, engine)).troubles).toEqual([expect.stringContaining("the GPU is not back.")]);
    gone = false;
    expect((await resultOf(plan, engine)).troubles).toEqual([]);
    expect(engine.kind).toBe("gpu");
    await close();
  });

  test.each(["linear", "slerp"] as const)(
    "%s: tiles that find no memory are cut, and the result is the same",
    async (recipe) => {
      const plan = await planFor(RECIPES[recipe]);
      const engine = await onDevices(() => {}, { gpu: smallCard(() => 20_000) });
      const { troubles, files } = await resultOf(plan, engine);
      expect(troubles).toEqual([
        expect.stringMatching(/GPU memory ran short, so tiles are cut into smaller pieces\.$/),
      ]);
      expect(Buffer.compare(weights(files), await undisturbed(plan))).toBe(0);
    },
  );

  test("a card without memory for the smallest tile gives way to the next, then to the CPU", async () => {
    const plan = await planFor(RECIPES.linear);
    const second = await resultOf(
      plan,
      await onDevices(() => {}, { gpu: smallCard((device) => (device === 0 ? 1000 : 1e9)) }),
    );
    expect(second.troubles.at(-1)).toMatch(
      /did not fit in GPU memory .*The merge went on with a new device and smaller tiles\.$/s,
    );
    const never = await resultOf(plan, await onDevices(() => {}, { gpu: smallCard(() => 1000) }));
    expect(never.troubles.at(-1)).toMatch(/The CPU computed the rest\.$/);
    expect(await farOff(plan, never.files)).toBe(0);
  });

  test("a program that the GPU refuses is the CPU's", async () => {
    const columns = 2 ** 19;
    const values = Float32Array.from({ length: columns }, (_, i) => Math.sin(i));
    const plan = planOf(rank(input(0), columns), [{ dtype: "F32", bytes: new Uint8Array(values.buffer) }]);
    const engine = await onDevices(() => {}, { sizes: { maxTileBytes: 2 ** 22 } });
    const said: string[] = [];
    engine.watch?.((sentence) => said.push(sentence));
    const cpu = await createLocalEngine(kernels);
    expect(Buffer.compare(await computeTensor(plan, engine), await computeTensor(plan, cpu))).toBe(0);
    expect(said).toEqual([
      expect.stringMatching(/too long to be ranked here\. The CPU computes these tiles instead\.$/),
    ]);
    await engine.close();
  });
});

/** Elements of a result that are not what the CPU alone makes, as far as rounding explains. */
async function farOff(plan: Plan, files: ReadonlyMap<string, Uint8Array>): Promise<number> {
  const cpu = await createLocalEngine(kernels);
  const bytes = weights(files);
  let apart = 0;
  for (const tensor of plan.tensors) {
    if (tensor.action === "copy") continue;
    const { start, end } = tensor.output.range;
    const found = misfits(tensor.dtype, bytes.slice(start, end), await computeTensor(tensor, cpu), {
      rel: 1e-6,
      ulp: 1,
    });
    // Where the last place decides on which side of a threshold an element is.
    if (found.length > 2) apart += found.length;
  }
  return apart;
}

describe("a GPU that computes wrongly", () => {
  const matrix = (seed: number): Input => ({
    dtype: "BF16",
    bytes: encode(
      "BF16",
      Float32Array.from({ length: 60_000 }, (_, i) => Math.sin(i * seed) * 0.05),
    ),
  });

  /** Changes a bit of every result that comes back from tile `from` on, at a share of its length. */
  const flipping = (from: number, share: number) => (device: GPUDevice) => {
    const create = device.createBuffer.bind(device);
    let tiles = 0;
    device.createBuffer = (wanted) => {
      const buffer = create(wanted);
      if (wanted.label !== "readback") return buffer;
      const range = buffer.getMappedRange.bind(buffer);
      buffer.getMappedRange = (offset, size) => {
        const mapped = range(offset, size);
        if (tiles++ >= from) {
          const bytes = new Uint8Array(mapped);
          const at = Math.floor((share * bytes.length) / 4) * 4 + 3;
          bytes[at]! ^= 0x40;
        }
        return mapped;
      };
      return buffer;
    };
  };

  const A = input(0);
  const B = input(1);
  /** Kinds of what a tile yields, and where in what comes back it lies. */
  const SWEEPS = {
    "an element": [add(A, B), 0.5],
    "a sum of a row": [mul(A, along(mapVector((sum) => 1 / sum, rowSums(mul(A, A), 300)))), 0],
    "a maximum of a row": [mul(A, along(mapVector((most) => 1 / most, rowMaxima(sub(A, B), 300)))), 0],
    "a sum of a column": [mul(A, along(mapVector((sum) => 1 / sum, columnSums(mul(A, A), 300)))), 0],
  } as const;

  onGpu("is stopped", () => {
    test.each(Object.entries(SWEEPS))("%s", async (_, [tensor, share]) => {
      const plan = planOf(tensor, [matrix(0.37), matrix(0.11)]);
      const engine = await onDevices(flipping(0, share));
      await expect(computeTensor(plan, engine)).rejects.toMatchObject({
        name: "DeviceError",
        message: expect.stringMatching(
          /the GPU computed something else than the CPU \("x", elements 0 to .+\)\. .+ Choose the CPU/,
        ),
      });
      await engine.close();
    });

    test.each([
      ["a histogram or a sum", 0],
      ["the last bytes", 0.999],
    ])("in a merge: %s", async (_, share) => {
      const plan = await planFor(RECIPES.ties);
      await expect(resultOf(plan, await onDevices(flipping(0, share)))).rejects.toThrow("the merge was stopped");
    });

    test("in a merge that was right at first, by the tiles that are checked at random", async () => {
      const plan = await planFor(RECIPES.linear);
      const engine = await onDevices(flipping(8, 0.3), { share: 1e9 });
      await expect(resultOf(plan, engine)).rejects.toThrow("the merge was stopped");
    });

    test("whatever a journal has is given up with it: finished work may be wrong too", async () => {
      const plan = await planFor(RECIPES.linear);
      const folder = memoryFolder();
      let text = "";
      const ledger = {
        append: async (more: string) => {
          text += more;
        },
        close: async () => {},
        remove: async () => {
          text = "removed";
        },
      };
      const journal = { ...createJournal(ledger), hasWork: true };
      const engine = await onDevices(flipping(8, 0.3), { share: 1e9 });
      await expect(run(plan, { engine, folder, memory: 1e8, journal })).rejects.toThrow("the merge was stopped");
      expect([...folder.files.keys()]).toEqual([]);
      expect(text).toBe("removed");
      await engine.close();
    });
  });
});
