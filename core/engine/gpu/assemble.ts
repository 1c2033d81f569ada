/**
 * From a program to the text of its kernel. All logic lives in `shaders/*.wgsl`; this file picks the
 * pieces a program needs and adds one line of WGSL per operation, load, sum and store. The text is
 * the kernel's identity: equal texts share a pipeline.
 */
import along from "../../../shaders/along.wgsl?raw";
import decode from "../../../shaders/decode.wgsl?raw";
import encode from "../../../shaders/encode.wgsl?raw";
import frame from "../../../shaders/frame.wgsl?raw";
import histogram from "../../../shaders/histogram.wgsl?raw";
import logarithm from "../../../shaders/logarithm.wgsl?raw";
import main from "../../../shaders/main.wgsl?raw";
import math from "../../../shaders/math.wgsl?raw";
import output2 from "../../../shaders/output2.wgsl?raw";
import output4 from "../../../shaders/output4.wgsl?raw";
import random from "../../../shaders/random.wgsl?raw";
import reduce from "../../../shaders/reduce.wgsl?raw";
import scratch from "../../../shaders/scratch.wgsl?raw";
import tanh from "../../../shaders/tanh.wgsl?raw";
import watch from "../../../shaders/watch.wgsl?raw";
import type { FloatDtype, OutputDtype } from "../../bytes/dtype.ts";
import { bytesPer } from "../../bytes/dtype.ts";
import { binsOf, type Op, type Program } from "../../graph/program.ts";
import { operandsOf } from "../stages.ts";

/** Binding numbers of frame.wgsl and the output pieces. */
export const BINDING = {
  params: 0,
  words1: 1,
  words2: 2,
  words4: 3,
  flaw: 4,
  output: 5,
  sums: 6,
  bins: 7,
  scratch: 8,
} as const;
export type BindingName = keyof typeof BINDING;

export interface Kernel {
  readonly text: string;
  /** Which buffers it touches; a pipeline's automatic layout has exactly these. */
  readonly bindings: readonly BindingName[];
  /** vec4s after the four leading words of the parameters: input offsets, then offset and phase of each table, then uniforms. */
  readonly slots: number;
}

const LOADS: Readonly<Record<FloatDtype, string>> = {
  F64: "load_f64",
  F32: "load_f32",
  F16: "load_f16",
  BF16: "load_bf16",
  F8_E4M3: "load_f8_e4m3",
  F8_E5M2: "load_f8_e5m2",
};

const ENCODES: Readonly<Record<OutputDtype, string>> = { F32: "encode_f32", F16: "encode_f16", BF16: "encode_bf16" };

/** Magnitudes from these bits on are infinite: as they are, or once encoded. */
const BEYOND: Readonly<Record<OutputDtype, string>> = { F32: "0x7f800000u", BF16: "0x7f7f8000u", F16: "0x477ff000u" };

/** The view of the packed inputs that fetches four elements of this type at once. */
function viewOf(dtype: FloatDtype): BindingName {
  const bytes = bytesPer(dtype);
  return bytes === 1 ? "words1" : bytes === 2 ? "words2" : "words4";
}

