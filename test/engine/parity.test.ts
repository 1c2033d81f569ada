/** Every float type and every operation, on every engine, against the plain oracle. */
import { afterAll, describe, expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import type { FloatDtype, OutputDtype } from "../../core/bytes/dtype.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import {
  abs,
  add,
  div,
  eq,
  exp,
  ge,
  gt,
  input,
  le,
  log,
  lt,
  max,
  min,
  mul,
  ne,
  neg,
  random,
  sign,
  sqrt,
  sub,
  type Tensor,
  tanh,
  where,
} from "../../core/graph/tensor.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { engines } from "../support/engines.ts";
import { f32, type Input, planOf } from "../support/merge.ts";

const plain = createPlainEngine();
const everyHalf = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, i) => i).buffer);
const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

function doubles(): Uint8Array {
  const values = [
    0,
    -0,
    1,
    0.1,
    1 / 3,
    Math.PI,
    1e-30,
    1e30,
    2 ** -24,
    65504,
    1 + 2 ** -24,
    1 + 3 * 2 ** -24,
    1 + 2 ** -24 + 2 ** -50,
    -1e-5,
    3.4e38,
    1e39,
    -1e300,
    Number.POSITIVE_INFINITY,
  ];
  return new Uint8Array(Float64Array.from(values.flatMap((v) => [v, -v])).buffer);
}

const TYPES: readonly [FloatDtype, Uint8Array][] = [
  ["F16", everyHalf],
  ["BF16", everyHalf],
  ["F8_E4M3", everyByte],
  ["F8_E5M2", everyByte],
  ["F64", doubles()],
];

const bits = (bytes: Uint8Array) => new Uint32Array(bytes.slice().buffer);
const isNaNBits = (b: number) => (b & 0x7fffffff) > 0x7f800000;
/** WGSL may flush what is too small for a normal f32; only arithmetic may, decoding must not. */
const isTiny = (b: number) => (b & 0x7f800000) === 0;

const [a, b] = [input(0), input(1)];
const OPS: Readonly<Record<string, Tensor>> = {
  neg: neg(a),
  abs: abs(a),
  sign: sign(a),
  sqrt: sqrt(abs(a)),
  exp: exp(a),
  log: log(add(abs(a), 0.01)),
  tanh: tanh(a),
  add: add(a, b),
  sub: sub(a, b),
  mul: mul(a, b),
  div: div(a, add(abs(b), 0.5)),
  min: min(a, b),
  max: max(a, b),
  lt: lt(a, b),
  le: le(a, b),
  gt: gt(a, b),
  ge: ge(a, b),
  eq: eq(a, b),
  ne: ne(a, b),
  where: where(gt(a, 0), b, 2),
  random: random(3),
};

function values(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return i % 17 === 0 ? 0 : Math.fround((state / 2 ** 32 - 0.5) * 4);
  });
}

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  test.each(TYPES)("decodes every %s", async (dtype, bytes) => {
    const given: Input[] = [{ dtype, bytes }];
    const plan = planOf(input(0), given);
    const got = bits(await computeTensor(plan, engine));
    const want = bits(await computeTensor(plan, plain));
    const wrong = [...want].flatMap((w, i) => (got[i] === w || (isNaNBits(w) && isNaNBits(got[i]!)) ? [] : [i]));
    expect(wrong).toEqual([]);
  });

  test.each(["BF16", "F16", "F32"] as const)("encodes %s to nearest even", async (dtype: OutputDtype) => {
    const all = new Uint32Array(1 << 17);
    for (let i = 0; i < all.length; i++) all[i] = ((i << 15) | [0, 0x4000, 0x7fff, 0x1000][i & 3]!) >>> 0;
    const floats = new Float32Array(all.buffer);
    const got = await computeTensor(
      planOf(input(0), [{ dtype: "F32", bytes: new Uint8Array(all.buffer) }], { dtype }),
      engine,
    );
    const want = encode(dtype, floats);
    const width = dtype === "F32" ? 4 : 2;
    const wrong: number[] = [];
    for (let i = 0; i < floats.length; i++) {
      if (Number.isNaN(floats[i])) continue;
      for (let k = 0; k < width; k++) if (got[i * width + k] !== want[i * width + k]) wrong.push(i);
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test.each(Object.entries(OPS))("%s", async (_, tensor) => {
    for (const count of [1, 3, 4095, 4096, 4097, 10_001]) {
      const plan = planOf(tensor, [f32(values(count, 1)), f32(values(count, 2))]);
      const got = new Float32Array((await computeTensor(plan, engine)).buffer);
      const want = new Float32Array((await computeTensor(plan, plain)).buffer);
      const wrong = [...want].flatMap((w, i) => {
        const g = got[i]!;
        const near =
          Math.abs(g - w) <= 4e-7 * Math.abs(w) ||
          (isTiny(bits(new Uint8Array(new Float32Array([w]).buffer))[0]!) && Math.abs(g) < 1e-37);
        return near ? [] : [[i, g, w]];
      });
      expect(wrong.slice(0, 3)).toEqual([]);
    }
  });
});
