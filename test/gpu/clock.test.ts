/** What the engine tells a clock: uploads, work, kernels by the device's own timestamps, downloads; the same results as untimed. */
import { expect, test } from "vitest";
import { createClock } from "../../core/clock.ts";
import { createGpuEngine } from "../../core/engine/gpu/engine.ts";
import { makeJob } from "../cpu/kernels.ts";
import { onGpu, theGpu } from "./dawn.ts";

const COUNT = 500_000;

onGpu("a timed tile", () => {
  test("is told apart, and yields what an untimed one does", async () => {
    const { engine } = await createGpuEngine(theGpu());
    const adapter = await theGpu().requestAdapter();
    const values = new Float32Array(COUNT).map((_, i) => Math.sin(i));
    const job = makeJob({
      ops: [
        { op: "input", slot: 0 },
        { op: "mul", a: 0, b: 0 },
      ],
      inputs: [{ dtype: "F32", bytes: new Uint8Array(values.buffer) }],
      sums: [1],
      output: 1,
    });
    try {
      const clock = createClock();
      const timed = await engine.run({ ...job, clock });
      const untimed = await engine.run(job);
      expect(Buffer.compare(timed.output!, untimed.output!)).toBe(0);
      expect(timed.sums).toEqual(untimed.sums);
      const spent = new Map(clock.report().activities.map((one) => [one.activity, one]));
      expect(spent.get("upload")?.bytes).toBeGreaterThanOrEqual(4 * COUNT);
      expect(spent.get("download")?.bytes).toBeGreaterThanOrEqual(4 * COUNT);
      expect(spent.get("compute")?.times).toBe(1);
      expect(untimed.spent).toBeUndefined();
      const kernel = spent.get("kernel")?.total ?? 0;
      if (adapter?.features.has("timestamp-query") === true) {
        expect(kernel).toBeGreaterThan(0);
        expect(kernel).toBeLessThanOrEqual(spent.get("compute")!.total);
        expect(timed.spent).toBeCloseTo(kernel * 1000);
      } else expect(kernel).toBe(0);
    } finally {
      await engine.close();
    }
  });
});
