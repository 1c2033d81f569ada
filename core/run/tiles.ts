/**
 * Streams one merged tensor through an engine: admits tiles in order as memory allows, reads ahead of
 * the sweep that needs them, settles each sweep's numbers, and hands out encoded chunks in order.
 */
import { bytesPer } from "../bytes/dtype.ts";
import type { Clock } from "../clock.ts";
import type { Engine, TileResult } from "../engine/engine.ts";
import type { Pass } from "../graph/passes.ts";
import { binsOf, type Program, planeBytes } from "../graph/program.ts";
import type { Settlement } from "../graph/settle.ts";
import type { MergePlan } from "../plan/plan.ts";
import { type Budget, createBudget } from "./budget.ts";
import { createLook } from "./look.ts";

export interface TileHost {
  readonly engine: Engine;
  readonly budget: Budget;
  /** Told where the time goes, if anybody asks. */
  readonly clock?: Clock | undefined;
  readonly signal: AbortSignal;
  /** Bytes of input `index` for `count` elements from `first`; counted as read. */
  read(plan: MergePlan, index: number, first: number, count: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Memory for an output of this many bytes that goes to offset `at` of a file, or undefined to leave it to the engine. */
  room(bytes: number, at?: number): Uint8Array<ArrayBuffer> | undefined;
  /** Takes back input bytes that are no longer needed; their memory may serve the next read. */
  recycle(bytes: Uint8Array<ArrayBuffer>): void;
  /** A tile in which something watched may be NaN or infinite. */
  unsound?(plan: MergePlan, program: Program, result: TileResult): void;
  /** A tile of the output, from element `first` on. */
  made?(plan: MergePlan, first: number, result: TileResult): void;
  /** An output chunk of `bytes` bytes, in order; the host releases their budget when written. */
  emit(bytes: number, chunk: Promise<Uint8Array<ArrayBuffer>>): void;
  /** Resolves when the next tile may be begun: a run may be paused. */
  pass?(): Promise<void>;
  /** A tile failed; its memory never comes back, so whoever waits for it would wait for ever. */
  fail?(error: unknown): void;
}

/** A host for work on the side: nothing is counted, nothing is used again. */
export function asideHost(engine: Engine, emit: TileHost["emit"], signal = new AbortController().signal): TileHost {
  return {
    engine,
    budget: createBudget(Number.POSITIVE_INFINITY),
    signal,
    read: ({ inputs }, index, first, count) => {
      const { info, start, dtype } = inputs[index]!;
      const size = bytesPer(dtype);
      return info.source.read({ start: start + first * size, end: start + (first + count) * size }, signal);
    },
    room: () => undefined,
    recycle: () => {},
    emit,
  };
}

/** What is held of one tile. */
interface Held {
  /** Input bytes by input number. */
  readonly bytes: Map<number, Uint8Array<ArrayBuffer>>;
  /** Which inputs were asked for. */
  readonly asked: Set<number>;
  /** What is kept between sweeps, the same object in all of them. */
  readonly planes: Planes;
}

interface Planes {
  parts: readonly Uint8Array<ArrayBuffer>[];
}

const holding = (planes: Planes = { parts: [] }): Held => ({ bytes: new Map(), asked: new Set(), planes });

/**
 * Streams some of a tensor's passes, one round's. Resolves when every tile is admitted; the work itself goes on and
 * ends up in `emit`, if the last pass is among them.
 * @returns settles when the numbers of these passes are known
 */
export async function streamTensor(
  plan: MergePlan,
  passes: readonly Pass[],
  settlement: Settlement,
  host: TileHost,
): Promise<{ readonly settled: Promise<void> }> {
  const tiles = tilesOf(plan);
  /** Kept for all sweeps: of resident tensors everything, of others the planes. */
  const kept = tiles.map(() => holding());
  let ready: Promise<void> = Promise.resolve();
  const look = createLook({
    plan,
    settlement,
    host,
    tiles,
    room: (bytes) => roomIn(host, bytes),
    held: (tile, index) => kept[tile]?.bytes.get(index),
  });

  await host.pass?.();
  look.begin(passes);
  for (const [level, pass] of passes.entries()) {
    /** What its windows listed of a tensor that stays is looked through when it is finished. */
    const lists: Uint8Array<ArrayBuffer>[] = [];
    const isLast = level === passes.length - 1;
    const yields = pass.program.output !== null;
    const before = ready;
    const work: Promise<void>[] = [];
    const arrived: Promise<unknown>[] = [];
    // A sample is taken of the whole tensor, so the first tile waits for the last one's bytes, or for those that were read before it.
    const prepare = () => settlement.prepare(pass, look);
    let begin = (_: Promise<void>): void => {};
    const start =
      pass.windows.length === 0
        ? before
        : plan.resident
          ? new Promise<void>((resolve) => {
              begin = resolve;
            })
          : before.then(prepare);
    start.catch(() => {});
    for (const [t, { first, count }] of tiles.entries()) {
      const held = plan.resident ? kept[t]! : holding(kept[t]!.planes);
      const { asked, planes } = held;
      const planeSizes = plan.planes.map((bits) => planeBytes(bits, count));
      const allPlanes = planeSizes.reduce((sum, size) => sum + size, 0);
      const newPlanes = planes.parts.length === 0 ? allPlanes : 0;
      const missing = pass.program.inputs.filter((index) => !asked.has(index));
      for (const index of missing) asked.add(index);
      const bytesOf = (inputs: Iterable<number>) =>
        [...inputs].reduce((sum, index) => sum + count * inputBytes(plan, index), 0);
      const outBytes = yields ? count * bytesPer(plan.dtype) : 0;
      await host.pass?.();
      const waited = host.clock?.begin("wait");
      await host.budget.acquire(bytesOf(missing) + newPlanes + outBytes);
      waited?.();
      if (newPlanes > 0) {
        planes.parts = planeSizes.map((size) => roomIn(host, size) ?? new Uint8Array(size));
      }
      const fetched = Promise.all(
        missing.map(async (index) => void held.bytes.set(index, await host.read(plan, index, first, count))),
      );
      fetched.catch(() => {});
      arrived.push(fetched);
      const result = (async () => {
        await fetched;
        await start;
        const { done, bins } = await runTile(plan, pass, settlement, host, held, first, count);
        if (bins !== undefined && plan.resident && pass.windows.length > 0) lists.push(bins);
        else if (bins !== undefined) host.recycle(bins);
        host.clock?.sweep(plan.passes.indexOf(pass), count, done.spent ?? 0);
        if (isLast || !plan.resident) {
          for (const bytes of held.bytes.values()) host.recycle(bytes);
          held.bytes.clear();
          host.budget.release(bytesOf(asked));
        }
        if (isLast) {
          for (const bytes of planes.parts) host.recycle(bytes);
          host.budget.release(allPlanes);
        }
        return done;
      })();
      const settled = result.then(() => {});
      settled.catch((error: unknown) => host.fail?.(error));
      work.push(settled);
      if (yields) {
        const chunk = result.then(outputOf);
        // Whoever it goes to may have stopped listening when a tile before it failed.
        chunk.catch(() => {});
        host.emit(outBytes, chunk);
      }
    }
    if (plan.resident && pass.windows.length > 0) begin(Promise.all([before, ...arrived]).then(prepare));
    ready = Promise.all(work).then(async () => {
      const settled = host.clock?.begin("settle");
      await settlement.finish(pass, look);
      for (const bins of lists) host.recycle(bins);
      settled?.();
    });
    ready.catch(() => {});
  }
  return { settled: ready };
}

/** Runs one tile, absorbs its numbers, and leaves its bytes in `held`; what it counted in is to be recycled when nobody looks any more. */
async function runTile(
  plan: MergePlan,
  pass: Pass,
  settlement: Settlement,
  host: TileHost,
  held: Held,
  first: number,
  count: number,
): Promise<{ readonly done: TileResult; readonly bins: Uint8Array<ArrayBuffer> | undefined }> {
  const { program } = pass;
  const size = program.output === null ? 0 : bytesPer(plan.dtype);
  const into = roomIn(host, count * size, plan.output.range.start + first * size);
  const counts = program.histograms.reduce((sum, histogram) => sum + binsOf(histogram, count), 0);
  const bins = roomIn(host, 4 * counts);
  const result = await host.engine.run(
    {
      program,
      tensor: plan.name,
      into,
      bins,
      dtypes: program.inputs.map((index) => plan.inputs[index]!.dtype),
      encode: plan.dtype,
      words: settlement.words(pass, first),
      tables: settlement.tables(pass, first, count),
      first,
      count,
      inputs: program.inputs.map((index) => held.bytes.get(index)!),
      kept: held.planes.parts,
      clock: host.clock,
    },
    host.signal,
  );
  program.inputs.forEach((index, i) => {
    held.bytes.set(index, result.inputs[i]!);
  });
  held.planes.parts = result.kept ?? held.planes.parts;
  settlement.absorb(pass, first, count, result);
  if (result.output !== null) host.made?.(plan, first, result);
  if (result.unsound) host.unsound?.(plan, program, result);
  return { done: result, bins };
}

/** Memory that is not the engine's would be copied on its way there. */
const roomIn = (host: TileHost, bytes: number, at?: number) =>
  host.engine.memory !== null && bytes > 0 ? host.room(bytes, at) : undefined;

function outputOf(result: TileResult): Uint8Array<ArrayBuffer> {
  if (result.output === null) throw new Error("Internal error: the last sweep yielded no tensor.");
  return result.output;
}

const inputBytes = (plan: MergePlan, index: number) => bytesPer(plan.inputs[index]!.dtype);

/** Where a tensor is cut; every tile but the last has `plan.tile` elements. */
export function tilesOf(plan: Pick<MergePlan, "count" | "tile">): { first: number; count: number }[] {
  return Array.from({ length: Math.ceil(plan.count / plan.tile) }, (_, t) => ({
    first: t * plan.tile,
    count: Math.min(plan.tile, plan.count - t * plan.tile),
  }));
}
