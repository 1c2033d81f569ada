/** The loop of a step: eight elements per turn, as two halves of four. */
import type { OutputDtype } from "../../bytes/dtype.ts";
import type { Op } from "../../graph/program.ts";
import { neededBy } from "../stages.ts";
import { bf16, bf16OrNaN } from "./functions.ts";
import { createLanes, type Lanes, simd, type Value } from "./lanes.ts";
import { createConstants, createHalf, malformed } from "./operations.ts";
import { BASE, placeOf, type Step, sum } from "./step.ts";
import { createStretches } from "./stretch.ts";
import { type Body, I32, i32, V128 } from "./wasm.ts";
import { lookedAt } from "./watch.ts";

/** Registers that kernels read after the loop. */
export interface Read {
  readonly histograms: readonly number[];
  readonly reductions: readonly number[];
  readonly output: number | null;
}

export function writeLoop(step: Step & { readonly begin: Body; readonly filled: ReadonlyMap<number, number> }): Read {
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
  const planeStarts = new Map(layout.planes.map(({ plane }, p) => [plane, startOf(firstPlane + p)]));
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
  const plus = (variable: number, more: number): void => {
    body.get(variable);
    body.i32(more);
    body.put(i32.add);
  };

  const { exact = [] } = program;
  const totals = program.sums.map((_, s) =>
    (exact.includes(s) ? [0, 16, 32, 48] : [0, 16]).map((byte) => {
      const total = body.local(V128);
      body.get(BASE);
      body.simdAccess(simd.load, layout.accumulators[s]!.at + byte);
      body.set(total);
      return total;
    }),
  );
  const looks = lookedAt(program);
  const late = program.output !== null && looks.includes(program.output) ? 1 : 0;
  const watched = late === 0 ? looks : [...looks.filter((value) => value !== program.output), program.output!];
  // What is added up is NaN or infinite from the first such number on.
  const seen = body.local(V128);
  if (watched.length > 0) {
    body.get(v.floats(0));
    body.set(seen);
  }
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
  const stretches = createStretches(step, v, constants, i);
  const turn = () => {
    // What both halves have their part of is read once, before either: a half may look at its part in a branch only.
    const shared = new Map<number, Value>();
    for (const value of neededBy(program)) {
      const op = program.ops[value]!;
      if (op.op === "input" && dtypes[op.slot] === "BF16") {
        shared.set(value, load([starts[op.slot]!, narrow], simd.load, 0));
      } else if (op.op === "kept" && op.bits === 1) {
        const byte = v.splat(() => {
          sum(body, planeStarts.get(op.plane)!, inPlane);
          body.access(i32.loadByte);
        });
        shared.set(value, byte);
      }
    }
    const halves = [0, 1].map((half) => {
      const leaf = (value: number, op: Op): Value => {
        const register = filled.get(value);
        if (register !== undefined) return load(inRegister, simd.load, register + 16 * half);
        if (op.op === "kept") return load([planeStarts.get(op.plane)!, wide], simd.load, 16 * half);
        if (op.op !== "input") throw malformed(program, `${op.op} has no instructions`);
        const start = starts[op.slot]!;
        if (dtypes[op.slot] === "F32") return load([start, wide], simd.load, 16 * half);
        return half === 0 ? v.widenLow(shared.get(value)!) : v.widenHigh(shared.get(value)!);
      };
      const kept = (value: number): Value => {
        const bits = v.bits(...[1, 2, 4, 8].map((bit) => bit << (4 * half)));
        return v.equalI(v.and(shared.get(value)!, bits), bits);
      };
      const { number, mask } = createHalf(program, v, constants, leaf, (word) => stretches!.bar(word, half), kept);
      // Past the last element of the tile there is anything: it adds 0.
      const summed = program.sums.map((value) => v.and(number(value), stretches!.within(half)));
      const looked = watched.map((value) =>
        value === program.output ? enlarged(v, number(value), encode) : number(value),
      );
      for (const [value, register] of registers) store(inRegister, number(value), register + 16 * half);
      return {
        summed,
        looked,
        keeping: keeps.map(({ value, bits }) => (bits === 1 ? mask(value) : number(value))),
        output: program.output === null || encode === "F16" ? null : number(program.output),
      };
    });
    totals.forEach((own, s) => {
      const [low, high] = halves.map(({ summed }) => summed[s]!) as [Value, Value];
      addTo(body, v, own, own.length === 2 ? v.add(low, high) : low);
      if (own.length > 2) addTo(body, v, own.slice(2), high);
    });
    keeps.forEach(({ plane, bits }, k) => {
      if (bits === 32) {
        halves.forEach(({ keeping }, half) => {
          store([planeStarts.get(plane)!, wide], keeping[k]!, 16 * half);
        });
        return;
      }
      sum(body, planeStarts.get(plane)!, inPlane);
      halves.forEach(({ keeping }, half) => {
        body.get(keeping[k]!);
        body.simd(simd.bitmask);
        body.i32(4 * half);
        body.put(i32.shl);
      });
      body.put(i32.or);
      body.access(i32.storeByte);
    });
    // All in one: each sum of its own would be one more to hold. What becomes infinite only in here is looked at in vain. The output
    // comes last, since it is there last: the processor does not wait for what is added after it.
    if (watched.length > 0) {
      const early = halves.flatMap(({ looked }) => looked.slice(0, looked.length - late));
      const last = halves.flatMap(({ looked }) => looked.slice(looked.length - late));
      body.get(added(v, [added(v, [...early, seen]), ...(last.length > 0 ? [added(v, last)] : [])]));
      body.set(seen);
    }
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
      plus(variable, by);
      body.set(variable);
    }
    plus(i, 8);
    body.tee(i);
    body.get(stretches?.stop ?? n);
    body.put(i32.ltU);
  };
  if (stretches === null) body.repeat(turn);
  else {
    body.repeat(() => {
      stretches.write();
      body.repeat(turn);
      body.get(i);
      body.get(n);
      body.put(i32.ltU);
    });
  }
  if (watched.length > 0) {
    const before = load(BASE, simd.load, layout.unsound.at);
    // The difference of a number to itself is 0, of infinity or NaN it is NaN.
    store(BASE, v.or(before, v.sub(seen, seen)), layout.unsound.at);
  }
  totals.forEach((own, s) => {
    own.forEach((total, k) => {
      body.get(BASE);
      body.get(total);
      body.simdAccess(simd.store, layout.accumulators[s]!.at + 16 * k);
    });
  });
  return result;
}

