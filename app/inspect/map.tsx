// biome-ignore-all lint/a11y/useSemanticElements: a grid of cells that are chosen, not a table to be read
// biome-ignore-all lint/a11y/useFocusableInteractive: one element of the grid has the focus
// biome-ignore-all lint/a11y/useKeyWithClickEvents: the grid has the keys
/** The heat map: modules down, layers across; every cell leads to the tensor behind it, by mouse and by arrow keys. */
import { Fragment, type KeyboardEvent, memo, useEffect, useMemo, useState } from "react";
import type { RankRow } from "../../workers/api.ts";
import { Segments, Select } from "../controls/choice.tsx";
import { survey as startSurvey, stopSurvey, useInspect } from "../state/inspect.ts";
import { findRanks, rankKey, stopRanks, useRanks } from "../state/ranks.ts";
import { type Cell, heatOf, hottest, layoutOf, rankIn, type Scale, scaleOf, valueIn } from "./cells.ts";
import { METRICS, type Metric } from "./metrics.ts";
import type { Subject } from "./subject.ts";
import { Surveying } from "./surveying.tsx";

const ALONE: readonly Metric[] = ["size", "zeros", "rank"];
const PAIR: readonly Metric[] = ["change", "cosine", "flips", "rank"];
const TASKS: readonly Metric[] = ["agreement", "conflict"];

interface Line {
  readonly title: string;
  readonly cells: readonly (Cell | null)[];
  readonly values: readonly (number | null)[];
}

