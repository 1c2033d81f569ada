/**
 * A tile, strip by strip: puts what a program needs where its layout says, runs it, and takes away what it yields.
 */
import { bytesPer } from "../../bytes/dtype.ts";
import { isShared } from "../../bytes/shared.ts";
import { BLOCK, segmentsBefore, WINDOW } from "../../graph/program.ts";
import type { TileJob, TileResult } from "../engine.ts";
import { type Area, type Layout, STAGED, STATE, STRIP, TABLE_HEADER } from "./layout.ts";
import { countsIn } from "./wire.ts";

/** A program ready to run. */
export interface Ready {
  readonly layout: Layout;
  readonly run: (base: number, count: number, index: number, counter: number) => void;
}

/** A lane's memory as a program sees it: what is at an offset of its layout is at that offset here. */
interface Space {
  /** Byte address of the first. */
  readonly base: number;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly singles: Float32Array;
  readonly doubles: Float64Array;
}

/** Where a program is to run. */
export interface Room {
  readonly memory: WebAssembly.Memory;
  /** Where the memory for the program begins: `layout.bytes()` are free from there on. */
  readonly base: number;
  /** Where strips of output are left for whoever asked for them; in the program's own memory when absent. */
  readonly strip?: number;
  /** Sets bytes of the memory to 0. */
  clear(at: number, bytes: number): void;
}

/** Works a tile off and returns when it is done. */
export function runTile(ready: Ready, job: TileJob, room: Room, ahead: Ahead): TileResult {
  const output = ready.layout.output === null ? null : outputOf(job);
  const work = strips(ready, job, room, output, ahead);
  for (;;) {
    const step = work.next();
    if (step.done === true) return { ...step.value, output };
  }
}

/** Makes what a program reads of stages before it, up to an element of the tile; null where there are none. */
export type Ahead = ((end: number) => void) | null;

/** A strip that is done. */
export interface Strip {
  /** Address of its encoded output until the next is asked for; 0 where there is none. */
  readonly at: number;
  readonly length: number;
}

/**
 * Works a tile off, strip by strip.
 * @param output where the output goes; null leaves it in the strips
 */
export function* strips(
  { layout, run }: Ready,
  job: TileJob,
  { memory, base, strip: shelf, clear }: Room,
  output: Uint8Array<ArrayBuffer> | null,
  ahead: Ahead,
): Generator<Strip, Omit<TileResult, "output">> {
  const { count, first, program } = job;
  const here = (bytes: Uint8Array) => isShared(bytes) || bytes.buffer === memory.buffer;
  const space = spaceOf(memory, base, layout);
  const { bytes, words, singles, doubles } = space;

  words.set(job.words.subarray(0, program.words), layout.uniforms.at / 4);
  clear(base + layout.sums.at, layout.sums.bytes);
  layout.tables.forEach(({ at }, t) => {
    words[at / 4] = first % program.tables[t]!.columns;
    singles.set(job.tables[t]!, (at + TABLE_HEADER) / 4);
  });
  const reductions = beginReductions(layout, job, space);

  const blocks = Math.ceil(count / BLOCK);
  const sums = new Float64Array(program.sums.length * blocks);
  const outSize = bytesPer(job.encode);
  // What lies in this very memory is read and written there; the rest passes through the staging areas.
  const sources = job.inputs.map((input, slot) => ({
    input,
    size: bytesPer(job.dtypes[slot]!),
    here: here(input),
  }));
  const places = words.subarray(layout.places.at / 4, (layout.places.at + layout.places.bytes) / 4);
  const binsHere = job.bins !== undefined && isShared(job.bins);
  const counts = binsHere
    ? countsIn(job.bins!, program, count)
    : layout.histograms.map((area) => countsAt(space, area));
  const isWindow = program.histograms.map(({ digit }) => digit === "window");
  counts.forEach((each, h) => {
    places[sources.length + 1 + h] = each.byteOffset;
    clear(each.byteOffset, isWindow[h] ? 4 * WINDOW.marks : each.byteLength);
    if (isWindow[h]) each[WINDOW.room] = each.length - WINDOW.list;
  });
  const outHere = output !== null && here(output);
  const firstPlane = sources.length + 1 + counts.length;
  const planes = layout.planes.map(({ plane, bits }, p) => {
    const kept = job.kept![plane]!;
    return { kept, perByte: 8 / bits, here: here(kept), staging: layout.kept[p]!.at };
  });
  const staged = [...sources, ...planes].some((one) => !one.here);
  const direct = !staged && (layout.output === null || outHere);
  // What comes from stages before is still in the cache when strips are short.
  const strip = direct && ahead === null ? STRIP : STAGED;
  // Where each place is for the first strip, and how many bytes further an element on: none where there is staging.
  const begins = Array.from(places);
  const steps = begins.map(() => 0);
  const lay = (place: number, at: number, step: number): void => {
    begins[place] = at;
    steps[place] = step;
  };
  sources.forEach(({ input, size, here }, slot) => {
    if (here) lay(slot, input.byteOffset, size);
    else lay(slot, base + layout.inputs[slot]!.at, 0);
  });
  if (outHere) lay(sources.length, output!.byteOffset, outSize);
  else lay(sources.length, shelf ?? base + (layout.output?.at ?? 0), 0);
  planes.forEach(({ kept, perByte, here, staging }, p) => {
    if (here) lay(firstPlane + p, kept.byteOffset, 1 / perByte);
    else lay(firstPlane + p, base + staging, 0);
  });
  // Short strips are many: nothing is allocated for one that need not be.
  for (let start = 0; start < count; start += strip) {
    const length = Math.min(strip, count - start);
    ahead?.(start + length);
    for (let place = 0; place < begins.length; place++) places[place] = begins[place]! + start * steps[place]!;
    for (let slot = 0; staged && slot < sources.length; slot++) {
      const { input, size, here } = sources[slot]!;
      if (!here) bytes.set(input.subarray(start * size, (start + length) * size), layout.inputs[slot]!.at);
    }
    for (let p = 0; staged && p < planes.length; p++) {
      const { kept, perByte, here, staging } = planes[p]!;
      if (!here) bytes.set(kept.subarray(start / perByte, Math.ceil((start + length) / perByte)), staging);
    }
    for (const { beginStrip } of reductions) beginStrip();
    run(base, length, start, (first + start) / 8);
    for (let s = 0; s < layout.partials.length; s++) {
      const from = layout.partials[s]!.at / 8;
      const to = s * blocks + start / BLOCK;
      for (let block = 0; block * BLOCK < length; block++) sums[to + block] = doubles[from + block]!;
    }
    for (const { endStrip } of reductions) endStrip();
    for (let p = 0; staged && p < planes.length; p++) {
      const { kept, perByte, here, staging } = planes[p]!;
      const size = Math.ceil(length / perByte);
      if (!here) kept.set(bytes.subarray(staging, staging + size), start / perByte);
    }
    if (output !== null && layout.output !== null && !outHere) {
      const { at: from } = layout.output;
      output.set(bytes.subarray(from, from + length * outSize), start * outSize);
    }
    yield { at: layout.output === null ? 0 : places[sources.length]!, length };
  }
  const used = (each: Uint32Array, h: number) => (isWindow[h] ? WINDOW.list + each[WINDOW.listed]! : each.length);
  const histograms = binsHere ? counts : counts.map((each, h) => each.slice(0, used(each, h)));
  return {
    sums,
    checksum: program.digest == null ? undefined : words.slice(layout.checksum.at / 4, layout.checksum.at / 4 + 8),
    unsound: words.subarray(layout.unsound.at / 4, layout.unsound.at / 4 + 4).some((word) => word !== 0),
    histograms,
    reductions: reductions.map(({ result }) => result()),
    inputs: job.inputs,
    kept: job.kept,
  };
}

