/**
 * A program with ranks, taken apart for an engine: a rank looks at whole rows, so the values it ranks are computed
 * first, over the whole tile, and its result is one more F32 input to what follows. A program without ranks is
 * one stage, itself. Where all that is asked of a rank is whether it is above another number, an engine may have the two
 * compared instead of the ranks: then the comparison is the input, of 1 and 0.
 */
import type { Op, Program } from "../graph/program.ts";

/** A program of one value for each element. */
export interface Part {
  /** Has no ranks. */
  readonly program: Program;
  /** Where its inputs are: the whole program's inputs first, then the results of the stages before. */
  readonly sources: readonly number[];
}

export interface Stage extends Part {
  /** Its output is to be ranked in rows of so many elements; null for the last stage. */
  readonly columns: number | null;
  /** What yields the numbers that the ranks are to be above; null where the ranks themselves are wanted. */
  readonly level: Part | null;
}

const [ranked, compared] = [new WeakMap<Program, readonly Stage[]>(), new WeakMap<Program, readonly Stage[]>()];

/** @param compares whether the engine compares ranks with a level */
export function stagesOf(program: Program, compares = false): readonly Stage[] {
  const known = compares ? compared : ranked;
  const before = known.get(program);
  if (before !== undefined) return before;
  const made = split(program, compares);
  known.set(program, made);
  return made;
}

function split(program: Program, compares: boolean): Stage[] {
  const { inputs } = program;
  if (!program.ops.some((op) => op.op === "rank")) {
    return [{ program, sources: inputs.map((_, slot) => slot), columns: null, level: null }];
  }
  const comparisons = compares ? comparisonsOf(program) : new Map<number, Comparison>();
  const later = new Set([...comparisons.values()].map(({ rank }) => rank));
  const stages: Stage[] = [];
  const ops: Op[] = [];
  const part = (output: number, name: string): Part => {
    const results = { sums: [], histograms: [], reductions: [], keeps: [], watched: [], digest: null, output };
    return prune({ ...program, ...results, ops: [...ops] }, `${name} ${stages.length}`);
  };
  for (const [value, op] of program.ops.entries()) {
    const { rank = value, level = null } = comparisons.get(value) ?? {};
    const of = program.ops[rank]!;
    // A rank that is only compared stays until then, read by nothing.
    if (of.op !== "rank" || later.has(value)) ops.push(op);
    else {
      stages.push({
        ...part(of.a, "stage"),
        columns: of.columns,
        level: level === null ? null : part(level, "level"),
      });
      ops.push({ op: "input", slot: inputs.length + stages.length - 1 });
    }
  }
  return [...stages, { ...prune({ ...program, ops }, `stage ${stages.length}`), columns: null, level: null }];
}

/** A rank and what it is to be above, as values of the program. */
interface Comparison {
  readonly rank: number;
  readonly level: number;
}

/** The comparisons that are all that becomes of a rank, by their value. */
function comparisonsOf(program: Program): Map<number, Comparison> {
  const { ops } = program;
  const results = resultsOf(program);
  const alone = (value: number) =>
    ops[value]?.op === "rank" &&
    !results.includes(value) &&
    ops.flatMap(operandsOf).filter((operand) => operand === value).length === 1;
  const found = new Map<number, Comparison>();
  for (const [value, op] of ops.entries()) {
    if (op.op === "gt" && alone(op.a)) found.set(value, { rank: op.a, level: op.b });
    else if (op.op === "lt" && alone(op.b)) found.set(value, { rank: op.b, level: op.a });
  }
  return found;
}

const resultsOf = ({ sums, histograms, reductions, keeps = [], watched = [], output }: Program): readonly number[] => [
  ...watched,
  ...keeps.map(({ value }) => value),
  ...sums,
  ...histograms.map(({ value }) => value),
  ...reductions.map(({ value }) => value),
  ...(output === null ? [] : [output]),
];

/** Values that some result needs, in order. */
export function neededBy(program: Program): number[] {
  const needed = new Set(resultsOf(program));
  for (let value = program.ops.length - 1; value >= 0; value--)
    if (needed.has(value)) for (const operand of operandsOf(program.ops[value]!)) needed.add(operand);
  return [...needed].sort((a, b) => a - b);
}

/** Without the operations nobody needs, and with the inputs that are left. Uniforms and tables stay. */
function prune(program: Program, name: string): Part {
  const kept = neededBy(program);
  const at = new Map(kept.map((old, now) => [old, now]));
  const move = (value: number) => at.get(value) ?? value;
  const sources: number[] = [];
  const ops = kept.map((old): Op => {
    const op = program.ops[old]!;
    if (op.op === "input") {
      const slot = sources.includes(op.slot) ? sources.indexOf(op.slot) : sources.push(op.slot) - 1;
      return { op: "input", slot };
    }
    if ("c" in op) return { ...op, a: move(op.a), b: move(op.b), c: move(op.c) };
    if ("b" in op) return { ...op, a: move(op.a), b: move(op.b) };
    return "a" in op ? { ...op, a: move(op.a) } : op;
  });
  return {
    program: {
      ...program,
      key: `${program.key} ${name}`,
      inputs: sources,
      ops,
      sums: program.sums.map(move),
      histograms: program.histograms.map((one) => ({ ...one, value: move(one.value) })),
      reductions: program.reductions.map((one) => ({ ...one, value: move(one.value) })),
      keeps: (program.keeps ?? []).map((one) => ({ ...one, value: move(one.value) })),
      output: program.output === null ? null : move(program.output),
      watched: (program.watched ?? []).map(move),
    },
    sources,
  };
}

/** The values an operation reads. */
export function operandsOf(op: Op): readonly number[] {
  if ("c" in op) return [op.a, op.b, op.c];
  if ("b" in op) return [op.a, op.b];
  return "a" in op ? [op.a] : [];
}
