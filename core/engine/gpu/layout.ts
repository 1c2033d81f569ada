/**
 * Where everything of one tile lies, in bytes, decided before a buffer is touched: the inputs and tables packed one
 * after another on 256-byte bounds, behind them room for ranks, and the results packed the same way for one
 * readback.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import { BLOCK, binsOf } from "../../graph/program.ts";
import type { TileJob } from "../engine.ts";
import { stagesOf } from "../stages.ts";
import { splitOf } from "./along.ts";
import type { Role, Sizes } from "./staging.ts";

/** Offsets into packed buffers; what a storage buffer may be bound at. */
const ALIGN = 256;
export const aligned = (bytes: number) => Math.ceil(bytes / ALIGN) * ALIGN;

/** A result on its way back: copied from the start of `role`'s buffer to `at` in the readback buffer. */
interface Part {
  readonly role: Extract<Role, "output" | "sums" | "bins" | "partials" | "flaw" | "times">;
  readonly at: number;
  readonly bytes: number;
}

export interface Layout {
  readonly blocks: number;
  /** Byte offset in the packed buffer of each input, then of the ranks of each stage. */
  readonly offsets: readonly number[];
  /** Of each table. */
  readonly tables: readonly number[];
  /** What is uploaded: inputs and tables. */
  readonly inputBytes: number;
  /** Where each reduction's partials begin, in f32. */
  readonly partials: readonly number[];
  readonly parts: readonly Part[];
  readonly readbackBytes: number;
  /** All but the parameters'. */
  readonly sizes: Sizes;
}

/** @param timed whether two timestamps come back, too */
export function layOut({ program, dtypes, encode, count, tables: entries }: TileJob, timed = false): Layout {
  const blocks = Math.ceil(count / BLOCK);
  const stages = stagesOf(program);
  const ranks = stages.length - 1;
  let end = 0;
  const place = (bytes: number): number => {
    const at = end;
    end = aligned(end + bytes);
    return at;
  };
  const inputs = dtypes.map((dtype) => place(count * bytesPer(dtype)));
  const tables = entries.map((table) => place(table.byteLength));
  const inputBytes = end;
  const planes = Array.from({ length: ranks }, () => place(count * 4));
  // The kernel writes whole groups of four; the last one may end in padding.
  const output = program.output === null ? 0 : aligned(count * bytesPer(encode));
  const sums = program.sums.length * blocks * 4;
  const bins = program.histograms.reduce((total, histogram) => total + binsOf(histogram) * 4, 0);
  const flaw = (program.watched ?? []).length > 0 ? 4 : 0;
  const partials: number[] = [];
  let reduced = 0;
  for (const reduction of program.reductions) {
    partials.push(reduced);
    reduced += splitOf(reduction, count).partials;
  }
  const parts: Part[] = [];
  let readbackBytes = 0;
  for (const [role, bytes] of [
    ["output", output],
    ["sums", sums],
    ["bins", bins],
    ["partials", reduced * 4],
    ["flaw", flaw],
    ["times", timed ? 16 : 0],
  ] as const) {
    if (bytes === 0) continue;
    parts.push({ role, at: readbackBytes, bytes });
    readbackBytes += aligned(bytes);
  }
  return {
    blocks,
    offsets: [...inputs, ...planes],
    tables,
    inputBytes,
    partials,
    parts,
    readbackBytes,
    sizes: {
      inputs: end,
      upload: inputBytes,
      keys: ranks === 0 ? 0 : aligned(count * 4),
      output,
      sums,
      bins,
      scratch: program.reductions.length * blocks * BLOCK * 4,
      partials: reduced * 4,
      flaw,
      times: timed ? 16 : 0,
      readback: readbackBytes,
    },
  };
}

/** Workgroups in x and y for this many; a row holds at most `perRow`. The kernel skips the surplus. */
export function gridOf(groups: number, perRow = 65535): readonly [number, number] {
  const rows = Math.ceil(groups / perRow);
  return [Math.ceil(groups / rows), rows];
}