const countsAt = ({ words }: Space, { at, bytes }: Area) =>
  words.subarray(at / 4, (at + bytes) / 4) as Uint32Array<ArrayBuffer>;

function spaceOf({ buffer }: WebAssembly.Memory, base: number, layout: Layout): Space {
  const bytes = layout.bytes();
  return {
    base,
    bytes: new Uint8Array(buffer, base, bytes),
    words: new Uint32Array(buffer, base, bytes / 4),
    singles: new Float32Array(buffer, base, bytes / 4),
    doubles: new Float64Array(buffer, base, bytes / 8),
  };
}

/** What is done for each reduction before, between and after the strips of a tile. */
function beginReductions(layout: Layout, { program, first, count }: TileJob, space: Space) {
  const { base, words, singles, doubles } = space;
  return layout.reductions.map((place, r) => {
    const { how, columns } = program.reductions[r]!;
    if (place.axis === "columns") {
      const totals = doubles.subarray(place.totals.at / 8, place.totals.at / 8 + Math.min(columns, count));
      totals.fill(how === "sum" ? 0 : Number.NEGATIVE_INFINITY);
      return { beginStrip: () => {}, endStrip: () => {}, result: () => totals.slice() };
    }
    const { state, partials } = place;
    const all = new Float64Array(segmentsBefore(first + count, columns) - segmentsBefore(first, columns));
    if (how === "sum") doubles.fill(0, state.at / 8, state.at / 8 + 8);
    else singles.fill(Number.NEGATIVE_INFINITY, state.at / 4, state.at / 4 + 4);
    words[(state.at + STATE.position) / 4] = first % columns;
    const next = (state.at + STATE.next) / 4;
    let done = 0;
    return {
      beginStrip: () => {
        words[next] = base + partials.at;
      },
      endStrip: () => {
        const part = doubles.subarray(partials.at / 8, (words[next]! - base) / 8);
        all.set(part, done);
        done += part.length;
      },
      result: () => all,
    };
  });
}

/** Where the output goes: the memory that came with the job, or new memory. */
function outputOf({ count, encode, into }: TileJob): Uint8Array<ArrayBuffer> {
  const bytes = count * bytesPer(encode);
  return into !== undefined && into.length >= bytes ? into.subarray(0, bytes) : new Uint8Array(bytes);
}
