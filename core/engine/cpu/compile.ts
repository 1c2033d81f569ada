/**
 * A program as one function in SIMD WebAssembly: a loop over the elements, eight per turn, in which every operation is a
 * few instructions on local variables. What does not work four at a time (random numbers, rows and columns, counting)
 * and what few files have is left to the kernels, which fill or read a register of STEP numbers around the loop.
 */
import type { FloatDtype } from "../../bytes/dtype.ts";
import { BLOCK, type Op, type Program } from "../../graph/program.ts";
import { operandsOf } from "../stages.ts";
import { bf16, bf16OrNaN } from "./functions.ts";
import { createLanes, type Lanes, simd, type Value } from "./lanes.ts";
import { type Layout, layOut, type Shape, STEP } from "./layout.ts";
import { createConstants, createHalf, malformed } from "./operations.ts";
import { type Body, I32, i32, moduleOf, V128 } from "./wasm.ts";

export interface Compiled {
  /**
   * A module that exports `run(base, count, index, counter)`: works off a strip of `count` elements with the memory from
   * `base` on. `index` is the first one's in
   * its tile, a multiple of BLOCK, `counter` the first one's in its tensor over 4.
   */
  readonly code: Uint8Array<ArrayBuffer>;
  readonly layout: Layout;
}

/** Kernels by name, and how many parameters they take. */
const KERNELS = {
  decodeF64: 3,
  decodeF16: 3,
  decodeE4M3: 3,
  decodeE5M2: 3,
  encodeF16: 3,
  random: 5,
  alongRows: 5,
  alongColumns: 5,
  histogramHigh: 3,
  histogramLow: 4,
  rowSums: 5,
  rowMaxima: 5,
  columnSums: 5,
  columnMaxima: 5,
  finish: 2,
} as const;
type Kernel = keyof typeof KERNELS;

const DECODED: Readonly<Partial<Record<FloatDtype, readonly [kernel: Kernel, shift: number]>>> = {
  F64: ["decodeF64", 3],
  F16: ["decodeF16", 1],
  F8_E4M3: ["decodeE4M3", 0],
  F8_E5M2: ["decodeE5M2", 0],
};
const ALONG = { rows: "alongRows", columns: "alongColumns" } as const;
const REDUCE = {
  rows: { sum: "rowSums", max: "rowMaxima" },
  columns: { sum: "columnSums", max: "columnMaxima" },
} as const;

const [BASE, COUNT, INDEX, COUNTER] = [0, 1, 2, 3];

/**
 * Compiles the program. The code is the same wherever its memory begins, so that threads share what the browser makes of
 * it. Throws a DeviceError for a malformed program.
 * @param shared other threads have their parts of the memory
 */
export function compile(shape: Shape, shared: boolean): Compiled {
  const layout = layOut(shape);
  const kernels = Object.entries(KERNELS).map(([name, parameters]) => ({ name, parameters }));
  return { code: moduleOf(kernels, 4, (body, begin) => writeStrip(body, begin, shape, layout), shared), layout };
}

