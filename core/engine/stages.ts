/**
 * A program with ranks, taken apart for an engine: a rank looks at whole rows, so the values it ranks are computed
 * first, over the whole tile, and its result is one more input to what follows. A program without ranks is one stage, itself.
 */
import { looksAtRows, type Op, type Program, type RowOp } from "../graph/program.ts";

/** A program of one value for each element. */
export interface Stage {
  /** Has no ranks. */
  readonly program: Program;
  /** Where its inputs are: the whole program's inputs first, then the results of the stages before. */
  readonly sources: readonly number[];
  /** What its output is for: to be ranked in rows, or compared within them; null for the last stage. */
  readonly looks: RowOp | null;
}

const taken = new WeakMap<Program, readonly Stage[]>();

export function stagesOf(program: Program): readonly Stage[] {
  const known = taken.get(program);
  if (known !== undefined) return known;
  const made = split(program);
  taken.set(program, made);
  return made;
}

function split(program: Program): Stage[] {
  const { inputs } = program;
  if (!program.ops.some(looksAtRows)) {
    return [{ program, sources: inputs.map((_, slot) => slot), looks: null }];
  }
  const stages: Stage[] = [];
  const ops: Op[] = [];
  for (const op of program.ops) {
    if (!looksAtRows(op)) ops.push(op);
    else {
      const results = { sums: [], histograms: [], reductions: [], keeps: [], watched: [], digest: null, output: op.a };
      stages.push({ ...prune({ ...program, ...results, ops: [...ops] }, stages.length), looks: op });
      ops.push({ op: "input", slot: inputs.length + stages.length - 1 });
    }
  }
  return [...stages, { ...prune({ ...program, ops }, stages.length), looks: null }];
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
function prune(program: Program, stage: number): Omit<Stage, "looks"> {
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
      key: `${program.key} stage ${stage}`,
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
