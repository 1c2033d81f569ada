/** The picture of a lane: grid, axis, what is locked or selected, a curve per model; and the pointer that draws. */
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useMemo, useRef } from "react";
import type { NumberParam } from "../../core/method.ts";
import { shown } from "../controls/number.tsx";
import type { Range } from "../state/mixer.ts";
import type { Column, LaneView } from "./board.ts";
import { levelAt } from "./curve.ts";
import { type Geometry, LEFT, RIGHT, TOP, ticksOf } from "./geometry.ts";
import type { Line } from "./lane.tsx";
import type { Voice } from "./lanes.ts";
import type { useStroke } from "./stroke.ts";
import { Trace } from "./trace.tsx";

interface Props {
  readonly lane: LaneView;
  readonly title: string;
  readonly param: NumberParam;
  readonly lines: readonly Line[];
  readonly geometry: Geometry;
  readonly axis: boolean;
  readonly active: string | null;
  readonly locked: readonly boolean[];
  /** The keyboard's column, and the columns it changes. */
  readonly range: Omit<Range, "lane"> & { readonly at: number; readonly isShown: boolean };
  readonly drawing: ReturnType<typeof useStroke>;
  readonly box: RefObject<SVGSVGElement | null>;
  labelOf(voice: Voice): string;
  onKey(event: KeyboardEvent, voice: Voice): void;
  onFocus(voice: Voice): void;
}

export function Chart(props: Props) {
  const { lane, title, param, lines, geometry, axis, active, locked, range, drawing, box } = props;
  const { width, height, bottom, x } = geometry;
  const { stroke, pointing } = drawing;
  useWheel(box, drawing.wheel);
  const frame = useMemo(
    () => (
      <>
        <Grid param={param} geometry={geometry} />
        <Locked lane={lane} locked={locked} geometry={geometry} />
        {axis && <Axis columns={lane.columns} geometry={geometry} />}
      </>
    ),
    [param, geometry, lane, locked, axis],
  );
  // Where many curves are shown only one has handles.
  const isSparse = lines.length * lane.columns.length <= 120;
  const meeting = useMemo(() => (isSparse ? meetings(lines, lane.columns.length) : null), [isSparse, lines, lane]);
  const traces = lines.map((line, i): ReactNode => {
    const { voice, reading } = line;
    const isDrawn = stroke !== null && stroke.line.voice.model === voice.model;
    const isActive = voice.model === active;
    return (
      <Traced
        key={voice.model ?? ""}
        {...props}
        voice={voice}
        reading={reading}
        drawn={isDrawn ? stroke.curve : null}
        isActive={isActive}
        hasHandles={isActive || isSparse}
        above={meeting?.[i] ?? null}
      />
    );
  });
  const [first, last] = [lane.columns[range.from], lane.columns[range.to]];
  const cursor = pointing === null ? undefined : lane.columns[pointing.at];
  return (
    <svg
      ref={box}
      width={width}
      height={height}
      className={stroke === null ? "chart" : "chart chart-drawing"}
      onPointerDown={drawing.begin}
      onPointerMove={drawing.move}
      onPointerUp={drawing.end}
      onPointerCancel={drawing.cancel}
      onPointerLeave={drawing.leave}
      onDoubleClick={drawing.reset}
    >
      <title>{title}</title>
      {frame}
      {range.isShown && first !== undefined && last !== undefined && (
        <rect
          className="range"
          x={x(first) - 5}
          width={x(last) - x(first) + 10}
          y={TOP - 4}
          height={bottom - TOP + 4}
        />
      )}
      {cursor !== undefined && <line className="cursor" x1={x(cursor)} x2={x(cursor)} y1={TOP - 4} y2={bottom} />}
      {traces}
    </svg>
  );
}

interface TracedProps extends Omit<Props, "active" | "axis" | "drawing" | "box" | "title"> {
  readonly voice: Voice;
  readonly reading: Line["reading"];
  readonly drawn: Line["reading"]["curve"] | null;
  readonly isActive: boolean;
  readonly hasHandles: boolean;
  readonly above: readonly number[] | null;
}

