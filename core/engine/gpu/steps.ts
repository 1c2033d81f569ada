/**
 * The kernels a tile goes through, one after the other: for each rank the fused kernel of its keys and the ranking, or that of
 * keys, that of places and the comparison; then the fused kernel of the rest, then a reduction for each vector. Their parameters share one buffer.
 */
import type { Program } from "../../graph/program.ts";
import type { TileJob } from "../engine.ts";
import { type Part, type Stage, stagesOf } from "../stages.ts";
import { outranksText, rankGroups, rankText, reductionText, reductionWords, splitOf } from "./along.ts";
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
  /** Of the stage's places. */
  readonly placing: Kernel | null;
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
        const ranked = stage.columns !== null;
        const typesOf = ({ sources }: Part) => sources.map((source) => dtypes[source] ?? "F32");
        const { place } = stage;
        return {
          stage,
          kernel: assemble(stage.program, typesOf(stage), ranked ? "F32" : encode, { ranked }),
          placing: place === null ? null : assemble(place.program, typesOf(place), "F32", { ranked }),
        };
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
    const fuse = (part: Part, kernel: Kernel, output: Omit<Bound, "binding"> = { role: "output" }) => {
      const uniforms = params(parametersOf(job, part, kernel, layout));
      const bounds = kernel.bindings.map((name) =>
        name === "params"
          ? uniforms
          : { binding: BINDING[name], ...(name === "output" ? output : { role: ROLE[name] }) },
      );
      steps.push({ text: kernel.text, groups: layout.blocks, bounds });
    };
    const size = job.count * 4;
    const keys = { role: "keys", range: { offset: 0, size: aligned(size) } } as const;
    for (const [s, { stage, kernel, placing }] of fused.entries()) {
      if (stage.columns === null) {
        fuse(stage, kernel);
        continue;
      }
      fuse(stage, kernel, keys);
      const range = { offset: layout.offsets[job.inputs.length + s] ?? 0, size };
      if (stage.place !== null && placing !== null) {
        const places = { role: "keys", range: { offset: aligned(size), size: aligned(size) } } as const;
        fuse(stage.place, placing, places);
        steps.push({
          text: outranksText(stage.columns),
          groups: Math.ceil(job.count / 64),
          bounds: [
            params([job.count, 0, 0, 0]),
            { binding: 1, ...keys },
            { binding: 2, ...places },
            { binding: 3, role: "inputs", range },
          ],
        });
        continue;
      }
      const groups = rankGroups(job.count, stage.columns);
      steps.push({
        text: rankText(stage.columns),
        groups,
        bounds: [params([groups, 0, 0, 0]), { binding: 1, ...keys }, { binding: 2, role: "inputs", range }],
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
function parametersOf({ program, words, count, first }: TileJob, part: Part, kernel: Kernel, layout: Layout) {
  const all = new Array<number>(4 + kernel.slots * 4).fill(0);
  const tables = program.tables.flatMap(({ columns }, t) => [layout.tables[t] ?? 0, first % columns]);
  const own = [
    count,
    layout.blocks,
    first / 4,
    0,
    ...part.sources.map((source) => layout.offsets[source] ?? 0),
    ...tables,
    ...words,
  ];
  own.forEach((word, i) => {
    all[i] = word;
  });
  return all;
}
