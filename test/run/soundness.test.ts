/** NaN and infinity: counted in every model and in the result, in all formats, on every engine, wherever they lie. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import type { OutputDtype } from "../../core/bytes/dtype.ts";
import { memoryFolder } from "../../core/bytes/sink.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { createGpuEngine } from "../../core/engine/gpu/engine.ts";
import { guarded } from "../../core/engine/guarded.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import type { AnyMethod } from "../../core/method.ts";
import type { CopyPlan, MergePlan, Plan } from "../../core/plan/plan.ts";
import { run } from "../../core/run/run.ts";
import { soundnessOf } from "../../core/run/soundness.ts";
import { METHODS } from "../../methods/index.ts";
import { onGpu, theGpu } from "../gpu/dawn.ts";
import { kernels } from "../support/engines.ts";
import { expression, type Input, planOf, UNCOUNTED } from "../support/merge.ts";

const COUNT = 20_001;
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

/** Weights with some of them replaced, at places and by values. */
const weights = (dtype: OutputDtype, odd: Readonly<Record<number, number>> = {}, scale = 0.1): Input => ({
  dtype,
  bytes: encode(
    dtype,
    Float32Array.from({ length: COUNT }, (_, i) => odd[i] ?? Math.sin(i * 0.7) * scale),
  ),
});

interface Case {
  readonly method: string;
  readonly base?: Input;
  readonly models: readonly Input[];
  readonly dtype?: OutputDtype;
  readonly params?: Readonly<Record<string, number>>;
  readonly own?: Readonly<Record<string, number>>;
}

/** One merged tensor and one copy, in one file. */
function planWith({ method, base, models, dtype = "BF16", params = {}, own = {} }: Case, copied?: Input): Plan {
  const { merged, inputs } = expression({
    method,
    ...(base === undefined ? {} : { base }),
    models: models.map((tensor) => ({ tensor, params: { weight: 0.5, ...own } })),
    params,
  });
  const plan: MergePlan = planOf(merged, inputs, { dtype, tile: 4096, name: "w" });
  const size = COUNT * (dtype === "F32" ? 4 : 2);
  const tensors: (MergePlan | CopyPlan)[] = [{ ...plan, output: { file: 0, range: { start: 8, end: 8 + size } } }];
  if (copied !== undefined) {
    const range = { start: 0, end: copied.bytes.length };
    tensors.push({
      action: "copy",
      name: "copy",
      dtype: copied.dtype,
      shape: [COUNT],
      from: { source: fromBytes("b", copied.bytes), range, ref: "b" },
      because: "only there",
      output: { file: 0, range: { start: 8 + size, end: 8 + size + copied.bytes.length } },
    });
  }
  const end = tensors.at(-1)!.output.range.end;
  return {
    recipe: { merge_method: method },
    method: METHODS.get(method) as AnyMethod,
    tensors,
    files: [{ name: "model.safetensors", header: new Uint8Array(8), size: end }],
    extras: [],
    ...UNCOUNTED,
  };
}

async function unsoundIn(plan: Plan, engine: Engine) {
  return (await run(plan, { engine, folder: memoryFolder(), memory: 1e8 })).unsound;
}

function suite(open: () => Promise<Engine>) {
  let engine: Engine;
  beforeAll(async () => {
    engine = await open();
  });
  afterAll(() => engine.close());

  test.each(["BF16", "F16", "F32"] as const)("%s: none where all is finite", async (dtype) => {
    const plan = planWith({ method: "linear", models: [weights(dtype), weights(dtype)] }, weights(dtype));
    expect(await unsoundIn(plan, engine)).toEqual([]);
  });

  test.each(["BF16", "F16", "F32"] as const)(
    "%s: counted by model, in the first and the last element too",
    async (dtype) => {
      const odd = { 0: nan, 5: infinity, 4095: -infinity, 9000: nan, [COUNT - 1]: nan };
      const plan = planWith(
        { method: "linear", models: [weights(dtype), weights(dtype, odd)] },
        weights(dtype, { 77: nan }),
      );
      expect(await unsoundIn(plan, engine)).toEqual([
        { tensor: "w", models: { 1: 5 }, result: 5 },
        { tensor: "copy", models: { b: 1 }, result: 1 },
      ]);
    },
  );

  test("a method of several sweeps counts each once", async () => {
    const plan = planWith({
      method: "ties",
      base: weights("BF16", { 3: nan }),
      models: [weights("BF16", { 3: nan, 8000: nan }), weights("BF16")],
      own: { density: 0.4 },
    });
    const [row] = await unsoundIn(plan, engine);
    expect(row?.models).toEqual({ 0: 1, 1: 2 });
  });

  test("what the merge makes of finite values is its own", async () => {
    const large = weights("F32", { 11: 3e38, 12: 60_000 });
    expect(await unsoundIn(planWith({ method: "linear", models: [large, large], dtype: "F16" }), engine)).toEqual([
      { tensor: "w", models: {}, result: 1 },
    ]);
    const sums = planWith({
      method: "linear",
      models: [large, large],
      dtype: "F32",
      params: { normalize: 0 },
      own: { weight: 4 },
    });
    expect(await unsoundIn(sums, engine)).toEqual([{ tensor: "w", models: {}, result: 1 }]);
  });

  test("an F16 that just reaches its end is finite, the next is not", async () => {
    const edge = weights("F32", { 40: 65_519.99, 41: 65_520, 42: -65_504 });
    expect(
      await unsoundIn(planWith({ method: "linear", models: [edge], dtype: "F16", own: { weight: 1 } }), engine),
    ).toEqual([{ tensor: "w", models: {}, result: 1 }]);
  });
}

describe("plain", () => suite(async () => createPlainEngine()));
describe("CPU", () => suite(async () => createLocalEngine(await kernels())));
onGpu("WebGPU", () => suite(async () => (await createGpuEngine(theGpu())).engine));
onGpu("WebGPU, guarded", () =>
  suite(async () => {
    const open = () => createGpuEngine(theGpu());
    const module = await kernels();
    return guarded(await open(), { open, cpu: () => createLocalEngine(module), share: 1e9 });
  }),
);

test("sentences: of each model, of what the result keeps, of what the merge made", () => {
  const rows = [
    { tensor: "a", models: { one: 3, two: 1 }, result: 4 },
    { tensor: "b", models: { one: 1000 }, result: 0 },
    { tensor: "c", models: {}, result: 1 },
  ];
  expect(soundnessOf(rows, "TIES")).toEqual([
    '"one" has 1,003 values that are NaN or infinite: 3 in a, 1,000 in b.',
    '"two" has 1 value that is NaN or infinite: 1 in a.',
    "In these tensors the result has 4 values that are NaN or infinite: 4 in a.",
    "TIES itself made 1 value that is NaN or infinite: 1 in c, where every model has finite ones.",
  ]);
  expect(soundnessOf([], "TIES")).toEqual([]);
});