/** The kernel for a program without ranks over inputs of these types, one dtype per program input. */
export function assemble(
  program: Program,
  dtypes: readonly FloatDtype[],
  encoding: OutputDtype,
  options: { /** Whether what it yields is to be ranked. */ readonly ranked?: boolean } = {},
): Kernel {
  const { ops, sums, histograms, reductions, watched = [], output } = program;
  const base = dtypes.length + 2 * program.tables.length;
  const uniform = (word: number) => `slot(${base + word}u)`;
  const pinned = selecting(program, options.ranked === true);
  const sweep = ops.map((op, i) => {
    const line = expression(op, program, dtypes);
    return `let v${i} = ${pinned.has(i) ? `pin(${line})` : line};`;
  });
  const globals = [`const SLOTS = ${slotsOf(program, dtypes)}u;`];
  const settle: string[] = [];

  if (output !== null) sweep.push(`output[group] = ${ENCODES[encoding]}(v${output});`);
  for (const value of watched) {
    sweep.push(`watch(inside, v${value}, ${BEYOND[value === output ? encoding : "F32"]});`);
  }
  reductions.forEach(({ value }, r) => {
    sweep.push(`keep(${r}u, group, v${value});`);
  });
  sums.forEach((value, s) => {
    globals.push(`var<private> sum${s}: vec4<f32>;`);
    sweep.push(`sum${s} += within(inside, v${value});`);
  });
  for (let s = 0; s < sums.length; s += 4) {
    const four = [0, 1, 2, 3].map((k) => (s + k < sums.length ? `across(sum${s + k})` : "0.0"));
    settle.push(`let total${s} = fold(lane, vec4<f32>(${four.join(", ")}));`);
    for (let k = 0; k < 4 && s + k < sums.length; k++) {
      settle.push(`if (lane == 0u) { sums[${s + k}u * params.blocks + block] = total${s}[${k}]; }`);
    }
  }
  let start = 0;
  histograms.forEach((wanted, h) => {
    if (wanted.digit === "window") throw new Error("Internal error: windows are for engines that keep values.");
    if (wanted.digit === "high") {
      sweep.push(`tally_high(${start}u, v${wanted.value}, inside);`);
    } else {
      globals.push(`var<private> zeros${h}: u32;`);
      sweep.push(`zeros${h} += tally_low(${start}u, v${wanted.value}, ${uniform(wanted.word ?? 0)}, inside);`);
      settle.push(`if (zeros${h} > 0u) { atomicAdd(&bins[${start}u], zeros${h}); }`);
    }
    start += binsOf(wanted);
  });

  const text = [
    ...globals,
    frame,
    math,
    ops.some((op) => op.op === "exp" || op.op === "log") ? logarithm : "",
    ops.some((op) => op.op === "tanh") ? tanh : "",
    dtypes.length > 0 ? decode : "",
    ops.some((op) => op.op === "random") ? random : "",
    ops.some((op) => op.op === "along") ? along : "",
    reductions.length > 0 ? scratch : "",
    sums.length > 0 ? reduce : "",
    histograms.length > 0 ? histogram : "",
    watched.length > 0 ? watch : "",
    output !== null ? (encoding === "F32" ? output4 : output2) + encode : "",
    main,
    "fn sweep(group: u32, index: u32, inside: vec4<bool>) {",
    ...sweep.map((line) => `  ${line}`),
    "}",
    "fn settle(lane: u32, block: u32) {",
    ...settle.map((line) => `  ${line}`),
    "}",
  ].join("\n");
  return { text, bindings: bindingsOf(program, dtypes), slots: slotsOf(program, dtypes) };
}

function slotsOf(program: Program, dtypes: readonly FloatDtype[]): number {
  return Math.max(1, Math.ceil((dtypes.length + 2 * program.tables.length + program.words) / 4));
}

/** The buffers the kernel's code reaches: an input that no operation reads leaves no binding. */
function bindingsOf(
  { ops, sums, histograms, reductions, watched = [], output }: Program,
  dtypes: readonly FloatDtype[],
): BindingName[] {
  const views = new Set(ops.flatMap((op) => (op.op === "input" ? [viewOf(dtypeAt(dtypes, op.slot))] : [])));
  if (ops.some((op) => op.op === "along")) views.add("words1");
  const names: BindingName[] = ["params"];
  for (const view of ["words1", "words2", "words4"] as const) if (views.has(view)) names.push(view);
  if (output !== null) names.push("output");
  if (sums.length > 0) names.push("sums");
  if (histograms.length > 0) names.push("bins");
  if (reductions.length > 0) names.push("scratch");
  if (watched.length > 0) names.push("flaw");
  return names;
}

/**
 * The operations that decide what is selected or how it is ranked. Several programs compute them (one counts, another
 * cuts), so their bits must agree from kernel to kernel: each is shielded from fusion and reordering.
 */
