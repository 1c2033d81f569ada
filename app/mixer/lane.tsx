/** One lane: its heading with lock and menu, its chart, and what the pointer and the keys do to it. */
import { Lock, LockOpen } from "lucide-react";
import { type KeyboardEvent, memo, useCallback, useEffect, useId, useMemo, useRef, useState } from "react";
import { shown } from "../controls/number.tsx";
import { type Range, useMixer } from "../state/mixer.ts";
import type { Board, LaneView } from "./board.ts";
import { Chart } from "./chart.tsx";
import { type Curve, levelAt, type Reading, tidy, withValues } from "./curve.ts";
import { geometryOf } from "./geometry.ts";
import { HeatLane } from "./heat-lane.tsx";
import { intentionOf } from "./keys.ts";
import { type Dial, lockedColumns, nameOf, type Voice } from "./lanes.ts";
import { LaneMenu } from "./menu.tsx";
import { useStroke } from "./stroke.ts";
import { Tip } from "./tip.tsx";
import type { Drawn } from "./tools.tsx";

export interface Line {
  readonly voice: Voice;
  readonly reading: Reading;
}

interface Props {
  readonly board: Board;
  readonly lane: LaneView;
  readonly dial: Dial;
  readonly lines: readonly Line[];
  readonly scale: readonly [number, number];
  readonly height: number;
  /** Shows layer numbers below. */
  readonly axis: boolean;
  readonly brush: number;
  readonly active: string | null;
  readonly locked: ReadonlySet<number>;
  /** Where a model's values start, and go back to. */
  readonly standard: number;
  onDraw(drawn: readonly Drawn[]): void;
  /** Writes what is drawn, and returns what puts it into the document. */
  onReady(drawn: readonly Drawn[]): () => void;
  onActive(voice: Voice): void;
  /** The keyboard asks for a number to be typed. */
  onType(): void;
}