/** Steps of at most STEP elements: kernels that fill registers, the loop, kernels that read registers. */
function writeStrip(body: Body, begin: Body, shape: Shape, layout: Layout): void {
  const { program, encode } = shape;
  const [at, n, last, bytes] = [body.local(I32), body.local(I32), body.local(I32), body.local(I32)];
  const call = (kernel: Kernel) => body.call(Object.keys(KERNELS).indexOf(kernel));
  const ends = () => {
    // At the end of the strip, or of a block.
    body.get(last);
    body.get(COUNT);
    body.put(i32.eq);
    body.get(last);
    body.i32(BLOCK - 1);
    body.put(i32.and, i32.eqz, i32.or);
  };
  body.repeat(() => {
    body.get(COUNT);
    body.get(at);
    body.put(i32.sub);
    body.tee(n);
    body.i32(STEP);
    body.get(n);
    body.i32(STEP);
    body.put(i32.ltU, i32.select);
    body.tee(n);
    body.get(at);
    body.put(i32.add);
    body.set(last);
    body.get(n);
    body.i32(15);
    body.put(i32.add);
    body.i32(4);
    body.put(i32.shrU);
    body.i32(6);
    body.put(i32.shl);
    body.set(bytes);

    const filled = fillRegisters({ body, shape, layout, at, n, bytes, call });
    const read = writeLoop({ body, begin, shape, layout, at, n, filled });

    program.sums.forEach((_, s) => {
      ends();
      body.branch(() => {
        address(body, layout.accumulators[s]!.at);
        address(body, layout.partials[s]!.at);
        body.get(last);
        body.i32(1);
        body.put(i32.sub);
        body.i32(Math.log2(BLOCK));
        body.put(i32.shrU);
        body.i32(3);
        body.put(i32.shl, i32.add);
        call("finish");
      });
    });
    program.histograms.forEach(({ digit, word }, h) => {
      placeOf(body, layout, shape.dtypes.length + 1 + h);
      address(body, read.histograms[h]!);
      body.get(n);
      if (digit === "low") {
        if (word === null) throw malformed(program, `histogram ${h} of low digits has no word`);
        address(body, layout.uniforms.at + 4 * word);
      }
      call(digit === "high" ? "histogramHigh" : "histogramLow");
    });
    program.reductions.forEach(({ axis, how, columns }, r) => {
      const place = layout.reductions[r]!;
      address(body, place.axis === "rows" ? place.state.at : place.totals.at);
      address(body, read.reductions[r]!);
      body.get(n);
      body.i32(columns);
      if (axis === "rows") ends();
      else sum(body, INDEX, at);
      call(REDUCE[axis][how]);
    });
    if (layout.output !== null && encode === "F16") {
      const to = () => offset(body, layout, shape.dtypes.length, at, 1);
      to();
      to();
      body.get(bytes);
      body.i32(1);
      body.put(i32.shrU, i32.add);
      address(body, read.output!);
      call("encodeF16");
    }

    body.get(last);
    body.tee(at);
    body.get(COUNT);
    body.put(i32.ltU);
  });
}

/** An address that is known from the program's base on. */
function address(body: Body, from: number): void {
  body.get(BASE);
  body.i32(from);
  body.put(i32.add);
}

/** Where the strip of an input or of the output begins, or a histogram. */
function placeOf(body: Body, layout: Layout, place: number): void {
  body.get(BASE);
  body.access(i32.load, layout.places.at + 4 * place);
}

function sum(body: Body, a: number, b: number): void {
  body.get(a);
  body.get(b);
  body.put(i32.add);
}

/** The address of element `at` of an input, or of the output, of elements of 2^shift bytes. */
function offset(body: Body, layout: Layout, place: number, at: number, shift: number): void {
  placeOf(body, layout, place);
  body.get(at);
  body.i32(shift);
  body.put(i32.shl, i32.add);
}

interface Step {
  readonly body: Body;
  readonly shape: Shape;
  readonly layout: Layout;
  /** Local variables: the step's first element in the strip, and how many it has. */
  readonly at: number;
  readonly n: number;
}

/** Registers that kernels fill before the loop, by value of the program. */
function fillRegisters(step: Step & { readonly bytes: number; call(kernel: Kernel): void }): Map<number, number> {
  const { body, shape, layout, at, n, bytes, call } = step;
  const { program, dtypes } = shape;
  const filled = new Map<number, number>();
  const take = (value: number): number => {
    const register = layout.register();
    filled.set(value, register);
    return register;
  };
  const endOf = (register: number) => {
    address(body, register);
    body.get(bytes);
    body.put(i32.add);
  };
  for (const value of neededBy(program)) {
    const op = program.ops[value]!;
    if (op.op === "random") {
      const register = take(value);
      address(body, register);
      endOf(register);
      address(body, layout.uniforms.at + 4 * op.word);
      address(body, layout.uniforms.at + 4 * op.word + 4);
      body.get(COUNTER);
      body.get(at);
      body.i32(2);
      body.put(i32.shrU, i32.add);
      call("random");
    } else if (op.op === "along") {
      const table = program.tables[op.table];
      const area = layout.tables[op.table];
      if (table === undefined || area === undefined) throw malformed(program, `there is no table ${op.table}`);
      address(body, take(value));
      body.get(n);
      address(body, area.at);
      body.i32(table.columns);
      sum(body, INDEX, at);
      call(ALONG[table.axis]);
    } else if (op.op === "input") {
      const dtype = dtypes[op.slot];
      if (dtype === undefined) throw malformed(program, `input ${op.slot} has no dtype`);
      const decoding = DECODED[dtype];
      if (decoding === undefined) continue;
      const register = take(value);
      address(body, register);
      offset(body, layout, op.slot, at, decoding[1]);
      endOf(register);
      call(decoding[0]);
    } else if (op.op === "rank") throw malformed(program, "it has a rank that was not taken apart");
  }
  return filled;
}