function selecting({ ops, histograms, output }: Program, ranked: boolean): ReadonlySet<number> {
  const wanted = new Set(histograms.map((one) => one.value));
  if (ranked && output !== null) wanted.add(output);
  for (let i = ops.length - 1; i >= 0; i--) {
    const op = ops[i];
    if (op === undefined) continue;
    if (op.op === "top" || op.op === "tied") wanted.add(op.a);
    if (wanted.has(i)) for (const from of operandsOf(op)) wanted.add(from);
  }
  const arithmetic = ["add", "sub", "mul", "div", "sqrt", "exp", "log", "tanh"];
  return new Set([...wanted].filter((i) => arithmetic.includes(ops[i]?.op ?? "")));
}

function dtypeAt(dtypes: readonly FloatDtype[], slot: number): FloatDtype {
  const dtype = dtypes[slot];
  if (dtype === undefined) throw new RangeError(`The program reads input ${slot}, but has ${dtypes.length}.`);
  return dtype;
}

/** One operation as WGSL over vec4<f32>. */
function expression(op: Op, { tables }: Program, dtypes: readonly FloatDtype[]): string {
  const base = dtypes.length + 2 * tables.length;
  const word = (index: number) => `slot(${base + index}u)`;
  switch (op.op) {
    case "input":
      return `${LOADS[dtypeAt(dtypes, op.slot)]}(slot(${op.slot}u), group)`;
    case "uniform":
      return `uniform_value(${base + op.word}u)`;
    case "neg":
      return `negative(v${op.a})`;
    case "abs":
      return `absolute(v${op.a})`;
    case "sign":
      return `signum(v${op.a})`;
    case "sqrt":
      return `sqrt(v${op.a})`;
    case "exp":
      return `exponential(v${op.a})`;
    case "log":
      return `logarithm(v${op.a})`;
    case "tanh":
      return `hyperbolic_tangent(v${op.a})`;
    case "add":
      return `v${op.a} + v${op.b}`;
    case "sub":
      return `v${op.a} - v${op.b}`;
    case "mul":
      return `v${op.a} * v${op.b}`;
    case "div":
      return `v${op.a} / v${op.b}`;
    case "min":
      return `smaller(v${op.a}, v${op.b})`;
    case "max":
      return `larger(v${op.a}, v${op.b})`;
    case "lt":
      return `less(v${op.a}, v${op.b})`;
    case "le":
      return `less_equal(v${op.a}, v${op.b})`;
    case "gt":
      return `less(v${op.b}, v${op.a})`;
    case "ge":
      return `less_equal(v${op.b}, v${op.a})`;
    case "eq":
      return `equal(v${op.a}, v${op.b})`;
    case "ne":
      return `unequal(v${op.a}, v${op.b})`;
    case "where":
      return `choose(v${op.a}, v${op.b}, v${op.c})`;
    case "random":
      return `uniform_random(${word(op.word)}, ${word(op.word + 1)}, group)`;
    case "top":
      return `above(v${op.a}, ${word(op.word)}, ${word(op.word + 1)}, index)`;
    case "tied":
      return `tied(v${op.a}, ${word(op.word)})`;
    case "along": {
      const table = tables[op.table];
      if (table === undefined)
        throw new RangeError(`The program looks up table ${op.table}, but has ${tables.length}.`);
      const [offset, phase] = [0, 1].map((k) => `slot(${dtypes.length + 2 * op.table + k}u)`);
      return table.axis === "rows"
        ? `along_rows(${offset}, ${phase} + index, ${table.columns}u)`
        : `along_columns(${offset}, index, ${table.columns}u)`;
    }
    case "kept":
      throw new RangeError("The program reads a kept mask, and masks are not kept on the GPU.");
    case "rank":
    case "outranks":
      throw new RangeError("The program has a rank that was not taken apart.");
    default:
      return op satisfies never;
  }
}
