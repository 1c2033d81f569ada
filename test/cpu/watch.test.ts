/** NaN and infinity are noticed, whatever is made of them, by looking at fewer values than are watched. */
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { createLane, type Lane } from "../../core/engine/cpu/lane.ts";
import { lookedAt } from "../../core/engine/cpu/watch.ts";
import type { Op } from "../../core/graph/program.ts";
import { bytesOf, floatWord, loadKernels, makeJob, noise } from "./kernels.ts";

let lane: Lane;
beforeAll(async () => {
  lane = await createLane(await loadKernels());
});

const INPUTS: Op[] = [0, 1, 2].map((slot) => ({ op: "input", slot }));
const UNIFORM: Op = { op: "uniform", word: 0 };

/** Operations on what comes before them. */
const operations = fc.array(
  fc.record({
    op: fc.constantFrom("add", "sub", "mul", "div", "min", "max", "where", "neg", "abs", "gt", "sqrt"),
    a: fc.nat(),
    b: fc.nat(),
    c: fc.nat(),
  }),
  { minLength: 1, maxLength: 12 },
);

function program(drawn: readonly { op: string; a: number; b: number; c: number }[]): Op[] {
  const ops: Op[] = [...INPUTS, UNIFORM];
  for (const { op, a, b, c } of drawn) {
    const [x, y, z] = [a, b, c].map((operand) => operand % ops.length);
    if (op === "where") ops.push({ op, a: x!, b: y!, c: z! });
    else if (op === "neg" || op === "abs" || op === "sqrt") ops.push({ op, a: x! });
    else ops.push({ op: op as "add", a: x!, b: y! });
  }
  return ops;
}

/** Whether a lane finds something in three inputs of which some are watched; `odd` is put somewhere into one of them. */
function noticed(
  ops: readonly Op[],
  watched: readonly number[],
  odd: number | null,
  slot: number,
  seed: number,
): boolean {
  const next = noise(seed);
  const count = 64 + (next() % 3000);
  const inputs = [0, 1, 2].map(() => Float32Array.from({ length: count }, () => 0.5 + next() / 2 ** 33));
  if (odd !== null) inputs[slot]![next() % count] = odd;
  const job = makeJob({
    ops,
    inputs: inputs.map((values) => ({ dtype: "F32", bytes: bytesOf(values) })),
    words: [floatWord(0)],
  });
  return lane.run({ ...job, program: { ...job.program, watched } }).unsound;
}

test("whatever is made of it, what is not finite is noticed", () => {
  fc.assert(
    fc.property(
      operations,
      fc.subarray([0, 1, 2], { minLength: 1 }),
      fc.constantFrom(Number.NaN, Infinity, -Infinity),
      fc.integer(),
      fc.boolean(),
      (drawn, slots, odd, seed, output) => {
        const ops = program(drawn);
        const watched = output ? [...slots, ops.length - 1] : slots;
        for (const slot of slots) expect(noticed(ops, watched, odd, slot, seed)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test("nothing is noticed where all is finite", () => {
  const ops: Op[] = [...INPUTS, { op: "sub", a: 1, b: 0 }, { op: "sub", a: 2, b: 0 }, { op: "mul", a: 3, b: 4 }];
  for (const seed of [1, 2, 3]) expect(noticed(ops, [0, 1, 2, 5], null, 0, seed)).toBe(false);
});

test("one value stands for those it is a sum, a difference or a product of", () => {
  const base = { ...makeJob({ ops: INPUTS, count: 1 }).program, inputs: [0, 1, 2] };
  const ops: Op[] = [...INPUTS, { op: "sub", a: 1, b: 0 }, { op: "sub", a: 2, b: 0 }, { op: "gt", a: 3, b: 4 }];
  const chosen: Op[] = [...ops, { op: "where", a: 5, b: 3, c: 4 }, { op: "add", a: 0, b: 6 }];
  expect(lookedAt({ ...base, ops: chosen, output: 7, watched: [0, 1, 2, 7] })).toEqual([7, 1, 2]);
  const summed: Op[] = [...ops.slice(0, 5), { op: "mul", a: 3, b: 4 }];
  expect(lookedAt({ ...base, ops: summed, output: 5, watched: [0, 1, 2, 5] })).toEqual([5]);
  expect(lookedAt({ ...base, ops: summed, output: 5, watched: [] })).toEqual([]);
});
