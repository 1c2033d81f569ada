/**
 * A tensor looked at beside its sweeps: a sample before one, a stretch again or all of it after one. Outside the budget,
 * some tiles at most at a time.
 */
import { bytesPer } from "../bytes/dtype.ts";
import { isShared } from "../bytes/shared.ts";
import type { TileJob, TileResult } from "../engine/engine.ts";
import type { Fused, Pass } from "../graph/passes.ts";
import { BLOCK, type Program, unitOf } from "../graph/program.ts";
import type { Settlement } from "../graph/settle.ts";
import type { Look } from "../graph/ties.ts";
import type { MergePlan } from "../plan/plan.ts";
import { type Spots, sampleRead, spotsOf } from "../plan/spots.ts";
import type { TileHost } from "./tiles.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface Looking {
  readonly plan: MergePlan;
  readonly settlement: Settlement;
  readonly host: TileHost;
  readonly tiles: readonly { readonly first: number; readonly count: number }[];
  /** Memory of the engine's, where it has such and there is some. */
  room(bytes: number): Bytes | undefined;
  /** The bytes of an input that are held of a tile, if any are. */
  held(tile: number, index: number): Bytes | undefined;
}

/** Elements of a second look: long enough to be worth a read, short enough to stop early. */
const LOOK = 64 * BLOCK;
/** Up to so many elements are little work, and done in this thread where the engine can. */
const LITTLE = 8 * BLOCK;

/** `begin` reads what will be sampled of a tensor that does not stay in memory; to be called before anything else of it is read. */
export type Looks = Look & { begin(passes: readonly Pass[]): void };

export function createLook(looking: Looking): Looks {
  const { plan } = looking;

  /** Held bytes of a part of a tile; they are the engine's as soon as it has them. */
  function part(index: number, first: number, count: number): Bytes | null {
    const tile = Math.floor(first / plan.tile);
    const size = bytesPer(plan.inputs[index]!.dtype);
    const start = (first - tile * plan.tile) * size;
    const bytes = plan.resident ? looking.held(tile, index) : undefined;
    return bytes === undefined || start + count * size > bytes.length
      ? null
      : bytes.subarray(start, start + count * size);
  }

  /** What does not lie in the engine's memory is handed over to other threads, and gone, unless this one does the work. */
  const stays = (count: number) => besides(looking, count) !== undefined;

  const again = async (fused: Fused, first: number, count: number): Promise<TileResult> => {
    const { program } = fused;
    const held = program.inputs.map((index) => {
      const bytes = part(index, first, count);
      return bytes !== null && (stays(count) || isShared(bytes)) ? bytes : null;
    });
    const inputs = await Promise.all(
      program.inputs.map((index, i) => held[i] ?? looking.host.read(plan, index, first, count)),
    );
    const { settlement, host } = looking;
    const words = settlement.words(fused, first);
    const tables = settlement.tables(fused, first, count);
    const result = await run(looking, { program, words, tables }, first, count, inputs);
    result.inputs.forEach((bytes, i) => {
      if (held[i] === null) host.recycle(bytes);
    });
    return result;
  };

  /** Where this tensor is sampled. */
  let places: Spots | null = null;
  /** Of a tensor that does not stay: its spots by input, one behind the other. */
  const taken = new Map<number, Promise<Bytes>>();

  async function take(index: number, { first, length }: Spots): Promise<Bytes> {
    const size = length * bytesPer(plan.inputs[index]!.dtype);
    const all = new Uint8Array(first.length * size);
    // All are asked for before anything else is, as was announced.
    const parts = first.map(async (at, s) => {
      const bytes = await looking.host.read(plan, index, at, length);
      all.set(bytes, s * size);
      looking.host.recycle(bytes);
    });
    await Promise.all(parts);
    return all;
  }

  function heldOf(index: number, tile: number): Bytes {
    const bytes = plan.resident ? looking.held(tile, index) : undefined;
    if (bytes === undefined) throw new Error("Internal error: a sample was taken of what is not held.");
    return bytes;
  }

  /** The spots of an input one behind the other, where the engine has them. */
  const gather = (index: number, { first, length }: Spots, read: Bytes | undefined): Bytes => {
    const size = length * bytesPer(plan.inputs[index]!.dtype);
    const all = looking.room(first.length * size) ?? new Uint8Array(first.length * size);
    if (read !== undefined) {
      all.set(read);
      return all;
    }
    const [to, words] = [wordsOf(all), size / 4];
    let [tile, from] = [-1, to];
    for (let s = 0; s < first.length; s++) {
      const at = first[s]!;
      if (tile < 0 || at >= (tile + 1) * plan.tile) {
        tile = Math.floor(at / plan.tile);
        from = wordsOf(heldOf(index, tile));
      }
      copy(from, ((at - tile * plan.tile) / length) * words, to, s * words, words);
    }
    return all;
  };

  return {
    begin: (passes) => {
      for (const { index } of sampleRead(plan, passes)) {
        places ??= spotsOf(plan);
        const bytes = take(index, places);
        bytes.catch(() => {});
        taken.set(index, bytes);
      }
    },
    piece: ({ program }) => (unitOf(program) === BLOCK ? Math.min(LOOK, plan.tile) : plan.tile),
    tally: async (fused, first, end) => {
      const perBlock = new Float64Array(Math.ceil((end - first) / BLOCK));
      for (let start = first; start < end; start += plan.tile) {
        const { sums } = await again(fused, start, Math.min(plan.tile, end - start));
        perBlock.set(sums, (start - first) / BLOCK);
      }
      return perBlock;
    },
    // One block: 4,096 elements, or the whole rows around them.
    values: async (fused, first, count) => {
      const unit = unitOf(fused.program);
      const start = Math.floor(first / unit) * unit;
      const size = unit === BLOCK ? count : Math.min(plan.count - start, unit);
      return shown(await again(fused, start, size)).slice(first - start, first - start + count);
    },
    sample: async (programs, see) => {
      places ??= spotsOf(plan);
      const spots = places;
      const count = spots.first.length * spots.length;
      const wanted = [...new Set(programs.flatMap(({ program }) => program.inputs))];
      const read = new Map<number, Bytes>();
      for (const index of wanted) {
        const bytes = await taken.get(index);
        if (bytes !== undefined) read.set(index, bytes);
      }
      const gathered = new Map(wanted.map((index) => [index, gather(index, spots, read.get(index))] as const));
      /** One copy will do for all programs, unless it is handed over. */
      const bytesFor = (index: number): Bytes => {
        const bytes = gathered.get(index) ?? gather(index, spots, read.get(index));
        if (!stays(count) && !isShared(bytes)) gathered.delete(index);
        return bytes;
      };
      await Promise.all(
        programs.map(async (fused, p) => {
          const inputs = fused.program.inputs.map(bytesFor);
          const into = looking.room(4 * count);
          const result = await run(looking, sampled(fused, spots, looking.settlement), 0, count, inputs, into);
          see(p, shown(result), plan.resident ? null : spots.length);
          if (into !== undefined) looking.host.recycle(into);
        }),
      );
      for (const bytes of gathered.values()) looking.host.recycle(bytes);
    },
    counts: async (fused, see) => {
      // The next tile is read while one is counted.
      const [first, ...others] = looking.tiles;
      let next = first && again(fused, first.first, first.count);
      for (const [i, tile] of looking.tiles.entries()) {
        const now = next!;
        const after = others[i];
        next = after && again(fused, after.first, after.count);
        next?.catch(() => {});
        see(tile.first, (await now).histograms[0]!);
      }
    },
  };
}