/** Lanes that nothing happened to are not drawn again. */
export const Lane = memo(function Lane(props: Props) {
  const { board, lane, dial, lines, scale, height, axis, brush, active, locked, standard, onDraw, onReady, onActive } =
    props;
  const mine = useMixer((state) => (state.range?.lane === lane.key ? state.range : null));
  const isLocked = useMixer((state) => state.locks.lanes.has(lane.key));
  const { set, toggleLane, toggleColumns } = useMixer.getState();
  const box = useRef<SVGSVGElement>(null);
  const width = useWidth(box);
  const titleId = useId();
  const [low, high] = scale;
  const geometry = useMemo(
    () => geometryOf(board, [low, high], width, height, axis),
    [board, low, high, width, height, axis],
  );
  const closed = useMemo(() => lockedColumns(lane, locked), [lane, locked]);
  const count = lane.columns.length;
  // The end that moves is `to`; it may be before `from`.
  const at = Math.min(count - 1, mine?.to ?? 0);
  const [left, right] = mine === null ? [at, at] : [Math.min(mine.from, at), Math.max(mine.from, at)];
  const step = dial.param.step ?? 0.01;
  const select = (from: number, to: number) => set({ range: { lane: lane.key, from, to } });

  const drawing = useStroke({
    lane,
    lines,
    geometry,
    active,
    brush,
    locked: closed,
    standard,
    step,
    onDraw: (line, curve) => onDraw([{ lane, line, curve }]),
    onReady: (line, curve) => onReady([{ lane, line, curve }]),
    onPick: (voice, column) => {
      onActive(voice);
      select(column, column);
    },
  });

  /** The keyboard has the lane: it is told what a pointer would be. */
  const [isKeyed, setKeyed] = useState(false);

  function toModel(index: number): void {
    box.current?.querySelectorAll<SVGGElement>("[role=slider]")[index]?.focus();
  }

  function press(event: KeyboardEvent, voice: Voice): void {
    const intention = intentionOf(event, at, count);
    const index = lines.findIndex((line) => line.voice.model === voice.model);
    const line = lines[index];
    if (intention === null || line === undefined) return;
    const { reading } = line;
    event.preventDefault();
    setKeyed(true);
    const { min, max } = dial.param;
    const clamped = (value: number) => Math.min(Math.max(high, max), Math.max(Math.min(low, min), value));
    const change = (curve: Curve) => onDraw([{ lane, line, curve }]);
    if (intention.kind === "go") select(intention.extend ? (mine?.from ?? at) : intention.to, intention.to);
    else if (intention.kind === "single") select(at, at);
    else if (intention.kind === "change") {
      const to = (i: number) => clamped((levelAt(reading, i) ?? 0) + intention.steps * step);
      change(reading.curve.map((value, i) => (i >= left && i <= right ? tidy(to(i)) : value)));
    } else if (intention.kind === "reset") change(withValues(reading.curve, left, right, standard));
    else if (intention.kind === "lock") toggleColumns(lane.columns[left]!.id, lane.columns[right]!.id);
    else if (intention.kind === "lock lane") toggleLane(lane.key);
    else if (intention.kind === "model") toModel((index + intention.by + lines.length) % lines.length);
    else if (intention.kind === "role") toModel(lines.findIndex((one) => one.voice.role === intention.role));
    else props.onType();
  }

  // Traces are drawn again only when what they show changes, so what they call stays the same.
  const latest = useRef({ press, focus: (_: Voice) => {}, label: (_: Voice): string => "" });
  latest.current = {
    press,
    focus: (voice) => {
      onActive(voice);
      setKeyed(box.current?.querySelector(":focus-visible") !== null);
      if (mine === null) select(...sameColumn(lane, useMixer.getState().range));
    },
    label: (voice) => `${lane.title}, ${nameOf(voice, dial)}, ${dial.id}`,
  };
  const onKey = useCallback((event: KeyboardEvent, voice: Voice) => latest.current.press(event, voice), []);
  const onFocus = useCallback((voice: Voice) => latest.current.focus(voice), []);
  const labelOf = useCallback((voice: Voice) => latest.current.label(voice), []);

  const line = lines.find(({ voice }) => voice.model === active) ?? lines[0];
  return (
    <section className="lane" aria-labelledby={titleId} onBlur={() => setKeyed(false)}>
      <header className="lane-head">
        <h3 id={titleId}>{lane.title}</h3>
        <button
          type="button"
          className="button button-icon"
          aria-pressed={isLocked}
          aria-label={`Lock ${lane.title}`}
          title="Keeps its values, whatever is drawn or copied"
          onClick={() => toggleLane(lane.key)}
        >
          {isLocked ? <Lock size={13} aria-hidden /> : <LockOpen size={13} aria-hidden />}
        </button>
        {line !== undefined && (
          <LaneMenu {...{ board, lane, dial, line, lines, scale, standard, selected: [left, right], closed, onDraw }} />
        )}
      </header>
      <Chart
        {...{ lane, lines, geometry, axis, active, drawing, box, labelOf, onKey, onFocus }}
        param={dial.param}
        title={`${dial.id}, ${lane.title}, ${shown(low)} to ${shown(high)}`}
        locked={closed}
        range={{ from: left, to: right, at, isShown: mine !== null && left !== right }}
      />
      <HeatLane {...{ board, lane, dial, geometry }} />
      {(drawing.pointing !== null || isKeyed) && (
        <Tip
          {...{ board, lane, dial, lines, geometry, closed }}
          at={drawing.pointing?.at ?? at}
          stroke={drawing.stroke}
        />
      )}
    </section>
  );
});

/** In another lane, the layer that was selected before if it is there. */
function sameColumn(lane: LaneView, before: Range | null): [number, number] {
  const at = before === null ? 0 : Math.min(before.to, lane.columns.length - 1);
  return [at, at];
}

function useWidth(box: { readonly current: SVGSVGElement | null }): number {
  const [width, setWidth] = useState(800);
  useEffect(() => {
    const element = box.current?.parentElement;
    if (element === null || element === undefined) return;
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(320, Math.round(entry?.contentRect.width ?? 800))));
    watch.observe(element);
    return () => watch.disconnect();
  }, [box]);
  return width;
}