/** By curve and column: how many of the curves drawn after it have the same value there. */
function meetings(lines: readonly Line[], columns: number): readonly (readonly number[])[] {
  const levels = lines.map(({ reading }) => Array.from({ length: columns }, (_, i) => levelAt(reading, i)));
  return levels.map((own, line) =>
    own.map((level, i) => levels.slice(line + 1).filter((other) => level !== null && other[i] === level).length),
  );
}

/** A trace that follows the stroke, while the others stand still. */
function Traced({ voice, reading, drawn, ...rest }: TracedProps) {
  const following = useMemo(
    () => (drawn === null ? reading : { curve: drawn, spread: spreadAlong(reading, drawn) }),
    [reading, drawn],
  );
  const { lane, geometry, locked, isActive, hasHandles, above, range, labelOf, onKey, onFocus } = rest;
  return (
    <Trace
      {...{ voice, lane, geometry, locked, isActive, hasHandles, above, onKey, onFocus }}
      label={labelOf(voice)}
      reading={following}
      at={range.at}
    />
  );
}

const spreadAlong = ({ curve, spread }: Line["reading"], drawn: Line["reading"]["curve"]) =>
  spread.map((old, i): readonly [number, number] => {
    const value = drawn[i];
    return value === null || value === undefined || value === curve[i] ? old : [value, value];
  });

/** React listens to wheels passively, and a passive listener cannot keep the page still. */
function useWheel(box: RefObject<SVGSVGElement | null>, turn: (event: WheelEvent) => void): void {
  const latest = useRef(turn);
  latest.current = turn;
  useEffect(() => {
    const element = box.current;
    const listen = (event: WheelEvent) => latest.current(event);
    element?.addEventListener("wheel", listen, { passive: false });
    return () => element?.removeEventListener("wheel", listen);
  }, [box]);
}

function Grid({ param, geometry }: Pick<Props, "param" | "geometry">) {
  const { low, high, width, y } = geometry;
  return ticksOf(param, low, high).map(({ value, words }) => {
    const below = value !== low;
    return (
      <g key={value}>
        <line className="grid" x1={LEFT - 6} x2={width - RIGHT + 8} y1={y(value)} y2={y(value)} />
        <text className="tick" x={LEFT - 12} y={y(value) + 4} textAnchor="end">
          {shown(value)}
        </text>
        {inLines(words).map((text, i, all) => (
          <text
            key={text}
            className="word"
            x={LEFT - 12}
            y={y(value) + (below ? 16 + 11 * i : -8 - 11 * (all.length - 1 - i))}
            textAnchor="end"
          >
            {text}
          </text>
        ))}
      </g>
    );
  });
}

/** Words of an end, on two lines where one is too long for the margin. */
function inLines(words: string): string[] {
  if (words.length <= 13) return words === "" ? [] : [words];
  const spaces = [...words.matchAll(/ /g)].map(({ index }) => index);
  const middle = words.length / 2;
  const at = spaces.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
  return at === undefined ? [words] : [words.slice(0, at), words.slice(at + 1)];
}

function Locked({ lane, locked, geometry }: Pick<Props, "lane" | "locked" | "geometry">) {
  const { x, gap, bottom } = geometry;
  const half = Math.min(10, gap / 2);
  return lane.columns.map((column, i) =>
    locked[i] === true ? (
      <rect
        key={column.id}
        className="locked"
        x={x(column) - half}
        width={2 * half}
        y={TOP - 4}
        height={bottom - TOP + 4}
      />
    ) : null,
  );
}

function Axis({ columns, geometry }: { readonly columns: readonly Column[]; readonly geometry: Geometry }) {
  const { x, gap, height } = geometry;
  const widest = columns.reduce((most, { short, isEnd }) => Math.max(most, isEnd ? 0 : short.length), 1);
  const every = Math.max(1, Math.ceil((8 * widest + 12) / gap));
  return columns
    .filter(({ id, isEnd }) => isEnd || id % every === 0)
    .map((column) => (
      <text key={column.id} className="tick" x={x(column)} y={height - 5} textAnchor="middle">
        {column.short}
      </text>
    ));
}
