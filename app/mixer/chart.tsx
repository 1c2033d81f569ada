/**
 * One lane: a curve per model over the layers. While a pointer draws, the stroke lives here; it becomes one step of the
 * document when the pointer is lifted.
 */
import { type KeyboardEvent, type PointerEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import type { Curve } from "../../core/recipe/curves.ts";
import { dashOf, tintOf } from "../controls/colours.ts";
import { shown } from "../controls/number.tsx";
import { type Dial, type LaneView, type Voice, valueAt, withValue } from "./lanes.ts";
import { painted, ramped } from "./shapes.ts";

export interface Line {
  readonly voice: Voice;
  readonly curve: Curve;
}

interface Props {
  readonly lane: LaneView;
  readonly dial: Dial;
  readonly lines: readonly Line[];
  readonly layers: number;
  readonly height: number;
  readonly brush: number;
  readonly active: string | null;
  /** Shows layer numbers below. */
  readonly axis: boolean;
  onDraw(voice: Voice, curve: Curve): void;
  onHover(at: { column: number; x: number; y: number } | null): void;
  onActive(model: string | null): void;
  onSelect(column: number): void;
}

const LEFT = 78;
const RIGHT = 26;
const TOP = 10;
const REACH = 18;

interface Stroke {
  readonly line: Line;
  readonly curve: Curve;
  readonly from: number;
  readonly start: number;
}

export function Chart(props: Props) {
  const { lane, dial, lines, layers, height, brush, active, axis, onDraw, onHover, onActive, onSelect } = props;
  const box = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(800);
  const [stroke, setStroke] = useState<Stroke | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const frame = useRef(0);
  const titleId = useId();

  useEffect(() => {
    const element = box.current?.parentElement;
    if (element === null || element === undefined) return;
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(320, Math.round(entry?.contentRect.width ?? 800))));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);

  const bottom = height - (axis ? 22 : 8);
  const columns = useMemo(() => {
    const inner = Array.from({ length: lane.layers ? layers : 0 }, (_, i) => i);
    return [...(lane.before ? [-1] : []), ...inner, ...(lane.after ? [lane.layers ? layers : 0] : [])];
  }, [lane, layers]);

  const { low, high } = useMemo(() => {
    const values = lines.flatMap(({ curve }) => [curve.before, ...curve.values, curve.after]).filter((v) => v !== null);
    return {
      low: Math.min(dial.param.min < 0 && values.every((v) => v >= 0) ? 0 : dial.param.min, ...values),
      high: Math.max(Math.min(dial.param.max, Math.max(1, ...values)), ...values),
    };
  }, [lines, dial]);

  const last = lane.layers ? layers : 0;
  const span = Math.max(1, (lane.layers ? layers - 1 : 0) + 3);
  const gap = (width - LEFT - RIGHT) / span;
  const x = (column: number) => LEFT + (column < 0 ? 0 : column >= last ? span : column + 1.5) * gap;
  const y = (value: number) => bottom - ((value - low) / (high - low || 1)) * (bottom - TOP);
  const columnAt = (px: number) =>
    columns.reduce(
      (best, column) => (Math.abs(x(column) - px) < Math.abs(x(best) - px) ? column : best),
      columns[0] ?? 0,
    );
  const valueFor = (py: number) => Math.min(high, Math.max(low, low + ((bottom - py) / (bottom - TOP)) * (high - low)));

  const drawn =
    stroke === null
      ? lines
      : lines.map((line) => (line.voice.model === stroke.line.voice.model ? { ...line, curve: stroke.curve } : line));

  function point(event: { clientX: number; clientY: number }) {
    const area = box.current?.getBoundingClientRect();
    return { px: event.clientX - (area?.left ?? 0), py: event.clientY - (area?.top ?? 0) };
  }

  /** The curve whose handle is nearest, else the active one, else the first. */
  function lineAt(column: number, py: number): Line | undefined {
    const near = lines
      .map((line) => ({ line, away: Math.abs(y(valueAt(line.curve, column) ?? Number.NaN) - py) }))
      .filter(({ away }) => away <= REACH)
      .sort((a, b) => a.away - b.away)[0]?.line;
    return near ?? lines.find(({ voice }) => voice.model === active) ?? lines[0];
  }

  function begin(event: PointerEvent<SVGSVGElement>) {
    if (event.button !== 0) return;
    const { px, py } = point(event);
    const column = columnAt(px);
    const line = lineAt(column, py);
    if (line === undefined || px < LEFT - 12) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    onActive(line.voice.model);
    onSelect(column);
    const start = valueFor(py);
    const near = Math.abs(y(valueAt(line.curve, column) ?? 0) - py) <= REACH;
    setStroke({ line, curve: near ? line.curve : painted(line.curve, column, start, brush), from: column, start });
  }

  function move(event: PointerEvent<SVGSVGElement>) {
    const { px, py } = point(event);
    const column = columnAt(px);
    setCursor(column);
    onHover({ column, x: px, y: py });
    if (stroke === null) return;
    const { shiftKey } = event;
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      const value = valueFor(py);
      setStroke(
        (now) =>
          now && {
            ...now,
            curve: shiftKey
              ? ramped(now.line.curve, now.from, now.start, column, value)
              : painted(now.curve, column, value, brush),
          },
      );
    });
  }

  function end() {
    cancelAnimationFrame(frame.current);
    if (stroke !== null && stroke.curve !== stroke.line.curve) onDraw(stroke.line.voice, stroke.curve);
    setStroke(null);
  }

  function leave() {
    setCursor(null);
    onHover(null);
  }

  // React listens to wheel passively, and a passive listener cannot keep the page still.
  const wheel = useRef<(event: WheelEvent) => void>(() => {});
  wheel.current = (event) => {
    const { px, py } = point(event);
    const column = columnAt(px);
    const line = lineAt(column, py);
    const value = line === undefined ? null : valueAt(line.curve, column);
    if (line === undefined || value === null || !event.altKey) return;
    event.preventDefault();
    const step = dial.param.step ?? 0.01;
    onDraw(
      line.voice,
      painted(line.curve, column, Math.min(high, Math.max(low, value - Math.sign(event.deltaY) * step)), brush),
    );
  };
  useEffect(() => {
    const element = box.current;
    const listen = (event: WheelEvent) => wheel.current(event);
    element?.addEventListener("wheel", listen, { passive: false });
    return () => element?.removeEventListener("wheel", listen);
  }, []);

  const every = Math.max(1, Math.ceil(28 / gap));
  const [lowWord, highWord] = dial.param.ends ?? ["", ""];
  const wordAt = (value: number) =>
    value === dial.param.min || (value === 0 && dial.param.min < 0)
      ? lowWord
      : value === dial.param.max || (dial.id === "weight" && value === 1)
        ? highWord
        : "";
  const ticks = [low, (low + high) / 2, high];
  return (
    <section className="lane" aria-labelledby={titleId}>
      <h3 id={titleId}>{lane.title}</h3>
      <svg
        ref={box}
        width={width}
        height={height}
        className={stroke === null ? "chart" : "chart chart-drawing"}
        onPointerDown={begin}
        onPointerMove={move}
        onPointerUp={end}
        onPointerCancel={() => setStroke(null)}
        onPointerLeave={leave}
        onDoubleClick={(event) => {
          const { px, py } = point(event);
          const column = columnAt(px);
          const line = lineAt(column, py);
          if (line !== undefined) onDraw(line.voice, withValue(line.curve, column, dial.param.default ?? 0.5));
        }}
      >
        <title>{`${dial.id}, ${lane.title}`}</title>
        {ticks.map((tick) => (
          <g key={tick}>
            <line className="grid" x1={LEFT - 6} x2={width - RIGHT + 8} y1={y(tick)} y2={y(tick)} />
            <text className="tick" x={LEFT - 12} y={y(tick) + 4} textAnchor="end">
              {shown(tick)}
            </text>
            {wordAt(tick) !== "" && (
              <text className="word" x={LEFT - 12} y={y(tick) + (tick === low ? -8 : 17)} textAnchor="end">
                {wordAt(tick)}
              </text>
            )}
          </g>
        ))}
        {cursor !== null && <line className="cursor" x1={x(cursor)} x2={x(cursor)} y1={TOP - 4} y2={bottom} />}
        {drawn.map((line) => (
          <Trace
            key={line.voice.model ?? "merge"}
            {...{
              line,
              lane,
              dial,
              columns,
              x,
              y,
              gap,
              isActive: line.voice.model === active,
              cursor,
              onActive,
              onSelect,
            }}
            onDraw={(curve) => onDraw(line.voice, curve)}
            low={low}
            high={high}
          />
        ))}
        {axis &&
          columns
            .filter((column) => column < 0 || column >= last || column % every === 0)
            .map((column) => (
              <text key={column} className="tick" x={x(column)} y={height - 5} textAnchor="middle">
                {column < 0 ? "embed" : column >= last ? (lane.key === "norm" ? "final" : "head") : column}
              </text>
            ))}
      </svg>
    </section>
  );
}

