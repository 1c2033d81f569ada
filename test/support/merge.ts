/** Merges single tensors given as numbers: the shortest way from a method to a result, for tests. */
import { bytesPer, type FloatDtype, type OutputDtype } from "../../core/bytes/dtype.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { passesOf, planesIn } from "../../core/graph/passes.ts";
import { input, type Tensor } from "../../core/graph/tensor.ts";
import type { Param } from "../../core/method.ts";
import { seedOf, tiling } from "../../core/plan/memory.ts";
import type { InputPlan, MergePlan, Watched } from "../../core/plan/plan.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { METHODS } from "../../methods/index.ts";

export interface Input {
  readonly dtype: FloatDtype;
  readonly bytes: Uint8Array;
}

export const f32 = (values: readonly number[]): Input => ({
  dtype: "F32",
  bytes: new Uint8Array(new Float32Array(values).buffer),
});

/** The plan of one tensor out of inputs in memory. */
export function planOf(
  merged: Tensor,
  inputs: readonly Input[],
  options: {
    dtype?: OutputDtype;
    tile?: number;
    seed?: number;
    name?: string;
    keeps?: boolean;
    windowed?: boolean;
    resident?: boolean;
  } = {},
): MergePlan {
  const name = options.name ?? "x";
  const plans = inputs.map(({ dtype, bytes }, i): InputPlan => {
    const source = fromBytes(`input ${i}`, bytes);
    const count = bytes.length / bytesPer(dtype);
    return {
      ref: `${i}`,
      dtype,
      start: 0,
      info: { name, dtype, shape: [count], source, range: { start: 0, end: bytes.length } },
    };
  });
  const count = plans[0]?.info.shape[0] ?? 0;
  const dtype = options.dtype ?? "F32";
  const { keeps = false, windowed = false } = options;
  const passes = passesOf(merged, [], keeps ? 32 : 0, windowed);
  const limits = { memory: 1e9, maxTileBytes: 16e6, lanes: 1 };
  const { tile, resident } = tiling({ inputs: plans, passes, count, dtype }, limits);
  return {
    action: "merge",
    name,
    dtype,
    shape: [count],
    count,
    inputs: plans,
    params: { merge: {}, models: {} },
    passes,
    watched: [],
    seed: seedOf(options.seed ?? 42, name),
    tile: options.tile ?? tile,
    resident: options.resident ?? (keeps || (options.tile === undefined && resident)),
    planes: planesIn(passes),
    output: { file: 0, range: { start: 0, end: count * bytesPer(dtype) } },
  };
}

export interface Ask {
  readonly method: string;
  readonly base?: Input;
  readonly models: readonly {
    readonly tensor: Input;
    readonly params?: Readonly<Record<string, number | boolean | string>>;
  }[];
  readonly params?: Readonly<Record<string, number | boolean | string>>;
  readonly shape?: readonly number[];
  readonly depth?: number;
  readonly compat?: boolean;
  readonly dtype?: OutputDtype;
  readonly tile?: number;
  readonly seed?: number;
  readonly name?: string;
}

/** A method's expression over inputs in memory (the base first if there is one), defaults filled in. */
export function expression(ask: Ask): { merged: Tensor; inputs: Input[]; watched: Watched[] } {
  const method = METHODS.get(ask.method);
  if (method === undefined) throw new Error(`no method ${ask.method}`);
  const defaults = (scope: "merge" | "model") =>
    Object.fromEntries(
      Object.entries<Param>(method.params)
        .filter(([, p]) => p.per === scope)
        .map(([id, p]) => [id, p.default]),
    );
  const inputs = [...(ask.base === undefined ? [] : [ask.base]), ...ask.models.map((model) => model.tensor)];
  const shift = ask.base === undefined ? 0 : 1;
  const first = inputs[0]!;
  const watched: Watched[] = [];
  const merged = method.merge({
    base: ask.base === undefined ? null : input(0),
    models: ask.models.map((model, i) => ({
      tensor: input(i + shift),
      index: i,
      params: { ...defaults("model"), ...model.params },
    })),
    params: { ...defaults("merge"), ...ask.params },
    count: first.bytes.length / bytesPer(first.dtype),
    columns: (ask.shape ?? []).length > 1 ? (ask.shape?.at(-1) ?? 1) : first.bytes.length / bytesPer(first.dtype),
    shape: ask.shape ?? [first.bytes.length / bytesPer(first.dtype)],
    depth: ask.depth ?? null,
    name: ask.name ?? "x",
    compat: ask.compat === true,
    watch: (id, value) => watched.push({ id, value }),
  });
  return { merged, inputs, watched };
}

/** The merged tensor's bytes. */
export async function mergeBytes(ask: Ask, engine: Engine): Promise<Uint8Array<ArrayBuffer>> {
  const { merged, inputs } = expression(ask);
  return computeTensor(planOf(merged, inputs, ask), engine);
}

/** The merged tensor as f32 values. */
export async function mergeValues(ask: Ask, engine: Engine): Promise<number[]> {
  return [...new Float32Array((await mergeBytes({ ...ask, dtype: "F32" }, engine)).buffer)];
}

/** Figures of a plan that its run does not look at. */
export const UNCOUNTED = { readBytes: 0, writeBytes: 0, peakBytes: 0, parameters: 0, layers: 0, notes: [] } as const;
