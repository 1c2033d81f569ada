/** How methods fall into sweeps, asserted as data. */
import { describe, expect, test } from "vitest";
import { stagesOf } from "../../core/engine/stages.ts";
import { passesOf } from "../../core/graph/passes.ts";
import { unitOf } from "../../core/graph/program.ts";
import {
  abs,
  add,
  along,
  columnSums,
  dot,
  fill,
  input,
  map,
  mapVector,
  mul,
  rank,
  rowMaxima,
  rowSums,
  sub,
  sum,
  top,
  total,
  where,
  ZERO,
} from "../../core/graph/tensor.ts";
import type { AnyMethod } from "../../core/method.ts";
import { METHODS } from "../../methods/index.ts";

const [a, b, c] = [input(0), input(1), input(2)];

function merged(id: string, models: Record<string, number>[], params: Record<string, number | boolean>) {
  const method = METHODS.get(id) as AnyMethod;
  return method.merge({
    base: method.base === "required" ? a : null,
    models: models.map((own, i) => ({ tensor: input(i + 1), index: i, params: own })),
    params,
    count: 100_000,
    columns: 1000,
    shape: [100, 1000],
    depth: null,
    compat: false,
    watch: () => {},
    name: "x",
  });
}

describe("sweeps", () => {
  test("elementwise methods take one", () => {
    expect(passesOf(add(mul(a, 0.5), b))).toHaveLength(1);
    expect(passesOf(merged("linear", [{ weight: 1 }, { weight: 2 }], { normalize: true }))).toHaveLength(1);
    const family = { normalize: true, rescale: false, lambda: 1 };
    expect(passesOf(merged("ties", [{ weight: 1, density: 1 }], family))).toHaveLength(1);
    expect(passesOf(merged("dare_ties", [{ weight: 1, density: 0.5 }], family))).toHaveLength(1);
  });

  test("slerp is three sums, settle, one sweep", () => {
    const passes = passesOf(merged("slerp", [{}], { t: 0.5 }));
    expect(passes.map((pass) => pass.sums.length)).toEqual([3, 0]);
    expect(passes.map((pass) => pass.program.output !== null)).toEqual([false, true]);
  });

  test("trimming is two histograms, one sweep", () => {
    const models = [
      { weight: 1, density: 0.5 },
      { weight: 1, density: 0.2 },
    ];
    const passes = passesOf(merged("ties", models, { normalize: true, rescale: false, lambda: 1 }));
    expect(passes.map((p) => [p.high.length, p.low.length, p.cuts.length, p.program.output !== null])).toEqual([
      [2, 0, 0, false],
      [0, 2, 2, false],
      [0, 0, 0, true],
    ]);
  });

  test("where samples can be had, trimming is one sweep of windows, one sweep", () => {
    const models = [
      { weight: 1, density: 0.5 },
      { weight: 1, density: 0.2 },
    ];
    const ties = merged("ties", models, { normalize: true, rescale: false, lambda: 1 });
    const passes = passesOf(ties, [], 0, true);
    expect(passes.map((p) => [p.high.length, p.low.length, p.windows.length, p.cuts.length])).toEqual([
      [0, 0, 2, 2],
      [0, 0, 0, 0],
    ]);
    const [window] = passes[0]!.windows;
    expect(window?.sample.program.output).not.toBeNull();
    const { high, low } = window!.digits();
    expect([high, low].map(({ program }) => program.histograms[0]?.digit)).toEqual(["high", "low"]);
  });

  test("rescaling after trimming adds one sweep, and the whole norm shares the first", () => {
    const models = [{ weight: 1, density: 0.5 }];
    const passes = passesOf(merged("ties", models, { normalize: true, rescale: true, lambda: 1 }));
    expect(passes.map((p) => p.sums.length)).toEqual([1, 0, 1, 0]);
  });

  test("a sum of a sum waits for it", () => {
    const mean = map((s) => s / 10, sum(a));
    const spread = sum(abs(sub(a, fill(mean))));
    expect(passesOf(mul(a, spread)).map((pass) => pass.sums.length)).toEqual([1, 1, 0]);
  });
});

