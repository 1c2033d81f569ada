/**
 * NaN and infinity, on the way in and on the way out. Engines say of a tile whether it may hold any; only then is it
 * counted, by tensor and by model, so that what was in a model is told from what the merge made of sound numbers.
 */
import { bytesPer, type FloatDtype } from "../bytes/dtype.ts";
import { countNotFinite } from "../bytes/finite.ts";
import type { TileJob, TileResult } from "../engine/engine.ts";
import type { Program } from "../graph/program.ts";
import type { MergePlan, TensorPlan } from "../plan/plan.ts";

/** A tensor with values that are NaN or infinite. */
export interface Unsound {
  readonly tensor: string;
  /** How many each model has there; models without any are left out. */
  readonly models: Readonly<Record<string, number>>;
  /** How many the result has. */
  readonly result: number;
}

/** Yields nothing but whether all is finite, and a checksum. */
const LOOK: Program = {
  key: "look",
  inputs: [0],
  ops: [{ op: "input", slot: 0 }],
  words: 0,
  sums: [],
  histograms: [],
  tables: [],
  reductions: [],
  output: null,
  watched: [0],
  digest: "input",
};

/** A tile that is only looked at. */
export const lookingAt = (tensor: string, dtype: FloatDtype, bytes: Uint8Array<ArrayBuffer>): TileJob => ({
  program: LOOK,
  tensor,
  dtypes: [dtype],
  encode: "F32",
  words: new Uint32Array(0),
  tables: [],
  first: 0,
  count: bytes.length / bytesPer(dtype),
  inputs: [bytes],
});

export interface Soundness {
  /** Takes a tile whose result says that it may not be sound. */
  tile(plan: MergePlan, program: Program, result: TileResult): void;
  /** Takes a piece of a tensor that is copied. */
  copied(tensor: string, ref: string | null, dtype: FloatDtype, bytes: Uint8Array<ArrayBuffer>): void;
  /** What was found in a tensor so far; undefined where nothing was. */
  of(tensor: string): Unsound | undefined;
  /** What another run found in a tensor. */
  known(row: Unsound): void;
  /** In the order of the plan. */
  report(tensors: readonly TensorPlan[]): Unsound[];
}

export function createSoundness(): Soundness {
  const found = new Map<string, { models: Map<string, number>; result: number }>();

  function add(tensor: string, ref: string | null, count: number): void {
    if (count === 0) return;
    const known = found.get(tensor) ?? { models: new Map<string, number>(), result: 0 };
    found.set(tensor, known);
    if (ref === null) known.result += count;
    else known.models.set(ref, (known.models.get(ref) ?? 0) + count);
  }

  const of = (tensor: string): Unsound | undefined => {
    const one = found.get(tensor);
    return one === undefined ? undefined : { tensor, models: Object.fromEntries(one.models), result: one.result };
  };

  return {
    of,
    known: ({ tensor, models, result }) => void found.set(tensor, { models: new Map(Object.entries(models)), result }),
    tile: (plan, program, { inputs, output }) => {
      for (const value of program.watched ?? []) {
        const op = program.ops[value];
        if (op?.op !== "input") continue;
        const { ref, dtype } = plan.inputs[program.inputs[op.slot]!]!;
        add(plan.name, ref, countNotFinite(dtype, inputs[op.slot]!));
      }
      if (output !== null) add(plan.name, null, countNotFinite(plan.dtype, output));
    },
    copied: (tensor, ref, dtype, bytes) => {
      const count = countNotFinite(dtype, bytes);
      if (ref !== null) add(tensor, ref, count);
      add(tensor, null, count);
    },
    report: (tensors) => tensors.flatMap(({ name }) => of(name) ?? []),
  };
}

/** Where they came from, in sentences: of each model, then of what the merge made itself. */
export function soundnessOf(rows: readonly Unsound[], method: string): string[] {
  const refs = [...new Set(rows.flatMap(({ models }) => Object.keys(models)))];
  const had = refs.map((ref) => `"${ref}" has ${listOf(rows, ({ models }) => models[ref] ?? 0)}.`);
  const inputs = ({ models }: Unsound) => Object.values(models).reduce((sum, count) => sum + count, 0);
  const made = listOf(rows, (row) => (inputs(row) === 0 ? row.result : 0));
  const spread = listOf(rows, (row) => (inputs(row) > 0 ? row.result : 0));
  return [
    ...had,
    ...(spread === null || had.length === 0 ? [] : [`In these tensors the result has ${spread}.`]),
    ...(made === null ? [] : [`${method} itself made ${made}, where every model has finite ones.`]),
  ];
}

/** "12 values that are NaN or infinite, in 2 tensors: 10 in "a", 2 in "b"". Null where there are none. */
function listOf(rows: readonly Unsound[], countOf: (row: Unsound) => number): string | null {
  const counted = rows.map((row) => ({ tensor: row.tensor, count: countOf(row) })).filter(({ count }) => count > 0);
  if (counted.length === 0) return null;
  const total = counted.reduce((sum, { count }) => sum + count, 0);
  const number = (count: number) => count.toLocaleString("en");
  const shown = counted.slice(0, SHOWN).map(({ tensor, count }) => `${number(count)} in ${tensor}`);
  const more = counted.length > SHOWN ? ` and ${number(counted.length - SHOWN)} more tensors` : "";
  const values = total === 1 ? "1 value that is" : `${number(total)} values that are`;
  return `${values} NaN or infinite: ${shown.join(", ")}${more}`;
}

const SHOWN = 3;
