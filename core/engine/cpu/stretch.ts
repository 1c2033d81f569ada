/**
 * A step in stretches, so that turns need not look at where they are. For `top`, magnitudes above a bar are kept: elements equal to
 * the threshold up to an index, so behind it the bar is one higher, and the turn with that index is a stretch of its own. For sums, so is
 * the turn that the tile ends in: what is past its end adds nothing.
 */
import type { Lanes, Value } from "./lanes.ts";
import type { Constants } from "./operations.ts";
import { INDEX, type Step, sum } from "./step.ts";
import { I32, i32, V128 } from "./wasm.ts";

export interface Stretches {
  /** Writes what begins a stretch. */
  write(): void;
  /** The bar of one half of a turn, for the threshold at `word`. */
  bar(word: number, half: number): Value;
  /** Ones where there are elements. */
  within(half: number): Value;
  /** The variable with the end of the stretch, counted like `i`. */
  readonly stop: number;
}

const HALVES = [0, 1] as const;
/** All of a number but what is less than a turn of eight elements. */
const WHOLE_TURNS = -8;

/** @param i the variable with the elements of the step that are done, a multiple of 8 */
export function createStretches(step: Step, v: Lanes, constants: Constants, i: number): Stretches | null {
  const { body, at, n, shape } = step;
  const { ops, sums } = shape.program;
  const words = [...new Set(ops.flatMap((op) => (op.op === "top" ? [op.word] : [])))];
  if (words.length + sums.length === 0) return null;
  const bars = words.map(() => HALVES.map(() => body.local(V128)));
  const within = HALVES.map(() => body.local(V128));
  const [stop, first, turn, end] = [body.local(I32), body.local(I32), body.local(I32), body.local(I32)];
  const places = (half: number) => v.bits(...[0, 1, 2, 3].map((lane) => 4 * half + lane));
  const less = (from: () => void, by: number): void => {
    from();
    body.get(by);
    body.put(i32.sub);
  };

  function write(): void {
    sum(body, INDEX, at);
    body.set(first);
    body.get(n);
    body.set(stop);
    if (sums.length > 0) beginSums();
    for (const [w, word] of words.entries()) beginBar(bars[w]!, word);
  }

  function beginSums(): void {
    const left = v.splat(() => less(() => body.get(n), i));
    for (const half of HALVES) {
      body.get(v.lessI(places(half), left));
      body.set(within[half]!);
    }
    // Up to the last turn if that is not whole; then it alone.
    body.get(n);
    body.i32(WHOLE_TURNS);
    body.put(i32.and);
    body.tee(turn);
    body.get(n);
    body.get(i);
    body.get(turn);
    body.put(i32.ltU, i32.select);
    body.set(stop);
  }

  function beginBar(own: readonly Value[], word: number): void {
    const { below, last } = constants.threshold(word);
    const ahead = () => less(() => body.get(last), first);
    const left = v.splat(() => less(ahead, i));
    for (const half of HALVES) {
      // A comparison is -1 where it holds.
      body.get(v.subI(below, v.greaterI(places(half), left)));
      body.set(own[half]!);
    }
    ahead();
    body.i32(WHOLE_TURNS);
    body.put(i32.and);
    body.set(turn);
    // Up to the turn with the index, or that alone, or everything.
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

  return { write, bar: (word, half) => bars[words.indexOf(word)]![half]!, within: (half) => within[half]!, stop };
}
