/** exp and log on every engine: within 2e-7 of f64 over all of f32, and right at the special values. */
import { afterAll, describe, expect, test } from "vitest";
import { exp, input, log } from "../../core/graph/tensor.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { engines } from "../support/engines.ts";
import { planOf } from "../support/merge.ts";

const NORMAL = 2 ** -126;

/** Every 1,021st bit pattern of f32, and all next to 1. */
function everywhere(): Float32Array<ArrayBuffer> {
  const spread = Uint32Array.from({ length: 4_206_629 }, (_, i) => (i * 1021) >>> 0);
  const near = Uint32Array.from({ length: 200_000 }, (_, i) => 0x3f800000 - 100_000 + i);
  const all = new Uint32Array(spread.length + near.length);
  all.set(spread);
  all.set(near, spread.length);
  return new Float32Array(all.buffer);
}

const SPECIAL = [0, -0, 1, -1, Infinity, -Infinity, Number.NaN, 2 ** -149, 2 ** -127, 88.7, 88.73, -87.3, -104, 3e38];

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  const run = async (of: typeof exp, values: Float32Array<ArrayBuffer>) => {
    const plan = planOf(of(input(0)), [{ dtype: "F32", bytes: new Uint8Array(values.buffer) }]);
    return new Float32Array((await computeTensor(plan, engine)).buffer);
  };

  test.each([
    ["exp", exp, Math.exp],
    ["log", log, Math.log],
  ] as const)("%s", async (_, of, exact) => {
    const values = everywhere();
    const found = await run(of, values);
    let worst = 0;
    const wrong: unknown[] = [];
    for (let i = 0; i < values.length; i++) {
      const [got, want] = [found[i]!, exact(values[i]!)];
      if (Number.isNaN(want) || Math.abs(want) > 3.4028234e38) {
        if (!Object.is(got, Math.fround(want))) wrong.push([values[i], got, want]);
      } else if (Math.abs(want) < NORMAL) {
        if (Math.abs(got - want) > NORMAL) wrong.push([values[i], got, want]);
      } else worst = Math.max(worst, Math.abs(got - want) / Math.abs(want));
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(worst).toBeLessThan(2e-7);
  });

  test("special values", async () => {
    const values = new Float32Array(SPECIAL);
    const powers = await run(exp, values);
    expect([...powers.slice(0, 7)]).toEqual([1, 1, Math.fround(Math.E), Math.fround(1 / Math.E), Infinity, 0, NaN]);
    expect(powers[10]).toBe(Infinity);
    expect(powers[12]).toBe(0);
    const logs = await run(log, values);
    expect([...logs.slice(0, 7)]).toEqual([-Infinity, -Infinity, 0, NaN, Infinity, NaN, NaN]);
    expect(logs[7]).toBeCloseTo(-149 * Math.LN2, 4);
    expect(logs[8]).toBeCloseTo(-127 * Math.LN2, 4);
  });
});