interface TraceProps {
  readonly line: Line;
  readonly lane: LaneView;
  readonly dial: Dial;
  readonly columns: readonly number[];
  readonly x: (column: number) => number;
  readonly y: (value: number) => number;
  readonly gap: number;
  readonly low: number;
  readonly high: number;
  readonly isActive: boolean;
  readonly cursor: number | null;
  onDraw(curve: Curve): void;
  onActive(model: string | null): void;
  onSelect(column: number): void;
}

/** A curve with its handles: one slider for the keyboard, left and right choose the layer, up and down change it. */
function Trace({
  line,
  lane,
  dial,
  columns,
  x,
  y,
  gap,
  low,
  high,
  isActive,
  cursor,
  onDraw,
  onActive,
  onSelect,
}: TraceProps) {
  const { voice, curve } = line;
  const [at, setAt] = useState(0);
  const column = columns[Math.min(at, columns.length - 1)] ?? 0;
  const value = valueAt(curve, column);
  const inner = columns.filter((c) => c >= 0 && c < curve.values.length && valueAt(curve, c) !== null);
  const path = inner
    .map((c, i) => `${i === 0 ? "M" : "L"}${x(c).toFixed(1)} ${y(valueAt(curve, c) ?? 0).toFixed(1)}`)
    .join("");
  const name = voice.model === null ? dial.id : `${voice.role ?? ""} ${voice.model}`;
  const where =
    column < 0
      ? "embeddings"
      : column >= curve.values.length
        ? lane.key === "norm"
          ? "final norm"
          : "head"
        : `layer ${column}`;

  function press(event: KeyboardEvent) {
    const step = (dial.param.step ?? 0.01) * (event.shiftKey ? 10 : 1);
    const go = (to: number) => {
      const next = Math.max(0, Math.min(columns.length - 1, to));
      setAt(next);
      onSelect(columns[next] ?? 0);
    };
    const change = (by: number) =>
      onDraw(withValue(curve, column, Number(Math.min(high, Math.max(low, (value ?? 0) + by)).toFixed(4))));
    if (event.key === "ArrowRight") go(at + 1);
    else if (event.key === "ArrowLeft") go(at - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(columns.length - 1);
    else if (event.key === "ArrowUp") change(step);
    else if (event.key === "ArrowDown") change(-step);
    else if (event.key === "Delete") onDraw(withValue(curve, column, dial.param.default ?? 0.5));
    else return;
    event.preventDefault();
  }

  return (
    <g
      role="slider"
      tabIndex={0}
      aria-label={`${lane.title}, ${name}, ${dial.id}`}
      aria-valuemin={low}
      aria-valuemax={high}
      aria-valuenow={value ?? low}
      aria-valuetext={`${where}, ${value === null ? "mixed" : shown(value)}`}
      aria-orientation="vertical"
      className={isActive ? "trace trace-active" : "trace"}
      style={{ "--tint": voice.model === null ? "var(--accent)" : tintOf(voice.role) } as React.CSSProperties}
      onKeyDown={press}
      onFocus={() => {
        onActive(voice.model);
        onSelect(column);
      }}
    >
      <path d={path} className="trace-line" strokeDasharray={dashOf(voice.role)} />
      {columns.map((c) => {
        const v = valueAt(curve, c);
        if (v === null) return null;
        const isEnd = c < 0 || c >= curve.values.length;
        if (!isEnd && gap < 7 && c !== column && c !== cursor) return null;
        return (
          <circle
            key={c}
            className={`handle ${isEnd ? "handle-end" : ""} ${c === column ? "handle-at" : ""}`}
            cx={x(c)}
            cy={y(v)}
            r={c === cursor ? 5 : gap < 12 ? 3 : 4}
          />
        );
      })}
    </g>
  );
}