export function HeatMap({ subject }: { subject: Subject }) {
  const { model, against, base } = subject;
  const { metric: wanted, tensor, pair, tasks, set } = useInspect();
  const metrics = against === null ? ALONE : base === null ? PAIR : [...PAIR, ...TASKS];
  const metric = metrics.includes(wanted) ? wanted : (metrics[0] ?? "change");
  const slot = TASKS.includes(metric) ? "tasks" : "pair";
  const survey = slot === "tasks" ? tasks : pair;
  const found = useRanks();
  const isRank = metric === "rank";
  const ranks = isRank && found.key === rankKey(model.id, against?.id ?? null) ? found : null;
  useEffect(() => {
    if (isRank) void findRanks(model.name, against?.name ?? null, null);
  }, [isRank, model.name, against?.name]);
  const [stack, setStack] = useState<string | null>(null);
  const prefix = model.stacks.some((one) => one.prefix === stack) ? stack : (model.stacks[0]?.prefix ?? null);
  const layout = useMemo(() => layoutOf(model, prefix), [model, prefix]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the survey's rows grow in place; `done` says so
  const lines = useMemo(() => {
    const all: Pick<Line, "title" | "cells">[] = [...layout.modules];
    if (layout.outside.length > 0) all.push({ title: OUTSIDE, cells: layout.outside });
    return all.map(({ title, cells }): Line => {
      const known = (cell: Cell) =>
        isRank ? rankIn(cell, ranks?.rows ?? NO_RANKS) : valueIn(cell, survey.rows, metric);
      const values = cells.map((cell) => (cell === null ? null : known(cell)));
      return { title, cells, values };
    });
  }, [layout, metric, survey.rows, survey.done, ranks?.rows]);
  const known = lines.flatMap(({ values }) => values.filter((value) => value !== null));
  const scale = scaleOf(known, metric);
  const [at, setAt] = useState<readonly [line: number, column: number]>([0, 0]);

  const again = () => {
    if (isRank) void findRanks(model.name, against?.name ?? null, null);
    else if (slot === "tasks" && base !== null && against !== null)
      void startSurvey("tasks", base.name, [model.name, against.name]);
    else if (against === null) void startSurvey("pair", model.name, []);
    else void startSurvey("pair", against.name, [model.name]);
  };
  const choose = (cell: Cell | null | undefined) => {
    if (cell != null) set({ tensor: hottest(cell, survey.rows, metric)?.name ?? null });
  };

  function press(event: KeyboardEvent) {
    const [line, column] = at;
    const width = (to: number) => (lines[to]?.cells.length ?? 1) - 1;
    const go = (toLine: number, toColumn: number) => {
      const next = Math.max(0, Math.min(lines.length - 1, toLine));
      const spot = [next, Math.max(0, Math.min(width(next), toColumn))] as const;
      setAt(spot);
      document.getElementById(idOf(...spot))?.focus();
    };
    if (event.key === "ArrowRight") go(line, column + 1);
    else if (event.key === "ArrowLeft") go(line, column - 1);
    else if (event.key === "ArrowDown") go(line + 1, column);
    else if (event.key === "ArrowUp") go(line - 1, column);
    else if (event.key === "Home") go(line, 0);
    else if (event.key === "End") go(line, width(line));
    else if (event.key === "Enter" || event.key === " ") choose(lines[line]?.cells[column]);
    else return;
    event.preventDefault();
  }

  const [line, column] = at;
  return (
    <>
      <div className="table-tools">
        <Segments
          label="Figure"
          value={metric}
          options={metrics.map((one) => ({ value: one, label: METRICS[one].title }))}
          onChange={(to) => set({ metric: to })}
        />
        {model.stacks.length > 1 && (
          <Select
            label="Layers of"
            value={prefix ?? ""}
            options={model.stacks.map((one) => ({ value: one.prefix, label: one.prefix }))}
            onChange={setStack}
          />
        )}
        <Surveying of={isRank ? found : survey} stop={isRank ? stopRanks : () => stopSurvey(slot)} again={again} />
      </div>
      <p className="dial-help">{METRICS[metric].help}.</p>
      <div className="heatmap" role="grid" aria-label={METRICS[metric].title} onKeyDown={press}>
        {lines.map((one, l) => (
          <Fragment key={one.title}>
            {one.cells === layout.outside && <Axis layers={layout.layers} />}
            <MapLine
              {...one}
              line={l}
              metric={metric}
              cold={scale?.cold ?? null}
              hot={scale?.hot ?? null}
              focus={l === line ? Math.min(column, one.cells.length - 1) : null}
              tensor={one.cells.some((cell) => cell?.tensors.some(({ name }) => name === tensor)) ? tensor : null}
              onFocus={setAt}
              onChoose={choose}
            />
          </Fragment>
        ))}
        {layout.outside.length === 0 && <Axis layers={layout.layers} />}
      </div>
      <div className="heat-foot">
        <p className="heat-reading" aria-live="polite">
          {reading(lines[line], column, metric, layout.layers > 0)}
        </p>
        {scale !== null && <Legend metric={metric} scale={scale} />}
      </div>
    </>
  );
}

const NO_RANKS: ReadonlyMap<string, RankRow> = new Map();

const idOf = (line: number, column: number) => `heat-${line}-${column}`;

/** What the cell in focus says, in words. */
function reading(line: Line | undefined, column: number, metric: Metric, hasLayers: boolean): string {
  const cell = line?.cells[Math.min(column, (line?.cells.length ?? 1) - 1)];
  if (line === undefined || cell == null) return "No tensor here.";
  const value = line.values[cell.column] ?? null;
  const [first] = cell.tensors;
  const isInside = hasLayers && first?.layer != null;
  const where = isInside ? `Layer ${cell.column}, ${line.title}` : (first?.name ?? "");
  const many = cell.tensors.length > 1 ? ` over ${cell.tensors.length.toLocaleString("en")} tensors` : "";
  const said = value === null ? "nothing known" : METRICS[metric].format(value);
  return `${where}: ${METRICS[metric].title.toLowerCase()} ${said}${many}`;
}

interface LineProps extends Line {
  readonly line: number;
  readonly metric: Metric;
  readonly cold: number | null;
  readonly hot: number | null;
  readonly focus: number | null;
  /** The tensor chosen, when it is in this line. */
  readonly tensor: string | null;
  onFocus(at: readonly [number, number]): void;
  onChoose(cell: Cell | null): void;
}

const OUTSIDE = "outside the layers";

const MapLine = memo(
  function MapLine({ title, cells, values, line, metric, cold, hot, focus, tensor, onFocus, onChoose }: LineProps) {
    return (
      <div className={title === OUTSIDE ? "heat-line heat-outside" : "heat-line"} role="row">
        <div className="heat-title" role="rowheader" title={title}>
          <bdi>{title}</bdi>
        </div>
        {cells.map((cell, column) => {
          const value = values[column] ?? null;
          const heat = value === null || cold === null || hot === null ? null : heatOf(value, { cold, hot });
          const said = value === null ? "nothing known" : METRICS[metric].format(value);
          const isChosen = cell?.tensors.some(({ name }) => name === tensor) === true;
          return (
            <div
              // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place
              key={column}
              id={idOf(line, column)}
              role="gridcell"
              tabIndex={focus === column ? 0 : -1}
              aria-label={cell === null ? "no tensor" : `${title}, ${cell.column}: ${said}`}
              aria-selected={isChosen}
              className={cell === null ? "heat-cell heat-gap" : heat === null ? "heat-cell heat-unknown" : "heat-cell"}
              style={{ "--heat": `${((heat ?? 0) * 100).toFixed(1)}%` } as React.CSSProperties}
              onPointerEnter={() => onFocus([line, column])}
              onFocus={() => onFocus([line, column])}
              onClick={() => onChoose(cell)}
            />
          );
        })}
      </div>
    );
  },
  (a, b) =>
    a.cells === b.cells &&
    a.metric === b.metric &&
    a.cold === b.cold &&
    a.hot === b.hot &&
    a.focus === b.focus &&
    a.tensor === b.tensor &&
    a.values.every((value, i) => value === b.values[i]),
);

function Axis({ layers }: { layers: number }) {
  if (layers === 0) return null;
  const every = Math.max(1, Math.ceil(layers / 24));
  return (
    <div className="heat-line heat-axis" aria-hidden>
      <div className="heat-title">layer</div>
      {Array.from({ length: layers }, (_, layer) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a layer is its number
        <div key={layer} className="heat-tick">
          {layer % every === 0 ? layer : ""}
        </div>
      ))}
    </div>
  );
}

function Legend({ metric, scale: { cold, hot } }: { metric: Metric; scale: Scale }) {
  const { ends, format } = METRICS[metric];
  return (
    <div className="legend">
      <span>
        {ends[0]} <b>{format(cold)}</b>
      </span>
      <i aria-hidden />
      <span>
        <b>{format(hot)}</b> {ends[1]}
      </span>
    </div>
  );
}