/** Registers that kernels read after the loop. */
interface Read {
  readonly histograms: readonly number[];
  readonly reductions: readonly number[];
  readonly output: number | null;
}

function writeLoop(step: Step & { readonly begin: Body; readonly filled: ReadonlyMap<number, number> }): Read {
  const { body, begin, shape, layout, at, n, filled } = step;
  const { program, dtypes, encode } = shape;
  const v = createLanes(body, begin);
  const constants = createConstants(begin, createLanes(begin, begin), BASE, (word) => layout.uniforms.at + 4 * word);
  const registers = new Map<number, number>();
  const registerOf = (value: number): number => {
    const register = registers.get(value) ?? layout.register();
    registers.set(value, register);
    return register;
  };
  // Elements done in this step; the same in bytes from the base on, and from the strip's first in elements of 2 and 4.
  const [i, inRegister, narrow, wide] = [body.local(I32), body.local(I32), body.local(I32), body.local(I32)];
  const inPlane = body.local(I32);
  const startOf = (place: number): number => {
    const variable = begin.local(I32);
    placeOf(begin, layout, place);
    begin.set(variable);
    return variable;
  };
  const starts = dtypes.map((_, slot) => startOf(slot));
  const outStart = startOf(dtypes.length);
  const { keeps = [] } = program;
  const firstPlane = dtypes.length + 1 + program.histograms.length;
  const planeStarts = new Map(layout.planes.map((plane, p) => [plane, startOf(firstPlane + p)]));
  const load = (address: number | readonly [number, number], instruction: number, from: number): Value => {
    if (typeof address === "number") body.get(address);
    else sum(body, ...address);
    body.simdAccess(instruction, from);
    const value = body.local(V128);
    body.set(value);
    return value;
  };
  const store = (address: number | readonly [number, number], value: Value, to: number): void => {
    if (typeof address === "number") body.get(address);
    else sum(body, ...address);
    body.get(value);
    body.simdAccess(simd.store, to);
  };
  const counted = (variable: number, more: number): void => {
    body.get(variable);
    if (more > 0) {
      body.i32(more);
      body.put(i32.add);
    }
  };
  const splat = (write: () => void): Value => {
    write();
    body.simd(simd.splatI32);
    const value = body.local(V128);
    body.set(value);
    return value;
  };

  const totals = program.sums.map((_, s) =>
    [0, 16, 32, 48].map((byte) => {
      const total = body.local(V128);
      body.get(BASE);
      body.simdAccess(simd.load, layout.accumulators[s]!.at + byte);
      body.set(total);
      return total;
    }),
  );
  const all = totals.length > 0 ? splat(() => body.get(n)) : 0;
  body.i32(0);
  body.set(i);
  body.get(BASE);
  body.set(inRegister);
  for (const [variable, shift, how] of [
    [narrow, 1, i32.shl],
    [wide, 2, i32.shl],
    [inPlane, 3, i32.shrU],
  ] as const) {
    body.get(at);
    body.i32(shift);
    body.put(how);
    body.set(variable);
  }

  const result: Read = {
    histograms: program.histograms.map(({ value }) => registerOf(value)),
    reductions: program.reductions.map(({ value }) => registerOf(value)),
    output: program.output !== null && encode === "F16" ? registerOf(program.output) : null,
  };
  body.repeat(() => {
    const halves = [0, 1].map((half) => {
      const leaf = (value: number, op: Op): Value => {
        const register = filled.get(value);
        if (register !== undefined) return load(inRegister, simd.load, register + 16 * half);
        if (op.op !== "input") throw malformed(program, `${op.op} has no instructions`);
        const start = starts[op.slot]!;
        if (dtypes[op.slot] === "F32") return load([start, wide], simd.load, 16 * half);
        return v.shiftLeft(load([start, narrow], simd.load16x4, 8 * half), 16);
      };
      let places: Value | null = null;
      const place = (): Value => {
        places ??= v.addI(
          splat(() => {
            sum(body, INDEX, at);
            body.get(i);
            body.put(i32.add);
          }),
          v.bits(...[0, 1, 2, 3].map((lane) => 4 * half + lane)),
        );
        return places;
      };
      const kept = (plane: number): Value => {
        const bits = v.bits(...[1, 2, 4, 8].map((bit) => bit << (4 * half)));
        const all = splat(() => {
          sum(body, planeStarts.get(plane)!, inPlane);
          body.access(i32.loadByte);
        });
        return v.equalI(v.and(all, bits), bits);
      };
      const { number, mask } = createHalf(program, v, constants, leaf, place, kept);
      let within: Value | null = null;
      program.sums.forEach((summed, s) => {
        const value = number(summed);
        // Past the last element of the tile there is anything: it adds 0.
        within ??= v.lessI(
          v.addI(
            splat(() => body.get(i)),
            v.bits(...[0, 1, 2, 3].map((lane) => 4 * half + lane)),
          ),
          all,
        );
        addTo(body, v, totals[s]!.slice(2 * half), v.and(value, within));
      });
      for (const [value, register] of registers) store(inRegister, number(value), register + 16 * half);
      return {
        masks: keeps.map(({ value }) => mask(value)),
        output: program.output === null || encode === "F16" ? null : number(program.output),
      };
    });
    keeps.forEach(({ plane }, k) => {
      sum(body, planeStarts.get(plane)!, inPlane);
      halves.forEach(({ masks }, half) => {
        body.get(masks[k]!);
        body.simd(simd.bitmask);
        body.i32(4 * half);
        body.put(i32.shl);
      });
      body.put(i32.or);
      body.access(i32.storeByte);
    });
    const [low, high] = halves.map(({ output }) => output);
    if (layout.output !== null && low != null && high != null) {
      if (encode === "F32") {
        store([outStart, wide], low, 0);
        store([outStart, wide], high, 16);
      } else storeBF16(body, v, low, high, (value) => store([outStart, narrow], value, 0));
    }
    for (const [variable, by] of [
      [inRegister, 32],
      [narrow, 16],
      [wide, 32],
      [inPlane, 1],
    ] as const) {
      counted(variable, by);
      body.set(variable);
    }
    counted(i, 8);
    body.tee(i);
    body.get(n);
    body.put(i32.ltU);
  });
  totals.forEach((four, s) => {
    four.forEach((total, k) => {
      body.get(BASE);
      body.get(total);
      body.simdAccess(simd.store, layout.accumulators[s]!.at + 16 * k);
    });
  });
  return result;
}