describe("vectors", () => {
  const unit = (n: number) => mul(a, along(mapVector((s) => 1 / Math.sqrt(s), rowSums(mul(a, a), n))));

  test("end a sweep like a sum, and are looked up in the next", () => {
    const passes = passesOf(unit(64));
    expect(passes.map((pass) => [pass.program.reductions, pass.program.tables])).toEqual([
      [[{ value: 1, how: "sum", axis: "rows", columns: 64 }], []],
      [[], [{ axis: "rows", columns: 64 }]],
    ]);
    expect(passes[1]?.program.ops.map(({ op }) => op)).toEqual(["input", "along", "mul"]);
    expect(passes[0]?.program.key).not.toBe(passesOf(unit(32))[0]?.program.key);
  });

  test("of both axes share a sweep with sums; one that needs another waits for it", () => {
    const rows = along(rowSums(a, 8));
    const both = add(mul(rows, along(columnSums(b, 8))), fill(sum(a)));
    expect(passesOf(both).map((pass) => [pass.reduced.length, pass.sums.length])).toEqual([
      [2, 1],
      [0, 0],
    ]);
    const chain = mul(a, along(rowMaxima(mul(a, rows), 8)));
    expect(passesOf(chain).map((pass) => pass.reduced.map(({ how }) => how))).toEqual([["sum"], ["max"], []]);
  });

  test("ranks are values of the sweep, taken apart only by the engine", () => {
    const passes = passesOf(mul(b, rank(mul(a, b), 16)));
    expect(passes).toHaveLength(1);
    const { program } = passes[0]!;
    expect(program.ops.map(({ op }) => op)).toEqual(["input", "input", "mul", "rank", "mul"]);
    expect(unitOf(program)).toBe(4096);
    expect(unitOf(passesOf(rank(a, 3 * 64))[0]!.program)).toBe(3 * 4096);
    const stages = stagesOf(program);
    expect(stages.map(({ looks, sources }) => [looks?.columns ?? null, sources])).toEqual([
      [16, [0, 1]],
      // It looks at every input for NaN, those too that only the ranks are made of.
      [null, [0, 1, 2]],
    ]);
    expect(stages.map((stage) => stage.program.ops.map(({ op }) => op))).toEqual([
      ["input", "input", "mul"],
      ["input", "input", "input", "mul"],
    ]);
  });
});

describe("programs", () => {
  test("do not depend on parameter values", () => {
    const keys = [0.3, 0.7].map(
      (w) => passesOf(merged("linear", [{ weight: w }, { weight: 1 - w / 2 }], { normalize: true }))[0]?.program.key,
    );
    expect(keys[0]).toBe(keys[1]);
  });

  test("share equal operations and decode an input once", () => {
    const change = () => sub(b, a);
    const [pass] = passesOf(total([mul(change(), change()), change(), mul(change(), c)]));
    const ops = pass?.program.ops.map((op) => op.op) ?? [];
    expect(ops.filter((op) => op === "input")).toHaveLength(3);
    expect(ops.filter((op) => op === "sub")).toHaveLength(1);
  });

  test("read only the inputs they use", () => {
    const passes = passesOf(mul(c, dot(a, b)));
    expect(passes.map((pass) => pass.program.inputs)).toEqual([[0, 1], [2]]);
  });

  test("a weight of zero is not read", () => {
    const family = { normalize: true, rescale: false, lambda: 1 };
    const models = [
      { weight: 0, density: 1 },
      { weight: 1, density: 1 },
    ];
    expect(passesOf(merged("task_arithmetic", models, family))[0]?.program.inputs).toEqual(
      expect.arrayContaining([0, 2]),
    );
    expect(passesOf(merged("task_arithmetic", models, family))[0]?.program.inputs).not.toContain(1);
  });

  test("one selection may serve several tensors", () => {
    const mask = top(a, 10);
    const passes = passesOf(add(mul(a, mask), mul(b, mask)));
    expect(passes.map((pass) => pass.high.length)).toEqual([1, 0, 0]);
  });

  test("sums of what a selection chose are exact, whether they take a sweep of their own or come with a window", () => {
    const change = sub(a, b);
    const chosen = sum(abs(where(top(change, 10), change, ZERO)));
    const wanted = mul(
      a,
      map((s, t) => s / t, chosen, dot(a, b)),
    );
    const exactOf = (windowed: boolean) =>
      passesOf(wanted, [], 0, windowed).map(({ program }) =>
        program.sums.map((_, s) => program.exact?.includes(s) ?? false),
      );
    expect(exactOf(false)).toEqual([[false], [], [true], []]);
    expect(exactOf(true)).toEqual([[false, true], []]);
    const [{ masses }] = passesOf(wanted, [], 0, true) as [ReturnType<typeof passesOf>[0]];
    expect(masses.map(({ explicit }) => explicit().program.exact)).toEqual([[0]]);
  });
});
