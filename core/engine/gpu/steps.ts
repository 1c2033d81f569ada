/**
 * The kernels a tile goes through, one after the other: for each rank the fused kernel of its keys and the ranking, or the
 * comparison; then the fused kernel of the rest, then a reduction for each vector. Their parameters share one buffer.
 */
import type { Program } from "../../graph/program.ts";
import type { TileJob } from "../engine.ts";
import { type Stage, stagesOf } from "../stages.ts";
import { outranksText, outranksWords, rankGroups, rankText, reductionText, reductionWords, splitOf } from "./along.ts";
import { assemble, BINDING, type BindingName, type Kernel } from "./assemble.ts";
import { aligned, type Layout } from "./layout.ts";
import type { Role } from "./staging.ts";

export interface Bound {
  readonly binding: number;
  readonly role: Role;
  /** Bytes; the whole buffer without. */
  readonly range?: { readonly offset: number; readonly size: number };
}

export interface Step {
  readonly text: string;
  readonly groups: number;
  readonly bounds: readonly Bound[];
}

/** The buffer behind each binding: the packed inputs have three views. */
const ROLE: Readonly<Record<BindingName, Role>> = {
  params: "params",
  words1: "inputs",
  words2: "inputs",
  words4: "inputs",
  output: "output",
  sums: "sums",
  bins: "bins",
  scratch: "scratch",
  flaw: "flaw",
};

interface Fused {
  readonly stage: Stage;
  readonly kernel: Kernel;
}

/** Remembers what it assembled, per program and choice of types; programs are few and long-lived. */
export function createSteps(): (job: TileJob, layout: Layout) => { steps: Step[]; params: Uint32Array<ArrayBuffer> } {
  const known = new WeakMap<Program, Map<string, readonly Fused[]>>();

  const fusedOf = ({ program, dtypes, encode }: TileJob): readonly Fused[] => {
    const kernels = known.get(program) ?? new Map<string, readonly Fused[]>();
    known.set(program, kernels);
    const types = [...dtypes, encode].join();
    const fused =
      kernels.get(types) ??
      stagesOf(program).map((stage) => {
        const ranked = stage.looks !== null;
        const types = stage.sources.map((source) => dtypes[source] ?? "F32");
        return { stage, kernel: assemble(stage.program, types, ranked ? "F32" : encode, { ranked }) };
      });
    kernels.set(types, fused);
    return fused;
  };

  return (job, layout) => {
    const steps: Step[] = [];
    const words: number[] = [];
    /** Adds a kernel's parameters on a bound of their own. */
    const params = (own: readonly number[]): Bound => {
      while (words.length * 4 < aligned(words.length * 4)) words.push(0);
      const offset = words.length * 4;
      words.push(...own);
      return { binding: 0, role: "params", range: { offset, size: own.length * 4 } };
    };
    const fused = fusedOf(job);
    /** A fused kernel, which may have its output elsewhere. */
    const fuse = (stage: Stage, kernel: Kernel, output: Omit<Bound, "binding"> = { role: "output" }) => {
      const uniforms = params(parametersOf(job, stage, kernel, layout));
      const bounds = kernel.bindings.map((name) =>
        name === "params"
          ? uniforms
          : { binding: BINDING[name], ...(name === "output" ? output : { role: ROLE[name] }) },
      );
      steps.push({ text: kernel.text, groups: layout.blocks, bounds });
    };
    const size = job.count * 4;
    const keys = { role: "keys", range: { offset: 0, size: aligned(size) } } as const;
    for (const [s, { stage, kernel }] of fused.entries()) {
      const { looks } = stage;
      if (looks === null) {
        fuse(stage, kernel);
        continue;
      }
      fuse(stage, kernel, keys);
      const range = { offset: layout.offsets[job.inputs.length + s] ?? 0, size };
      const ranking = looks.op === "rank";
      const groups = ranking ? rankGroups(job.count, looks.columns) : Math.ceil(job.count / 256);
      const uniforms = params(ranking ? [groups, 0, 0, 0] : outranksWords(looks, job));
      steps.push({
        text: ranking ? rankText(looks.columns) : outranksText(looks.columns),
        groups,
        bounds: [uniforms, { binding: 1, ...keys }, { binding: 2, role: "inputs", range }],
      });
    }
    for (const [r, reduction] of job.program.reductions.entries()) {
      const at = { plane: r * layout.blocks * 4096, result: layout.partials[r] ?? 0 };
      steps.push({
        text: reductionText(reduction),
        groups: splitOf(reduction, job.count).groups,
        bounds: [
          params([...reductionWords(reduction, job, at), 0]),
          { binding: 1, role: "scratch" },
          { binding: 2, role: "partials" },
        ],
      });
    }
    return { steps, params: Uint32Array.from(words) };
  };
}

/** A fused kernel's parameters, as frame.wgsl lays them out. */
function parametersOf({ program, words, count, first }: TileJob, stage: Stage, kernel: Kernel, layout: Layout) {
  const all = new Array<number>(4 + kernel.slots * 4).fill(0);
  const tables = program.tables.flatMap(({ columns }, t) => [layout.tables[t] ?? 0, first % columns]);
  const own = [
    count,
    layout.blocks,
    first / 4,
    0,
    ...stage.sources.map((source) => layout.offsets[source] ?? 0),
    ...tables,
    ...words,
  ];
  own.forEach((word, i) => {
    all[i] = word;
  });
  return all;
}
