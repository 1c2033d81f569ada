/**
 * A program as one function in SIMD WebAssembly: a loop over the elements, eight per turn, in which every operation is a
 * few instructions on local variables. What does not work four at a time (random numbers, rows and columns, counting)
 * and what few files have is left to the kernels, which fill or read a register of STEP numbers around the loop.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import { BLOCK } from "../../graph/program.ts";
import { type Layout, layOut, type Shape, STEP } from "./layout.ts";
import { writeLoop } from "./loop.ts";
import { malformed } from "./operations.ts";
import { fillRegisters } from "./registers.ts";
import { address, COUNT, INDEX, KERNELS, type Kernel, offset, placeOf, sum } from "./step.ts";
import { type Body, I32, i32, moduleOf } from "./wasm.ts";

export interface Compiled {
  /**
   * A module that exports `run(base, count, index, counter)`: works off a strip of `count` elements with the memory from
   * `base` on. `index` is the first one's in its tile, a multiple of BLOCK, `counter` the first one's in its tensor over 8.
   */
  readonly code: Uint8Array<ArrayBuffer>;
  readonly layout: Layout;
}

const HISTOGRAM = { high: "histogramHigh", low: "histogramLow", window: "histogramWindow" } as const;
const REDUCE = {
  rows: { sum: "rowSums", max: "rowMaxima" },
  columns: { sum: "columnSums", max: "columnMaxima" },
} as const;

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
      if (digit !== "high") {
        if (word === null) throw malformed(program, `histogram ${h} of kind ${digit} has no word`);
        address(body, layout.uniforms.at + 4 * word);
      }
      call(HISTOGRAM[digit]);
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
    if (program.digest != null) {
      const [place, dtype] = program.digest === "output" ? [shape.dtypes.length, encode] : [0, shape.dtypes[0]!];
      const shift = Math.log2(bytesPer(dtype));
      address(body, layout.checksum.at);
      offset(body, layout, place, at, shift);
      body.get(n);
      body.i32(shift);
      body.put(i32.shl);
      call("checksum");
    }

    body.get(last);
    body.tee(at);
    body.get(COUNT);
    body.put(i32.ltU);
  });
}
