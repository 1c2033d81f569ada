import { describe, expect, test } from "vitest";
import { formOf } from "../../core/graph/form.ts";
import { passesOf } from "../../core/graph/passes.ts";
import type { Scalar, Tensor } from "../../core/graph/tensor.ts";
import {
  abs,
  add,
  along,
  gt,
  input,
  kth,
  map,
  mapVector,
  mul,
  random,
  rowSums,
  sub,
  sum,
  top,
  where,
} from "../../core/graph/tensor.ts";

/** As a method would make it for a tensor: with every kind of number in it. */
function made(k: number, p: number, columns = 64): { output: Tensor; watched: Scalar[] } {
  const delta = sub(input(0), input(1));
  const kept = mul(delta, top(delta, k));
  const share = map((all) => (all > 0 ? p / all : p), sum(abs(kept)));
  const scaled = along(mapVector((x) => x * p, rowSums(mul(kept, input(1)), columns)));
  const drawn = where(gt(random(1), p), mul(kept, share), scaled);
  return { output: add(input(1), mul(drawn, kth(abs(drawn), k))), watched: [share] };
}

describe("expressions of one form", () => {
  test("numbers do not matter, what they are made of does", () => {
    const text = (output: Tensor, watched: readonly Scalar[] = []) => formOf(output, watched).text;
    const [one, other] = [made(10, 0.5), made(99, 0.25)];
    expect(text(one.output, one.watched)).toBe(text(other.output, other.watched));
    expect(text(one.output)).not.toBe(text(one.output, one.watched));
    expect(text(one.output)).not.toBe(text(made(10, 0.5, 32).output));
    expect(text(random(1))).not.toBe(text(random(2)));
    expect(text(sub(input(0), input(1)))).not.toBe(text(sub(input(1), input(0))));
    // The same twice is not the same as two that are alike: a program shares the one, not the other.
    const c = random(1);
    expect(text(mul(c, c))).not.toBe(text(mul(c, random(1))));
  });

  test.each([
    [32, false],
    [32, true],
    [1, false],
    [0, false],
  ] as const)("have the same sweeps over their own numbers (planes of %d bits, windows %s)", (widest, windowed) => {
    const [first, second] = [made(10, 0.5), made(99, 0.25)];
    const own = new Set<unknown>(formOf(second.output, second.watched).nodes);
    const [a, b] = [first, second].map(({ output, watched }) => passesOf(output, watched, widest, windowed));
    expect(b!.length).toBeGreaterThan(2);
    expect(b!.map(({ program }) => program)).toEqual(a!.map(({ program }) => program));
    const named = b!.flatMap(({ sums, masses, high, low, windows, reduced, cuts, vectors, uniforms }) => {
      const looked = [...windows, ...cuts].map(({ selection }) => selection);
      const again = windows.flatMap(({ sample, digits }) => [sample, digits().high, digits().low]);
      const added = masses.map(({ explicit }) => explicit());
      const words = [...uniforms, ...cuts.flatMap(({ count, value }) => [...count.uniforms, ...value.uniforms])];
      const inWords = [...words, ...[...again, ...added].flatMap((fused) => fused.uniforms)].flatMap((one) =>
        one.kind === "key" ? [] : [one.kind === "value" ? one.scalar : one.selection],
      );
      return [
        ...sums,
        ...masses.flatMap(({ sum, selection }) => [sum, selection]),
        ...high,
        ...low,
        ...reduced,
        ...vectors,
        ...looked,
        ...inWords,
      ];
    });
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((one) => !own.has(one))).toEqual([]);
  });
});
