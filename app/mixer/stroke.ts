/**
 * A stroke of the pointer over a lane: from where it is put down to where it is lifted, drawn once per frame. It lives
 * here until it ends; then it is one step of the document.
 */
import { type PointerEvent, useRef, useState } from "react";
import type { LaneView } from "./board.ts";
import { type Curve, levelAt, painted, ramped, withValue } from "./curve.ts";
import { type Geometry, LEFT } from "./geometry.ts";
import type { Line } from "./lane.tsx";
import type { Voice } from "./lanes.ts";

/** How near a curve's value the pointer has to be to take that curve, px. */
const REACH = 18;

interface Stroke {
  readonly line: Line;
  readonly curve: Curve;
  readonly from: number;
  readonly start: number;
  /** Where the pointer was a frame ago; what lies between is drawn too. */
  readonly last: { readonly at: number; readonly value: number };
}

export interface Surface {
  readonly lane: LaneView;
  readonly lines: readonly Line[];
  readonly geometry: Geometry;
  readonly active: string | null;
  readonly brush: number;
  readonly locked: readonly boolean[];
  /** What a double click goes back to. */
  readonly standard: number;
  readonly step: number;
  onDraw(line: Line, curve: Curve): void;
  onReady(line: Line, curve: Curve): () => void;
  onPick(voice: Voice, at: number): void;
}

export interface Pointing {
  readonly at: number;
  readonly px: number;
}

/** Locked columns keep what they had. */
const spared = (curve: Curve, before: Curve, locked: readonly boolean[]): Curve =>
  locked.includes(true) ? curve.map((value, i) => (locked[i] === true ? (before[i] ?? null) : value)) : curve;

export function useStroke(surface: Surface) {
  const { lane, lines, geometry, active, brush, locked } = surface;
  const [stroke, setStroke] = useState<Stroke | null>(null);
  const [pointing, setPointing] = useState<Pointing | null>(null);
  const frame = useRef(0);
  const wheeled = useRef(0);

  const place = (event: { clientX: number; clientY: number; currentTarget: EventTarget | null }) => {
    const area = (event.currentTarget as Element).getBoundingClientRect();
    const [px, py] = [event.clientX - area.left, event.clientY - area.top];
    return { px, py, at: geometry.nearest(lane.columns, px) };
  };

  /** How far a curve is from a place in a column, px. */
  const away = (line: Line, at: number, py: number) =>
    Math.abs(geometry.y(levelAt(line.reading, at) ?? Number.NaN) - py);

  /** The curve that is near, else the active one, else the first. */
  function lineAt(at: number, py: number): Line | undefined {
    const near = lines
      .filter((line) => away(line, at, py) <= REACH)
      .sort((a, b) => away(a, at, py) - away(b, at, py))[0];
    return near ?? lines.find(({ voice }) => voice.model === active) ?? lines[0];
  }

  function begin(event: PointerEvent<SVGSVGElement>) {
    if (event.button !== 0) return;
    const { px, py, at } = place(event);
    const line = lineAt(at, py);
    if (line === undefined || px < LEFT - 14) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    surface.onPick(line.voice, at);
    const { curve } = line.reading;
    const start = geometry.valueAt(py);
    // Taken by its handle, a value does not jump; beside it, the curve comes to the pointer.
    const held = away(line, at, py) <= REACH || event.shiftKey;
    const drawn = held ? curve : painted(curve, line.reading, lane, at, start, brush);
    setStroke({ line, curve: spared(drawn, curve, locked), from: at, start, last: { at, value: start } });
  }

  function move(event: PointerEvent<SVGSVGElement>) {
    const { px, py, at } = place(event);
    const { shiftKey } = event;
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      setPointing({ at, px });
      const value = geometry.valueAt(py);
      setStroke((now) => now && { ...now, curve: drawn(now, at, value, shiftKey), last: { at, value } });
    });
  }

  function drawn(now: Stroke, at: number, value: number, isRamp: boolean): Curve {
    const { reading } = now.line;
    const { columns } = lane;
    // A stroke over the layers stays in them.
    if (columns[at]?.isEnd === true && columns[now.from]?.isEnd === false) return now.curve;
    if (isRamp) return spared(ramped(reading.curve, lane, now.from, now.start, at, value), reading.curve, locked);
    let next = now.curve;
    const { last } = now;
    const steps = Math.max(1, Math.abs(at - last.at));
    for (let k = 1; k <= steps; k++) {
      const share = k / steps;
      const between = Math.round(last.at + share * (at - last.at));
      next = painted(next, reading, lane, between, last.value + share * (value - last.value), brush);
    }
    return spared(next, reading.curve, locked);
  }

  /** The recipe is written in this frame and shown in the next; until then the stroke stands. */
  function end() {
    cancelAnimationFrame(frame.current);
    if (stroke === null) return;
    const isChanged = stroke.curve !== stroke.line.reading.curve;
    const commit = isChanged ? surface.onReady(stroke.line, stroke.curve) : () => {};
    requestAnimationFrame(() => {
      commit();
      setStroke((now) => (now === stroke ? null : now));
    });
  }

  function cancel() {
    cancelAnimationFrame(frame.current);
    setStroke(null);
  }

  function leave() {
    cancelAnimationFrame(frame.current);
    setPointing(null);
  }

  function reset(event: React.MouseEvent<SVGSVGElement>) {
    const { py, at } = place(event);
    const line = lineAt(at, py);
    if (line !== undefined && locked[at] !== true)
      surface.onDraw(line, withValue(line.reading.curve, at, surface.standard));
  }

  /** Over a handle, or anywhere with Alt; elsewhere the page scrolls. Several turns are one step. */
  function wheel(event: WheelEvent) {
    const { py, at } = place(event);
    const line = stroke?.line ?? lineAt(at, py);
    if (line === undefined || locked[at] === true || (!event.altKey && away(line, at, py) > REACH / 2)) return;
    event.preventDefault();
    const now = stroke?.curve ?? line.reading.curve;
    const value = now[at] ?? levelAt(line.reading, at) ?? 0;
    const to = Math.min(
      geometry.high,
      Math.max(geometry.low, value - Math.sign(event.deltaY || event.deltaX) * surface.step),
    );
    const curve = spared(withValue(now, at, to), line.reading.curve, locked);
    if (stroke === null) surface.onPick(line.voice, at);
    setStroke({ line, curve, from: at, start: to, last: { at, value: to } });
    clearTimeout(wheeled.current);
    wheeled.current = window.setTimeout(() => {
      surface.onDraw(line, curve);
      setStroke(null);
    }, 250);
  }

  return { stroke, pointing, begin, move, end, cancel, leave, reset, wheel };
}
