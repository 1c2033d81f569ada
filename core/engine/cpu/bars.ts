/**
 * What `top` compares magnitudes with: those above the bar are kept. Elements equal to the threshold are kept up to an index, so
 * behind it the bar is one higher. It is the same for all turns of a stretch; the turn with that index is a stretch of its own.
 */
import type { Lanes, Value } from "./lanes.ts";
import type { Constants } from "./operations.ts";
import { INDEX, type Step, sum } from "./step.ts";
import { I32, i32, V128 } from "./wasm.ts";

export interface Bars {
  /** Writes what begins a stretch. */
  write(): void;
  /** The bar of one half of a turn, for the threshold at `word`. */
  of(word: number, half: number): Value;
  /** The variable with the end of the stretch, counted like `i`. */
  readonly stop: number;
}

/** @param i the variable with the elements of the step that are done, a multiple of 8 */
export function createBars(step: Step, v: Lanes, constants: Constants, i: number): Bars | null {
  const { body, at, n, shape } = step;
  const words = [...new Set(shape.program.ops.flatMap((op) => (op.op === "top" ? [op.word] : [])))];
  if (words.length === 0) return null;
  const bars = words.map(() => [body.local(V128), body.local(V128)] as const);
  const [stop, first, turn, end] = [body.local(I32), body.local(I32), body.local(I32), body.local(I32)];
  const write = () => {
    sum(body, INDEX, at);
    body.set(first);
    body.get(n);
    body.set(stop);
    for (const [w, word] of words.entries()) {
      const { below, last } = constants.threshold(word);
      const ahead = () => {
        body.get(last);
        body.get(first);
        body.put(i32.sub);
      };
      const left = v.splat(() => {
        ahead();
        body.get(i);
        body.put(i32.sub);
      });
      for (const half of [0, 1]) {
        const places = v.bits(...[0, 1, 2, 3].map((lane) => 4 * half + lane));
        // A comparison is -1 where it holds.
        body.get(v.subI(below, v.greaterI(places, left)));
        body.set(bars[w]![half]!);
      }
      ahead();
      body.i32(-8);
      body.put(i32.and);
      body.set(turn);
      // Up to that turn, or it alone, or everything.
      body.get(turn);
      body.get(i);
      body.i32(8);
      body.put(i32.add);
      body.get(n);
      body.get(turn);
      body.get(i);
      body.put(i32.eq, i32.select);
      body.get(turn);
      body.get(i);
      body.put(i32.gtS, i32.select);
      body.tee(end);
      body.get(stop);
      body.get(end);
      body.get(stop);
      body.put(i32.ltS, i32.select);
      body.set(stop);
    }
  };
  return { write, of: (word, half) => bars[words.indexOf(word)]![half]!, stop };
}
