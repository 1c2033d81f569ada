/** Masks kept between sweeps: which, and that the sweeps after the first only read them. */
import { describe, expect, test } from "vitest";
import { fromBytes } from "../../core/bytes/source.ts";
import { passesOf, planesIn } from "../../core/graph/passes.ts";
import type { Program } from "../../core/graph/program.ts";
import {
  abs,
  add,
  exp,
  gt,
  input,
  kth,
  lt,
  mul,
  overall,
  random,
  rank,
  sub,
  sum,
  type Tensor,
  where,
} from "../../core/graph/tensor.ts";
import { sweepsOf } from "../../core/plan/memory.ts";

const [a, b] = [input(0), input(1)];
const change = sub(b, a);
/** Scaled by what is left of it, so that two sweeps need the mask. */
const rescaled = (mask: Tensor): Tensor => {
  const left = where(mask, change, 0);
  return add(a, mul(left, sum(abs(left))));
};
const drawn = lt(random(0), 0.5);
const has = ({ ops }: Program, op: string) => ops.some((one) => one.op === op);

describe("a mask that two sweeps read", () => {
  test.each([
    ["random numbers", drawn, "random"],
    ["ranks", gt(rank(abs(change), 64), 10), "rank"],
    ["exponentials", gt(exp(change), 1), "exp"],
  ])("is kept where it is made of %s", (_, mask, op) => {
    const passes = passesOf(rescaled(mask), [], 32).map(({ program }) => program);
    expect(passes.map((program) => [has(program, op), has(program, "kept"), program.keeps?.length ?? 0])).toEqual([
      [true, false, 1],
      [false, true, 0],
    ]);
    expect(passesOf(rescaled(mask)).map(({ program }) => has(program, op))).toEqual([true, true]);
  });

  test("is made again where it is cheap, and where only one sweep needs it", () => {
    expect(planesIn(passesOf(rescaled(gt(change, 0)), [], 32))).toEqual([]);
    expect(planesIn(passesOf(add(a, where(drawn, change, 0)), [], 32))).toEqual([]);
    expect(planesIn(passesOf(add(rescaled(gt(change, 0)), where(drawn, change, 0)), [], 32))).toEqual([]);
  });

  test("lies in a plane of one bit, a dear number that is no mask in one of 32", () => {
    const score = exp(exp(change));
    const twice = add(a, mul(score, sum(score)));
    const passes = passesOf(twice, [], 32).map(({ program }) => program);
    expect(passes.map((program) => [has(program, "exp"), program.keeps?.[0]?.bits])).toEqual([
      [true, 32],
      [false, undefined],
    ]);
    expect(planesIn(passesOf(twice, [], 1))).toEqual([]);
    // What a mask is needed for is cheap once the mask is there.
    expect(planesIn(passesOf(rescaled(drawn), [], 32))).toEqual([1]);
  });

  test("is not kept over a round, in which tiles are let go of", () => {
    const left = where(drawn, change, 0);
    expect(planesIn(passesOf(mul(left, overall("x", sum(left))), [], 32))).toEqual([]);
  });

  test("has one plane however often it is read, and two masks have two", () => {
    const passes = passesOf(add(rescaled(drawn), mul(rescaled(lt(random(1), 0.2)), where(drawn, 1, 2))), [], 32);
    expect(planesIn(passes)).toEqual([1, 1]);
    expect(passes[0]?.program.keeps?.map(({ plane }) => plane).sort()).toEqual([0, 1]);
  });
});

describe("a plan", () => {
  const source = fromBytes("x", new Uint8Array(0));
  const sweeps = (memory: number, keeps: boolean, merged = rescaled(drawn)) => {
    const count = 1e7;
    const info = { name: "x", dtype: "BF16", shape: [count], source, range: { start: 0, end: 2 * count } } as const;
    const inputs = [0, 1].map((n) => ({ ref: `${n}`, dtype: "BF16", start: 0, info }) as const);
    const draft = { name: "x", inputs, count, dtype: "BF16", watched: [] } as const;
    return sweepsOf(draft, merged, { memory, maxTileBytes: 8e6, lanes: 2, keeps });
  };

  test("keeps masks, also of tensors that do not stay in memory", () => {
    expect(sweeps(1e9, true)).toMatchObject({ resident: true, planes: [1] });
    expect(sweeps(1e9, false)).toMatchObject({ resident: true, planes: [] });
    // 40 MB of inputs fit 0.7 of 58 MB, with 1.25 MB of plane they do not.
    expect(sweeps(58e6, true)).toMatchObject({ resident: false, planes: [1] });
    expect(sweeps(60e6, true)).toMatchObject({ resident: true, planes: [1] });
    expect(sweeps(1.5e6, true)).toMatchObject({ resident: false, planes: [] });
  });

  test("keeps dear numbers where there is room for them, else masks alone", () => {
    const score = exp(exp(exp(change)));
    const mixed = add(rescaled(drawn), mul(score, sum(score)));
    // Of 1e7 elements the inputs take 40 MB, the plane of the mask 1.25 MB, that of the score 40 MB.
    expect(sweeps(1e9, true, mixed)).toMatchObject({ resident: true, planes: [1, 32] });
    expect(sweeps(100e6, true, mixed)).toMatchObject({ resident: true, planes: [1] });
    expect(sweeps(50e6, true, mixed)).toMatchObject({ resident: false, planes: [1] });
    // A tensor that stays without them, or does not stay, is sampled all the same.
    const chosen = add(a, mul(score, kth(score, 5)));
    expect(sweeps(1e9, true, chosen).passes.map(({ windows }) => windows.length)).toEqual([1, 0]);
    expect(sweeps(100e6, true, chosen)).toMatchObject({ resident: true, planes: [] });
    expect(sweeps(100e6, true, chosen).passes.map(({ windows }) => windows.length)).toEqual([1, 0]);
    expect(sweeps(50e6, true, chosen)).toMatchObject({ resident: false });
    expect(sweeps(50e6, true, chosen).passes.map(({ windows }) => windows.length)).toEqual([1, 0]);
  });
});