/** The sum of all, in pairs. */
function added(v: Lanes, values: readonly Value[]): Value {
  if (values.length <= 1) return values[0]!;
  const half = values.length >> 1;
  return v.add(added(v, values.slice(0, half)), added(v, values.slice(half)));
}

/** What the magnitudes that are infinite when they are encoded must be multiplied by to be infinite before. */
const ENLARGED = { BF16: 2 ** 128 / ((2 - 2 ** -8) * 2 ** 127), F16: 2 ** 128 / 65_520 } as const;

/** The output as large as it will be; some that are nearly too large pass for it, and are counted in vain. */
function enlarged(v: Lanes, value: Value, encode: OutputDtype): Value {
  return encode === "F32" ? value : v.mul(value, v.floats(roundedUp(ENLARGED[encode])));
}

/** The next f32 above. */
const roundedUp = (value: number) =>
  new Float32Array(Uint32Array.of(new Uint32Array(Float32Array.of(value).buffer)[0]! + 1).buffer)[0]!;

/** Adds four f32 to two variables of two f64. */
function addTo(body: Body, v: Lanes, [first, second]: readonly Value[], value: Value): void {
  body.get(v.addF64(first!, v.toF64(value)));
  body.set(first!);
  body.get(v.addF64(second!, v.toF64(v.upper(value))));
  body.set(second!);
}

function storeBF16(body: Body, v: Lanes, low: Value, high: Value, store: (value: Value) => void): void {
  body.get(v.or(v.ne(low, low), v.ne(high, high)));
  body.simd(simd.bitmask);
  body.branch(
    () => store(v.narrow(bf16OrNaN(v, low), bf16OrNaN(v, high))),
    () => store(v.narrow(bf16(v, low), bf16(v, high))),
  );
}
