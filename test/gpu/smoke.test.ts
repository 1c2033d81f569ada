import { expect, it } from "vitest";
import { calibrate } from "../../core/engine/calibrate.ts";
import { createGpuEngine } from "../../core/engine/gpu/engine.ts";
import { onGpu, theGpu } from "./dawn.ts";

onGpu("smoke", () => {
  it("runs", async () => {
    const { engine, name, software } = await createGpuEngine(theGpu());
    const speed = await calibrate(engine);
    console.log(name, software, (speed / 1e9).toFixed(3), "GB/s");
    expect(speed).toBeGreaterThan(0);
    await engine.close();
  });
});
