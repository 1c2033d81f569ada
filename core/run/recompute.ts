/**
 * A result computed once more, where chance says: the numbers of a tensor's first sweeps by one engine, then tiles of its
 * last sweep by the plain one, which shares nothing with those that merge. Reads the models anew.
 */
import { bytesPer } from "../bytes/dtype.ts";
import { valuesApart } from "../engine/agree.ts";
import type { Engine } from "../engine/engine.ts";
import { throwIfAborted } from "../errors.ts";
import type { Checkpoint, TensorInfo } from "../formats/checkpoint.ts";
import { BLOCK, unitOf } from "../graph/program.ts";
import { createSettlement, type Settlement } from "../graph/settle.ts";
import type { MergePlan, Plan } from "../plan/plan.ts";
import { createBudget } from "./budget.ts";
import { computeTensor } from "./compute.ts";
import { asideHost, streamTensor } from "./tiles.ts";

export interface Recomputed {
  readonly tensors: number;
  readonly values: number;
  /** Largest difference of two values, and where. */
  readonly largest: number;
  /** What rounding does not explain, as a clause; null where it explains all. */
  readonly wrong: string | null;
}

export interface Recomputing {
  /** Computes tiles. */
  readonly plain: Engine;
  /** Computes what the tiles depend on. */
  readonly numbers: Engine;
  /** Elements that sweeps before the last may look at, all tensors together. */
  readonly most: number;
  readonly signal?: AbortSignal | undefined;
}

/** Tiles that are computed, of one tensor and all together, and how large one may be. */
const TILES = { each: 4, all: 96, elements: 64 * BLOCK };

export async function recompute(checkpoint: Checkpoint, plan: Plan, how: Recomputing): Promise<Recomputed> {
  const merged = shuffled(plan.tensors.filter((tensor): tensor is MergePlan => tensor.action === "merge"));
  const whole = merged.filter(({ passes }) => passes.some(({ round }) => round > 0));
  // Numbers of the whole model need all of its tensors: only where that is little work.
  const isLittle = whole.reduce((sum, { count, passes }) => sum + count * passes.length, 0) <= WHOLE;
  const result = { tensors: 0, values: 0, largest: 0, wrong: null as string | null };
  let left = how.most;
  let tiles = 0;
  for (const tensor of merged) {
    throwIfAborted(how.signal);
    const found = checkpoint.tensors.get(tensor.name);
    if (found === undefined || tensor.count === 0) continue;
    if (tiles >= TILES.all) break;
    const before = tensor.passes.slice(0, -1);
    const needsAll = whole.includes(tensor);
    if (needsAll ? !isLittle : before.length * tensor.count > left || tensor.planes.length > 0) continue;
    const program = tensor.passes.at(-1)!.program;
    const unit = needsAll ? tensor.count : Math.min(unitOf(program), tensor.count);
    if (unit > TILES.elements) continue;
    left -= before.length * tensor.count;
    const places = needsAll ? [0] : somePlaces(Math.ceil(tensor.count / unit));
    const compute = needsAll ? await wholly(tensor, plan, how) : await tilesOf(tensor, how);
    for (const place of places) {
      const first = place * unit;
      const count = Math.min(unit, tensor.count - first);
      const [wanted, there] = [await compute(first, count), await read(found, tensor, first, count, how.signal)];
      const { apart, largest } = valuesApart(program, tensor.dtype, there, wanted);
      if (apart !== null) result.wrong ??= `${tensor.name}, elements from ${first.toLocaleString("en")}: ${apart}`;
      result.largest = Math.max(result.largest, largest);
      result.values += count;
      tiles++;
    }
    result.tensors++;
  }
  return result;
}

/** Elements times sweeps of a model that is small enough to be computed as a whole. */
const WHOLE = 300_000;

type Compute = (first: number, count: number) => Promise<Uint8Array<ArrayBuffer>>;

async function wholly(tensor: MergePlan, plan: Plan, { plain, signal }: Recomputing): Promise<Compute> {
  const bytes = await computeTensor(tensor, plain, signal, plan.tensors);
  return async () => bytes;
}

/** Bytes of a tensor that are read ahead of its sweeps: of a large one all would be as much as a merge may take. */
const AHEAD = 32e6;

/** Finds the numbers of a tensor's sweeps but the last, some tiles at a time. */
function sweep(tensor: MergePlan, settlement: Settlement, { numbers, signal }: Recomputing): Promise<void> {
  const budget = createBudget(AHEAD);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(error);
      budget.cancel();
    };
    const host = { ...asideHost(numbers, () => {}, signal), budget, fail };
    streamTensor({ ...tensor, resident: false }, tensor.passes.slice(0, -1), settlement, host)
      .then(({ settled }) => settled)
      .then(resolve, fail);
  });
}

async function tilesOf(tensor: MergePlan, how: Recomputing): Promise<Compute> {
  const { plain, signal } = how;
  const settlement = createSettlement(tensor.count, tensor.seed);
  const last = tensor.passes.at(-1)!;
  if (tensor.passes.length > 1) await sweep(tensor, settlement, how);
  const { program } = last;
  return async (first, count) => {
    const inputs = program.inputs.map((index) => tensor.inputs[index]!);
    const { output } = await plain.run(
      {
        program,
        dtypes: inputs.map(({ dtype }) => dtype),
        encode: tensor.dtype,
        words: settlement.words(last, first),
        tables: settlement.tables(last, first, count),
        first,
        count,
        inputs: await Promise.all(
          inputs.map(({ info, start, dtype }) => {
            const size = bytesPer(dtype);
            return info.source.read({ start: start + first * size, end: start + (first + count) * size }, signal);
          }),
        ),
      },
      signal,
    );
    return output!;
  };
}

function read(found: TensorInfo, { dtype }: MergePlan, first: number, count: number, signal?: AbortSignal) {
  const size = bytesPer(dtype);
  const start = found.range.start + first * size;
  return found.source.read({ start, end: start + count * size }, signal);
}

/** The first, the last, and some between. */
function somePlaces(places: number): number[] {
  const chosen = [0, places - 1, ...Array.from({ length: TILES.each }, () => Math.floor(Math.random() * places))];
  return [...new Set(chosen)].slice(0, TILES.each);
}

function shuffled<T>(list: readonly T[]): T[] {
  const mixed = [...list];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}
