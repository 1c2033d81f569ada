/**
 * A program with ranks, taken apart for an engine: a rank looks at whole rows, so the values it ranks are computed
 * first, over the whole tile, and its result is one more F32 input to what follows. A program without ranks is
 * one stage, itself.
 */
import type { Op, Program } from "../graph/program.ts";

export interface Stage {
  /** Has no ranks. */
  readonly program: Program;
  /** Where its inputs are: the whole program's inputs first, then the ranks of the stages before. */
  readonly sources: readonly number[];
  /** Its output is to be ranked in rows of so many elements; null for the last stage. */
  readonly columns: number | null;
}

const known = new WeakMap<Program, readonly Stage[]>();

export function stagesOf(program: Program): readonly Stage[] {
  const before = known.get(program);
  if (before !== undefined) return before;
  const made = split(program);
  known.set(program, made);
  return made;
}

function split(program: Program): Stage[] {
  const { inputs } = program;
  if (!program.ops.some((op) => op.op === "rank")) {
    return [{ program, sources: inputs.map((_, slot) => slot), columns: null }];
  }
  const stages: Stage[] = [];
  const ops: Op[] = [];
  for (const op of program.ops) {
    if (op.op !== "rank") ops.push(op);
    else {
      const results = { sums: [], histograms: [], reductions: [], keeps: [], output: op.a };
      stages.push({ ...prune({ ...program, ...results, ops: [...ops] }, stages.length), columns: op.columns });
      ops.push({ op: "input", slot: inputs.length + stages.length - 1 });
    }
  }
  return [...stages, { ...prune({ ...program, ops }, stages.length), columns: null }];
}

/** Without the operations nobody needs, and with the inputs that are left. Uniforms and tables stay. */
function prune(program: Program, stage: number): Pick<Stage, "program" | "sources"> {
  const wanted = new Set([
    ...(program.keeps ?? []).map(({ value }) => value),
    ...program.sums,
    ...program.histograms.map(({ value }) => value),
    ...program.reductions.map(({ value }) => value),
    ...(program.output === null ? [] : [program.output]),
  ]);
  for (let i = program.ops.length - 1; i >= 0; i--) {
    if (wanted.has(i)) for (const operand of operandsOf(program.ops[i]!)) wanted.add(operand);
  }
  const kept = [...wanted].sort((a, b) => a - b);
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
