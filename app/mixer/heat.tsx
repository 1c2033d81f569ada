/**
 * A heat strip: a row per model for how far it moved, and one each for how the changes agree and conflict, on the
 * columns of the lane above it. One stop of the Tab key: arrows go from cell to cell, Enter opens what can be done.
 */
import { DropdownMenu } from "radix-ui";
import { type KeyboardEvent, type PointerEvent, useId, useRef, useState } from "react";
import "../style/heat.css";
import { cellWidth, CELL_ROW as ROW, StripCells } from "./cells.tsx";
import { type HeatRow, type Spots, type StripColumn, saidOf } from "./strip.ts";

/** What can be done about a hot cell. */
export interface Remedy {
  readonly label: string;
  act(): void;
}

interface Props {
  readonly title: string;
  readonly columns: readonly StripColumn[];
  /** Middle of each column and the distance of two, px from the left of the strip. */
  readonly middles: readonly number[];
  readonly gap: number;
  readonly width: number;
  readonly rows: readonly HeatRow[];
  readonly spots: Spots;
  readonly names: readonly string[];
  readonly roles: readonly (string | null)[];
  readonly reference: string;
  /** For model number `model`, or for any where the cell is of several. */
  remedies(model: number | null, column: StripColumn): readonly Remedy[];
}

interface At {
  readonly row: number;
  readonly column: number;
}

export function HeatStrip(props: Props) {
  const { title, columns, middles, gap, width, rows, spots, names, roles, reference, remedies } = props;
  const [at, setAt] = useState<At>({ row: 0, column: 0 });
  const [shown, setShown] = useState(false);
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLButtonElement>(null);
  const saidId = useId();
  const row = rows[Math.min(at.row, rows.length - 1)];
  const column = columns[Math.min(at.column, columns.length - 1)];
  if (row === undefined || column === undefined) return null;
  const spot = spots.get(column.id);
  const said = `${capital(column.name)}, ${title}: ${
    spot === undefined ? "not looked at." : saidOf(row, spot, names, reference)
  }`;
  const middle = middles[at.column] ?? 0;

  function point(event: PointerEvent): void {
    const area = box.current?.getBoundingClientRect();
    const [px, py] = [event.clientX - (area?.left ?? 0), event.clientY - (area?.top ?? 0)];
    const away = (i: number) => Math.abs((middles[i] ?? 0) - px);
    const nearest = columns.reduce((best, _, i) => (away(i) < away(best) ? i : best), 0);
    setAt({ row: Math.max(0, Math.min(rows.length - 1, Math.floor(py / ROW))), column: nearest });
    setShown(away(nearest) <= gap);
  }

  function press(event: KeyboardEvent): void {
    const go = (down: number, right: number) =>
      setAt({
        row: Math.max(0, Math.min(rows.length - 1, at.row + down)),
        column: Math.max(0, Math.min(columns.length - 1, at.column + right)),
      });
    if (event.key === "ArrowRight") go(0, 1);
    else if (event.key === "ArrowLeft") go(0, -1);
    else if (event.key === "ArrowDown") go(1, 0);
    else if (event.key === "ArrowUp") go(-1, 0);
    else if (event.key === "Home") go(0, -columns.length);
    else if (event.key === "End") go(0, columns.length);
    else if (event.key === "Escape") setShown(false);
    else return;
    event.preventDefault();
    setShown(event.key !== "Escape");
  }

  return (
    <div className="strip">
      <StripCells {...{ rows, columns, middles, gap, width, roles }} />
      <button
        ref={box}
        type="button"
        className="strip-cells"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={`Weights compared, ${title}`}
        aria-describedby={saidId}
        onPointerMove={point}
        onPointerLeave={() => setShown(false)}
        onKeyDown={press}
        onFocus={(event) => setShown(event.currentTarget.matches(":focus-visible"))}
        onBlur={() => setShown(false)}
        onClick={() => setOpen(true)}
      >
        {shown && (
          <span
            className="strip-at"
            style={{ left: middle - cellWidth(gap) / 2 - 2, top: at.row * ROW - 1, width: cellWidth(gap) + 4 }}
          />
        )}
      </button>
      <span id={saidId} className="hidden" aria-live="polite">
        {shown ? said : ""}
      </span>
      {shown && !open && (
        <div className="strip-tip" aria-hidden style={{ left: Math.max(0, Math.min(middle - 130, width - 270)) }}>
          {said}
        </div>
      )}
      <DropdownMenu.Root open={open} onOpenChange={setOpen}>
        <DropdownMenu.Trigger asChild>
          <button
            type="button"
            className="strip-anchor"
            style={{ left: middle, top: at.row * ROW }}
            tabIndex={-1}
            aria-hidden
            aria-label="What can be done"
          />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content
            className="menu strip-menu"
            align="start"
            sideOffset={14}
            onCloseAutoFocus={(event) => {
              event.preventDefault();
              box.current?.focus();
            }}
          >
            <DropdownMenu.Label className="strip-said">{said}</DropdownMenu.Label>
            {open &&
              remedies(row.model, column).map(({ label, act }) => (
                <DropdownMenu.Item key={label} className="menu-item" onSelect={act}>
                  {label}
                </DropdownMenu.Item>
              ))}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </div>
  );
}

const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);
