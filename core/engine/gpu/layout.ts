/**
 * Where everything of one tile lies, in bytes, decided before a buffer is touched: the inputs packed
 * one after another on 256-byte bounds, and the results packed the same way for one readback.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import { BLOCK } from "../../graph/program.ts";
import type { TileJob } from "../engine.ts";
import { binsOf, type Kernel } from "./assemble.ts";
import type { Sizes } from "./staging.ts";

/** Offsets into packed buffers; what a storage buffer may be bound at. */
const ALIGN = 256;
const aligned = (bytes: number) => Math.ceil(bytes / ALIGN) * ALIGN;

/** A result on its way back: copied from the start of `role`'s buffer to `at` in the readback buffer. */
interface Part {
  readonly role: "output" | "sums" | "bins";
  readonly at: number;
  readonly bytes: number;
}

export interface Layout {
  readonly blocks: number;
  /** Byte offset of each input in the packed buffer, and the whole. */
  readonly offsets: readonly number[];
  readonly inputBytes: number;
  readonly parts: readonly Part[];
  readonly readbackBytes: number;
  readonly sizes: Sizes;
}

export function layOut({ program, dtypes, encode, count }: TileJob, kernel: Kernel): Layout {
  const blocks = Math.ceil(count / BLOCK);
  const offsets: number[] = [];
  let inputBytes = 0;
  for (const dtype of dtypes) {
    offsets.push(inputBytes);
    inputBytes = aligned(inputBytes + count * bytesPer(dtype));
  }
  // The kernel writes whole groups of four; the last one may end in padding.
  const output = program.output === null ? 0 : aligned(count * bytesPer(encode));
  const sums = program.sums.length * blocks * 4;
  const bins = program.histograms.reduce((total, histogram) => total + binsOf(histogram) * 4, 0);
  const parts: Part[] = [];
  let readbackBytes = 0;
  for (const [role, bytes] of [
    ["output", output],
    ["sums", sums],
    ["bins", bins],
  ] as const) {
    if (bytes === 0) continue;
    parts.push({ role, at: readbackBytes, bytes });
    readbackBytes += aligned(bytes);
  }
  return {
    blocks,
    offsets,
    inputBytes,
    parts,
    readbackBytes,
    sizes: {
      params: 16 + kernel.slots * 16,
      inputs: inputBytes,
      upload: inputBytes,
      output,
      sums,
      bins,
      readback: readbackBytes,
    },
  };
}

/** The kernel's parameters, as frame.wgsl lays them out. */
export function parametersOf(
  { words, count, first }: TileJob,
  kernel: Kernel,
  layout: Layout,
): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(4 + kernel.slots * 4);
  all.set([count, layout.blocks, first / 4, 0]);
  all.set(layout.offsets, 4);
  all.set(words, 4 + layout.offsets.length);
  return all;
}

/** Workgroups in x and y for this many blocks; a row holds at most `perRow`. The kernel skips the surplus. */
export function gridOf(blocks: number, perRow = 65535): readonly [number, number] {
  const rows = Math.ceil(blocks / perRow);
  return [Math.ceil(blocks / rows), rows];
}
