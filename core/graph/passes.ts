/**
 * Cuts an expression into as few sweeps over the data as it needs. A number that a sweep yields (a
 * sum, a selection's threshold) is available to the sweeps after it; everything elementwise between
 * two such numbers is fused into one program.
 *
 * A vector (one number per row or column) ends a sweep like a sum does; the sweeps after it look it up.
 *
 * A selection of the k largest takes two sweeps: a histogram of the magnitude's high bits, and one of
 * its low bits within the bin that holds the k-th. Or one, where a sample of the tensor can be had beforehand
 * (`window.ts`); the sum of what it chooses then comes with it (`mass.ts`). Where a mask is wanted and equal magnitudes straddle the
 * cut, a small part of the tensor is looked at once more (`ties.ts`).
 *
 * A number of the whole model (`overall`) is a barrier: the sweeps before it run for every tensor before any
 * tensor goes on. The sweeps between two barriers are a round.
 */
import { createBuilder, watching } from "./builder.ts";
import { chosenIn, collect, type Demand } from "./demand.ts";
import { type Form, formOf, moved } from "./form.ts";
import { operandsOf, type Plane, planesOf, type Widest } from "./planes.ts";
import type { PlaneBits, PlaneRef, Program } from "./program.ts";
import type { Scalar, Selection, Tensor, Vector } from "./tensor.ts";

/** What a uniform word of a program holds; settled on the host before the sweep. */
export type Uniform =
  | { readonly kind: "value"; readonly scalar: Scalar } // f32
  | { readonly kind: "threshold"; readonly selection: Selection } // magnitude bits of the k-th largest
  | { readonly kind: "cut"; readonly selection: Selection } // last index kept among equals, tile-relative, i32
  | { readonly kind: "digit"; readonly selection: Selection | OverallKth } // high digit of the threshold
  | { readonly kind: "bound"; readonly selection: Selection; readonly end: "low" | "high" } // of its window, magnitude bits
  | { readonly kind: "key"; readonly stream: number; readonly half: 0 | 1; readonly seed: Seed | null }; // Philox key

/** Null stands for the tensor's own. */
type Seed = readonly [number, number];

export type SumScalar = Extract<Scalar, { op: "sum" }>;
export type Overall = Extract<Scalar, { op: "overall" }>;
export type OverallKth = Extract<Scalar, { op: "overallKth" }>;

/** One number per row or column, yielded by a sweep. */
export type Reduced = Extract<Vector, { op: "reduce" }>;

export type { Widest } from "./planes.ts";

export interface Fused {
  readonly program: Program;
  readonly uniforms: readonly Uniform[];
  /** What the program's tables are cut from; settled on the host before the sweep. */
  readonly vectors: readonly Vector[];
}

/** Programs that find the last element kept among those of equal magnitude. */
export interface Cut {
  readonly selection: Selection;
  /** Its one sum counts the elements whose magnitude is the threshold. */
  readonly count: Fused;
  /** Its output is the selection's key. */
  readonly value: Fused;
}

/** A selection that is to be settled by this sweep alone. */
export interface Window {
  readonly selection: Selection;
  /** Its output is the selection's key. */
  readonly sample: Fused;
  /** What counts the digits of the key, for when the sample was wrong; made when it is asked for. */
  digits(): { readonly high: Fused; readonly low: Fused };
}

/** The sum of the magnitudes that a selection chooses, settled with its window. */
export interface Mass {
  readonly sum: SumScalar;
  readonly selection: Selection;
  /** What adds it up, for when the window does not tell; made when it is asked for. */
  explicit(): Fused;
}

export interface Pass extends Fused {
  /** Passes of round r run for all tensors before any of round r + 1. */
  readonly round: number;
  /** What the program's sums are: then, for each mass, the sum of what is above the window. */
  readonly sums: readonly SumScalar[];
  readonly masses: readonly Mass[];
  /** What its histograms are: high digits of keys first, then low digits, then windows. */
  readonly high: readonly Tensor[];
  readonly low: readonly (Selection | OverallKth)[];
  readonly windows: readonly Window[];
  /** What its reductions are. */
  readonly reduced: readonly Reduced[];
  /** Of the selections it settles whose mask is wanted: how to find the cut among equals. */
  readonly cuts: readonly Cut[];
  /** This tensor's parts of whole-model numbers that are known once this pass is finished. */
  readonly parts: readonly (Overall | OverallKth)[];
}

