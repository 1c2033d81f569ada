// biome-ignore-all lint/a11y/useSemanticElements: rows come and go with scrolling, which a table element does not do
// biome-ignore-all lint/a11y/useFocusableInteractive: one element of the grid has the focus
// biome-ignore-all lint/a11y/useKeyWithClickEvents: the grid has the keys
/**
 * The tensor table. Only the rows in sight are in the page, so thirty thousand cost what thirty cost. One stop of the
 * Tab key: arrows choose a row.
 */
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, memo, useEffect, useMemo, useRef } from "react";
import { formatBytes } from "../../core/units.ts";
import type { SurveyRow, TensorRow } from "../../workers/api.ts";
import { survey as startSurvey, stopSurvey, useInspect } from "../state/inspect.ts";
import { METRICS, metricOf } from "./metrics.ts";
import { type Column, found, indexOf } from "./rows.ts";
import type { Subject } from "./subject.ts";
import { Surveying } from "./surveying.tsx";

const HEIGHT = 28;

const ALONE: readonly Column[] = ["name", "kind", "dtype", "shape", "bytes"];
const PAIR: readonly Column[] = [...ALONE, "change", "cosine", "flips"];
const TITLES: Readonly<Record<Column, string>> = {
  name: "Tensor",
  kind: "Kind",
  dtype: "Type",
  shape: "Shape",
  bytes: "Size",
  change: "Moved",
  cosine: "Cosine",
  flips: "Signs differ",
};

export function TensorTable({ subject: { model, against } }: { subject: Subject }) {
  const { query, order, tensor, pair, set } = useInspect();
  const columns = against === null ? ALONE : PAIR;
  const index = useMemo(() => indexOf(model.tensors), [model.tensors]);
  const by = columns.includes(order.column) ? order : { column: "name" as const, isDown: false };
  const isMeasured = by.column === "change" || by.column === "cosine" || by.column === "flips";
  // While figures come in, an order by them is made anew with each batch.
  const batch = isMeasured ? pair.done : 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the survey's rows grow in place; the batch says so
  const rows = useMemo(() => found(index, query, by, pair.rows), [index, query, by.column, by.isDown, batch]);
  const at = rows.findIndex((row) => index.tensors[row]?.name === tensor);

  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => HEIGHT,
    overscan: 6,
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new choice comes into sight once, then scrolling is free
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at);
  }, [tensor]);

  const choose = (to: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
    const chosen = row === undefined ? undefined : index.tensors[row];
    if (chosen !== undefined) set({ tensor: chosen.name });
  };

  function press(event: KeyboardEvent) {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? HEIGHT) / HEIGHT) - 2);
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    const step = steps[event.key];
    if (step !== undefined) choose(at < 0 ? 0 : at + step);
    else if (event.key === "Home") choose(0);
    else if (event.key === "End") choose(rows.length - 1);
    else return;
    event.preventDefault();
  }

  const chosenId = at >= 0 && virtual.getVirtualItems().some((item) => item.index === at) ? `tensor-${at}` : undefined;
  return (
    <>
      <div className="table-tools">
        <input
          type="search"
          className="search"
          aria-label="Find tensors"
          placeholder="Find: layer 3 mlp, norm, bf16, 4096x4096 ..."
          value={query}
          onChange={(event) => set({ query: event.target.value })}
          onKeyDown={(event) => {
            if (event.key !== "ArrowDown") return;
            event.preventDefault();
            scroller.current?.focus();
            if (at < 0) choose(0);
          }}
        />
        <span className="quiet" role="status">
          {rows.length === index.tensors.length
            ? `${rows.length.toLocaleString("en")} tensors`
            : `${rows.length.toLocaleString("en")} of ${index.tensors.length.toLocaleString("en")} tensors`}
        </span>
        {against !== null && (
          <Surveying
            of={pair}
            stop={() => stopSurvey("pair")}
            again={() => void startSurvey("pair", against.name, [model.name])}
          />
        )}
      </div>
      <div
        ref={scroller}
        className={against === null ? "grid-table" : "grid-table grid-pair"}
        role="grid"
        aria-label="Tensors"
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length}
        aria-activedescendant={chosenId}
        tabIndex={0}
        onKeyDown={press}
      >
        <div className="grid-head" role="row" aria-rowindex={1}>
          {columns.map((column) => (
            <div
              key={column}
              role="columnheader"
              aria-sort={by.column !== column ? "none" : by.isDown ? "descending" : "ascending"}
              title={
                column === "change" || column === "cosine" || column === "flips" ? METRICS[column].help : undefined
              }
            >
              <button
                type="button"
                onClick={() => set({ order: { column, isDown: by.column === column ? !by.isDown : isNumber(column) } })}
              >
                {TITLES[column]}
                {by.column === column &&
                  (by.isDown ? <ArrowDown size={12} aria-hidden /> : <ArrowUp size={12} aria-hidden />)}
              </button>
            </div>
          ))}
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const row = index.tensors[rows[item.index] ?? -1];
            return row === undefined ? null : (
              <Row
                key={row.name}
                row={row}
                place={item.index}
                top={item.start}
                isChosen={row.name === tensor}
                survey={against === null ? null : (pair.rows.get(row.name) ?? undefined)}
                onChoose={set}
              />
            );
          })}
        </div>
        {rows.length === 0 && <p className="quiet grid-none">No tensor has all of these words.</p>}
      </div>
    </>
  );
}

/** Of figures the large ones come first. */
const isNumber = (column: Column) => column !== "name" && column !== "kind" && column !== "dtype";

interface RowProps {
  readonly row: TensorRow;
  readonly place: number;
  readonly top: number;
  readonly isChosen: boolean;
  /** Null: no pair; undefined: not looked at yet. */
  readonly survey: SurveyRow | null | undefined;
  onChoose(change: { tensor: string }): void;
}

const Row = memo(function Row({ row, place, top, isChosen, survey, onChoose }: RowProps) {
  return (
    <div
      id={`tensor-${place}`}
      className="grid-row"
      role="row"
      aria-rowindex={place + 2}
      aria-selected={isChosen}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onChoose({ tensor: row.name })}
    >
      <Cell>
        <bdi title={row.name}>{row.name}</bdi>
      </Cell>
      <Cell>{row.kind}</Cell>
      <Cell>{row.dtype}</Cell>
      <Cell>{row.shape.join(" × ") || "one number"}</Cell>
      <Cell>{formatBytes(row.bytes)}</Cell>
      {survey !== null &&
        (["change", "cosine", "flips"] as const).map((metric) => {
          const value = metricOf(survey?.moves ?? null, metric);
          const none = survey === undefined ? "…" : "–";
          return <Cell key={metric}>{value === null ? none : METRICS[metric].format(value)}</Cell>;
        })}
    </div>
  );
});

const Cell = ({ children }: { children: React.ReactNode }) => <div role="gridcell">{children}</div>;
