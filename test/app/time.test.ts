/** How long a merge is said to take. */
import { expect, test } from "vitest";
import { timeOf } from "../../app/plan/time.ts";
import { EMPTY } from "../../app/state/edits.ts";
import type { RunRecord } from "../../app/state/runs.ts";
import type { EngineInfo } from "../../workers/api.ts";

const engine: EngineInfo = { kind: "cpu", name: "CPU, 2 lanes", speed: 1e9, because: "" };
const run = (method: string, bytes: number, seconds: number, on = engine.name): RunRecord => ({
  id: `${method} ${bytes}`,
  at: 0,
  kept: { title: "Mine", recipe: { ...EMPTY, merge_method: method }, earlier: [], moe: null, text: null },
  models: [],
  outcome: {
    kind: "done",
    ok: true,
    checks: [],
    engine: on,
    seconds,
    bytes,
    files: [],
    folder: "",
    target: { kind: "private" },
  },
});
const plan = { readBytes: 4e9, writeBytes: 2e9 };

test("by the engine's speed, which counts a third of what is moved", () => {
  expect(timeOf(plan, "linear", engine, [])?.seconds).toBe(2);
  expect(timeOf(plan, "linear", null, [])).toBeNull();
  expect(timeOf(plan, "linear", { ...engine, speed: null }, [])).toBeNull();
});

test("by the newest large merge of the same method on the same engine, where there is one", () => {
  const small = run("ties", 1e6, 1);
  const other = run("linear", 1e9, 1);
  const elsewhere = run("ties", 1e9, 1, "GPU");
  expect(timeOf(plan, "ties", engine, [small, other, elsewhere])?.seconds).toBe(2);
  const found = timeOf(plan, "ties", engine, [small, run("ties", 1e9, 5), run("ties", 1e9, 50)]);
  expect(found?.seconds).toBe(10);
  expect(found?.from).toContain('"Mine"');
});

test("a merge that was resumed counts for what it wrote itself", () => {
  const whole = run("ties", 1e9, 5);
  const resumed: RunRecord = {
    ...whole,
    outcome: { ...whole.outcome, kind: "done", here: 1e8 } as RunRecord["outcome"],
  };
  expect(timeOf(plan, "ties", engine, [resumed])?.seconds).toBe(100);
  const little: RunRecord = { ...whole, outcome: { ...resumed.outcome, here: 1e6 } as RunRecord["outcome"] };
  expect(timeOf(plan, "ties", engine, [little, whole])?.seconds).toBe(10);
});