/**
 * @param widest what is dear to make is left in planes by the first sweep that needs it, for those after it: of how many bits at most
 * @param windowed a sample of the tensor can be had before a sweep, for the selections it settles
 * @returns the sweeps in order; the last one yields the tensor. One sweep for purely elementwise methods.
 */
export function passesOf(
  output: Tensor,
  watched: readonly Scalar[] = [],
  widest: Widest = 0,
  windowed = false,
): readonly Pass[] {
  const form = formOf(output, watched);
  const { passes, form: first } = remembered(madeBefore, `${widest} ${windowed} ${form.text}`, () => ({
    passes: cutUp(output, watched, widest, windowed),
    form,
  }));
  return first === form ? passes : moved(passes, first, form);
}

/** What was decided for expressions of a form, of the last so many forms. */
const madeBefore = new Map<string, { readonly passes: readonly Pass[]; readonly form: Form }>();
const worths = new Map<string, boolean>();
const REMEMBERED = 200;

function remembered<T>(all: Map<string, T>, key: string, make: () => T): T {
  const known = all.get(key);
  if (known !== undefined) return known;
  const made = make();
  if (all.size >= REMEMBERED) all.clear();
  all.set(key, made);
  return made;
}

function cutUp(output: Tensor, watched: readonly Scalar[], widest: Widest, windowed: boolean): Pass[] {
  const demand = collect(output, watched, windowed);
  const levels = Array.from({ length: demand.last + 1 }, (_, level) => level);
  const sweeps = levels.map((level) => ({ round: roundOf(level, demand), roots: rootsOf(level, output, demand) }));
  const planes = planesOf(sweeps, widest);
  return soundly(levels.map((level) => passAt(level, output, demand, planes)));
}

/**
 * Whether windows are worth their samples. A key's high digits are counted once, however many are chosen by it; windows are
 * counted one by one. What whole rows decide cannot be sampled.
 */
export function worthSampling(output: Tensor, watched: readonly Scalar[]): boolean {
  return remembered(worths, formOf(output, watched).text, () => isWorthSampling(output, watched));
}

function isWorthSampling(output: Tensor, watched: readonly Scalar[]): boolean {
  const keys = collect(output, watched, true).selections.map(({ key }) => key);
  if (keys.length === 0) return false;
  return keys.every((key) => keys.filter((other) => other === key).length <= 2 && !rowsDecide(key));
}

function rowsDecide(tensor: Tensor, seen = new Set<Tensor>()): boolean {
  if (seen.has(tensor)) return false;
  seen.add(tensor);
  if (tensor.op === "rank" || tensor.op === "outranks") return true;
  return operandsOf(tensor).some((operand) => rowsDecide(operand, seen));
}

/** Each input is looked at in the last sweep that reads it, the output where it is made. */
function soundly(passes: readonly Pass[]): Pass[] {
  return passes.map((pass, level) => {
    const later = new Set(passes.slice(level + 1).flatMap(({ program }) => program.inputs));
    return { ...pass, program: watching(pass.program, (index) => !later.has(index)) };
  });
}

/** The planes of kept values that the passes make, by number. */
export function planesIn(passes: readonly Pass[]): PlaneBits[] {
  const planes: PlaneBits[] = [];
  for (const { program } of passes) for (const { plane, bits } of program.keeps ?? []) planes[plane] = bits;
  return planes;
}

const refOf = ({ number, bits }: Plane): PlaneRef => ({ plane: number, bits });

const roundOf = (level: number, { barriers }: Demand) => barriers.filter((barrier) => barrier <= level).length;

/** What a sweep is asked for besides the output. */
function askedAt(level: number, demand: Demand) {
  const at = (node: Tensor | Selection) => demand.level(node) === level;
  const selections = demand.selections.filter(at);
  return {
    sums: demand.sums.filter(({ tensor }) => at(tensor)),
    masses: demand.masses.filter(({ selection }) => at(selection)),
    high: demand.keys.filter(at),
    low: [
      ...(demand.windowed ? [] : selections),
      ...demand.overallKths.filter(({ key }) => demand.level(key) + 1 === level),
    ],
    windowed: demand.windowed ? selections : [],
    reduced: demand.reduced.filter(({ tensor }) => at(tensor)),
  };
}

