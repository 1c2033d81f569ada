/**
 * NaN and infinity looked for by the kernel itself: one sum more, of the elements whose watched values are all finite. A
 * block's sum falls short where one is not. Comparisons look at bits, since WGSL promises nothing of such numbers.
 */
import type { OutputDtype } from "../../bytes/dtype.ts";
import { BLOCK, type Op, type Program } from "../../graph/program.ts";
import type { TileJob, TileResult } from "../engine.ts";

/** Magnitudes from here on are infinite: as they are, or once encoded. */
const BEYOND: Readonly<Record<OutputDtype, number>> = { F32: 0x7f800000, BF16: 0x7f7f8000, F16: 0x477ff000 };

const known = new WeakMap<Program, Map<OutputDtype, Program>>();

/** The job with the sum and the two words it needs; itself where nothing is watched. */
export function watching(job: TileJob): TileJob {
  const { program, encode, words } = job;
  if ((program.watched ?? []).length === 0) return job;
  const made = known.get(program) ?? new Map<OutputDtype, Program>();
  known.set(program, made);
  const extended = made.get(encode) ?? extend(program);
  made.set(encode, extended);
  const own = new Uint32Array(program.words + 2);
  own.set(words.subarray(0, program.words));
  own.set([BEYOND.F32, BEYOND[encode]], program.words);
  return { ...job, program: extended, words: own };
}

function extend(program: Program): Program {
  const ops: Op[] = [...program.ops];
  const emit = (op: Op) => ops.push(op) - 1;
  const limits = [0, 1].map((more) => emit({ op: "uniform", word: program.words + more }));
  const finite = (program.watched ?? []).map((value) =>
    emit({ op: "lt", a: emit({ op: "abs", a: value }), b: limits[value === program.output ? 1 : 0]! }),
  );
  const all = finite.reduce((a, b) => emit({ op: "mul", a, b }));
  return {
    ...program,
    key: `${program.key} watched`,
    ops,
    words: program.words + 2,
    sums: [...program.sums, all],
    watched: [],
  };
}

/** What the program asked for, and what its last sum tells. */
export function seen({ program, count }: TileJob, result: TileResult): TileResult {
  if ((program.watched ?? []).length === 0) return result;
  const blocks = Math.ceil(count / BLOCK);
  const at = program.sums.length * blocks;
  const finite = result.sums.subarray(at);
  return {
    ...result,
    sums: result.sums.slice(0, at),
    unsound: finite.some((some, block) => some !== Math.min(BLOCK, count - block * BLOCK)),
  };
}
