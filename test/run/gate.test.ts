/** A paused run begins nothing, finishes what it began, and counts no time. */
import { expect, test } from "vitest";
import { memoryFolder } from "../../core/bytes/sink.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import { createGate } from "../../core/run/gate.ts";
import { run } from "../../core/run/run.ts";
import { madeModel, planOf } from "../support/made.ts";

async function made() {
  const tensors = { "model.layers.{0..9}.mlp.up_proj.weight": { value: 2, shape: [64, 256] } };
  const models = await Promise.all(["a", "b"].map((ref) => madeModel(ref, tensors)));
  const recipe = {
    merge_method: "linear",
    parameters: { weight: 1 },
    models: [{ model: "a" }, { model: "b" }],
  };
  return planOf(recipe as never, models);
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("nothing is begun while it is closed, what was begun is finished, and the bytes are the same", async () => {
  const plan = await made();
  const usual = memoryFolder();
  await run(plan, { engine: createPlainEngine(), folder: usual, memory: 3e5 });
  const gate = createGate();
  const plain = createPlainEngine();
  let [begun, ended, written] = [0, 0, 0];
  const engine: Engine = {
    ...plain,
    run: async (job, signal) => {
      begun++;
      const result = await plain.run(job, signal);
      ended++;
      return result;
    },
  };
  const folder = memoryFolder();
  const work = run(plan, {
    engine,
    folder,
    memory: 3e5,
    gate,
    onEvent: ({ tensorsDone }) => {
      written = tensorsDone;
      if (tensorsDone === 3 && gate.closedFor() === 0) gate.close();
    },
  });
  while (gate.isOpen) await sleep(5);
  await sleep(100);
  expect(ended).toBe(begun);
  expect(written).toBe(begun);
  expect(begun).toBeLessThan(10);
  const before = begun;
  await sleep(400);
  expect([begun, written]).toEqual([before, before]);
  gate.open();
  const { seconds } = await work;
  expect(gate.closedFor()).toBeGreaterThan(490);
  expect(seconds).toBeLessThan(0.4);
  expect([...folder.files].every(([name, bytes]) => Buffer.compare(bytes, usual.files.get(name)!) === 0)).toBe(true);
  expect(folder.files.size).toBe(usual.files.size);
});

test("a paused run can be cancelled, and leaves nothing", async () => {
  const gate = createGate();
  gate.close();
  const controller = new AbortController();
  const folder = memoryFolder();
  const work = run(await made(), {
    engine: createPlainEngine(),
    folder,
    memory: 3e5,
    gate,
    signal: controller.signal,
  });
  await sleep(20);
  controller.abort(new DOMException("The merge was cancelled.", "AbortError"));
  await expect(work).rejects.toMatchObject({ name: "AbortError" });
  expect(folder.files.size).toBe(0);
});
