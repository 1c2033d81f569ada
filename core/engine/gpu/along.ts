/**
 * The small kernels around a fused one: ranks of rows before it, reductions along an axis after it. The number of
 * columns is part of the text, because dividing by a constant is cheap and a model has few different ones.
 */
import frame from "../../../shaders/along_frame.wgsl?raw";
import columns from "../../../shaders/columns.wgsl?raw";
import math from "../../../shaders/math.wgsl?raw";
import outranks from "../../../shaders/outranks.wgsl?raw";
import random from "../../../shaders/random.wgsl?raw";
import rank from "../../../shaders/rank.wgsl?raw";
import rows from "../../../shaders/rows.wgsl?raw";
import { BLOCK, type Reduction, type RowOp } from "../../graph/program.ts";
import type { TileJob } from "../engine.ts";

/** Invocations of each of these kernels' workgroups. */
const WIDTH = 64;
/** Rows that one invocation adds up in a column. */
const CHUNK = 128;

const COMBINE = {
  sum: "fn least() -> f32 { return 0.0; }\nfn combine(a: f32, b: f32) -> f32 { return a + b; }",
  max: [
    "fn least() -> f32 { return floats(vec4<u32>(0xff800000u ^ params.zero)).x; }",
    "fn combine(a: f32, b: f32) -> f32 { return larger(vec4<f32>(a), vec4<f32>(b)).x; }",
  ].join("\n"),
} as const;

export function rankText(width: number): string {
  return `const COLUMNS = ${width}u;\n${rank}`;
}

export function outranksText(width: number): string {
  return [`const COLUMNS = ${width}u;`, outranks, random].join("\n");
}

/** The kernel's parameters, as outranks.wgsl lays them out. */
export function outranksWords(op: Extract<RowOp, { op: "outranks" }>, { count, first, words }: TileJob): number[] {
  const own = [op.word, op.word + 1, op.least, op.per].map((word) => words[word]!);
  return [count, first / 4, ...own, 0, 0];
}

/** Workgroups that rank so many elements in rows of `width`. */
export function rankGroups(count: number, width: number): number {
  return (count / width) * Math.ceil(width / WIDTH);
}

export function reductionText({ axis, how, columns: width }: Reduction): string {
  return [`const COLUMNS = ${width}u;`, frame, math, COMBINE[how], axis === "rows" ? rows : columns].join("\n");
}

/** How a tile's values fall into partials, in the order the kernel writes them. */
export interface Split {
  /** Slots per block, of which some stay empty (rows), or columns per chunk of rows. */
  readonly most: number;
  readonly groups: number;
  /** f32 the kernel may write. */
  readonly partials: number;
}

export function splitOf({ axis, columns: width }: Reduction, count: number): Split {
  if (axis === "rows") {
    const most = Math.floor((BLOCK - 2) / width) + 2;
    const groups = Math.ceil(count / BLOCK) * most;
    return { most, groups, partials: groups };
  }
  const most = Math.min(width, count);
  const chunks = Math.ceil(Math.ceil(count / width) / CHUNK);
  return { most, groups: chunks * Math.ceil(most / WIDTH), partials: chunks * most };
}

/** The kernel's parameters, as along_frame.wgsl lays them out. */
export function reductionWords(
  reduction: Reduction,
  tile: { readonly first: number; readonly count: number },
  at: { readonly plane: number; readonly result: number },
): number[] {
  const { most, groups } = splitOf(reduction, tile.count);
  return [tile.count, tile.first % reduction.columns, at.plane, at.result, most, groups, 0];
}

/** What the kernel wrote, as the engine's interface wants it: segments without gaps, or one f64 per column. */
export function gather(
  reduction: Reduction,
  { first, count }: { readonly first: number; readonly count: number },
  found: Float32Array,
): Float64Array<ArrayBuffer> {
  const { axis, columns: width, how } = reduction;
  const { most, partials } = splitOf(reduction, count);
  if (axis === "columns") {
    const all = Float64Array.from(found.subarray(0, most));
    for (let i = most; i < partials; i++) {
      const [known, part] = [all[i % most]!, found[i]!];
      all[i % most] = how === "sum" ? known + part : Math.max(known, part);
    }
    return all;
  }
  const parts: number[] = [];
  for (let block = 0; block * BLOCK < count; block++) {
    const start = (first % width) + block * BLOCK;
    const end = (first % width) + Math.min((block + 1) * BLOCK, count);
    const used = Math.ceil(end / width) - Math.floor(start / width);
    for (let k = 0; k < used; k++) parts.push(found[block * most + k]!);
  }
  return Float64Array.from(parts);
}