interface Sampled {
  readonly program: Program;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly tables: TileJob["tables"];
}

/** The program for spots that lie one behind the other: what belongs to a row or a column is looked up for each element. */
function sampled(fused: Fused, { first, length }: Spots, settlement: Settlement): Sampled {
  const { program } = fused;
  const words = settlement.words(fused, 0);
  if (program.tables.length === 0) return { program, words, tables: [] };
  const columns = first.length * length;
  const tables = settlement.spread(fused, first, length);
  const wide = program.tables.map(() => ({ axis: "columns", columns }) as const);
  return { program: { ...program, key: `${program.key} of ${columns}`, tables: wide }, words, tables };
}

/** A message to another thread and back would take longer than the work. */
const besides = ({ host }: Looking, count: number) => (count <= LITTLE ? host.engine.beside : undefined);

async function run(
  looking: Looking,
  { program, words, tables }: Sampled,
  first: number,
  count: number,
  inputs: TileJob["inputs"],
  into?: Bytes,
): Promise<TileResult> {
  const { plan, host } = looking;
  const dtypes = program.inputs.map((index) => plan.inputs[index]!.dtype);
  const job: TileJob = { program, dtypes, encode: "F32", words, tables, first, count, inputs, into };
  return besides(looking, count)?.run(job) ?? host.engine.run(job, host.signal);
}

/** Word by word: a view of each spot, and a call to copy it, took longer. */
function copy(from: Uint32Array, start: number, to: Uint32Array, end: number, words: number): void {
  for (let i = 0; i < words; i++) to[end + i] = from[start + i]!;
}

function wordsOf(bytes: Bytes): Uint32Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(buffer, byteOffset, length >> 2);
}

/** The output where it lies. */
function shown({ output }: TileResult): Float32Array<ArrayBuffer> {
  if (output === null) throw new Error("Internal error: a program that was looked at yielded nothing.");
  const { buffer, byteOffset, length } = output.byteOffset % 4 === 0 ? output : output.slice();
  return new Float32Array(buffer, byteOffset, length / 4);
}