/** Adds four f32 to two variables of two f64. */
function addTo(body: Body, v: Lanes, [first, second]: readonly Value[], value: Value): void {
  body.get(v.addF64(first!, v.toF64(value)));
  body.set(first!);
  body.get(v.addF64(second!, v.toF64(v.upper(value))));
  body.set(second!);
}

function storeBF16(body: Body, v: Lanes, low: Value, high: Value, store: (value: Value) => void): void {
  body.get(v.or(v.ne(low, low), v.ne(high, high)));
  body.simd(simd.anyTrue);
  body.branch(
    () => store(v.narrow(bf16OrNaN(v, low), bf16OrNaN(v, high))),
    () => store(v.narrow(bf16(v, low), bf16(v, high))),
  );
}

/** Values that some result needs, in order. */
function neededBy(program: Program): number[] {
  const needed = new Set([
    ...program.sums,
    ...program.histograms.map(({ value }) => value),
    ...program.reductions.map(({ value }) => value),
    ...(program.keeps ?? []).map(({ value }) => value),
    ...(program.output === null ? [] : [program.output]),
  ]);
  for (let value = program.ops.length - 1; value >= 0; value--)
    if (needed.has(value)) for (const operand of operandsOf(program.ops[value]!)) needed.add(operand);
  return [...needed].sort((a, b) => a - b);
}