/** The tensors that a sweep is asked for. */
function rootsOf(level: number, output: Tensor, demand: Demand): Tensor[] {
  const { sums, high, low, windowed, reduced } = askedAt(level, demand);
  const of = [...sums, ...reduced].map(({ tensor }) => tensor);
  return [...of, ...high, ...[...low, ...windowed].map(({ key }) => key), ...(level === demand.last ? [output] : [])];
}

function passAt(level: number, output: Tensor, demand: Demand, planes: ReadonlyMap<Tensor, Plane>): Pass {
  const round = roundOf(level, demand);
  const held = (tensor: Tensor) => {
    const plane = planes.get(tensor);
    return plane !== undefined && plane.level < level && plane.round === round ? refOf(plane) : null;
  };
  const builder = createBuilder(held);
  const { sums, masses, high, low, windowed, reduced } = askedAt(level, demand);
  const summed = [
    ...sums.map((sum) => builder.value(sum.tensor)),
    ...masses.map(({ selection }) => builder.above(selection)),
  ];
  const exact = summed.flatMap((_, s) => (s >= sums.length || chosenIn(sums[s]!) !== null ? [s] : []));
  const histograms = [
    ...high.map((key) => ({ value: builder.value(key), digit: "high", word: null }) as const),
    ...low.map((one) => ({ value: builder.value(one.key), digit: "low", word: builder.digit(one) }) as const),
    ...windowed.map((one) => ({ value: builder.value(one.key), digit: "window", word: builder.window(one) }) as const),
  ];
  const reductions = reduced.map(({ how, axis, columns, tensor }) => ({
    value: builder.value(tensor),
    how,
    axis,
    columns,
  }));
  const result = level === demand.last ? builder.value(output) : null;
  const keeps = [...planes]
    .filter(([, plane]) => plane.level === level)
    .map(([tensor, plane]) => ({ value: builder.value(tensor), ...refOf(plane) }));
  return {
    ...builder.finish({ sums: summed, exact, histograms, reductions, keeps, output: result }),
    round,
    sums,
    masses: masses.map(massOf),
    high,
    low,
    windows: windowed.map(windowOf),
    reduced,
    cuts: demand.topped.filter((selection) => demand.level(selection) === level).map(cutOf),
    parts: [
      ...demand.overalls.filter((one) => demand.level(one) === level + 1),
      // Two contributions: its high digits, and one sweep later its low ones.
      ...demand.overallKths.filter((one) => [level, level - 1].includes(demand.level(one.key))),
    ],
  };
}

const none = { sums: [], histograms: [], reductions: [], output: null };

const shown = new WeakMap<Tensor, Fused>();

/** A selection's key by itself. */
function keyOf({ key }: Selection): Fused {
  const known = shown.get(key);
  if (known !== undefined) return known;
  const builder = createBuilder();
  const made = builder.finish({ ...none, output: builder.value(key) });
  shown.set(key, made);
  return made;
}

function windowOf(selection: Selection): Window {
  const counted = (digit: "high" | "low") => {
    const builder = createBuilder();
    const value = builder.value(selection.key);
    const word = digit === "high" ? null : builder.digit(selection);
    return builder.finish({ ...none, histograms: [{ value, digit, word }] });
  };
  return {
    selection,
    sample: keyOf(selection),
    digits: () => ({ high: counted("high"), low: counted("low") }),
  };
}

function massOf({ sum, selection }: Pick<Mass, "sum" | "selection">): Mass {
  const explicit = () => {
    const builder = createBuilder();
    return builder.finish({ ...none, sums: [builder.value(sum.tensor)], exact: [0] });
  };
  return { sum, selection, explicit };
}

function cutOf(selection: Selection): Cut {
  const counting = createBuilder();
  return {
    selection,
    count: counting.finish({ ...none, sums: [counting.tied(selection)] }),
    value: keyOf(selection),
  };
}
