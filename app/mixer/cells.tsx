/**
 * A strip's cells, on a canvas: some hundred of them per lane, which change while curves are drawn beside them, and which
 * nobody reads but by the strip's own words.
 */
import { memo, useEffect, useRef } from "react";
import { tintOf } from "../controls/colours.ts";
import { useView } from "../state/view.ts";
import type { HeatRow, StripColumn } from "./strip.ts";

/** Height of a row, and of a cell in it, px. */
export const CELL_ROW = 13;
const CELL = 10;

export const cellWidth = (gap: number): number => Math.max(3, Math.min(gap - 2, 40));

interface Props {
  readonly rows: readonly HeatRow[];
  readonly columns: readonly StripColumn[];
  /** Middle of each column and the distance of two, px. */
  readonly middles: readonly number[];
  readonly gap: number;
  readonly width: number;
  /** The letter of each model. */
  readonly roles: readonly (string | null)[];
}

/** Changes with the weights, the window and the theme, not with the pointer. */
export const StripCells = memo(function StripCells(props: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useView((view) => view.theme);
  const height = props.rows.length * CELL_ROW;
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours come from the theme
  useEffect(() => {
    if (canvas.current !== null) draw(canvas.current, props);
  }, [props, theme]);
  return <canvas ref={canvas} className="strip-canvas" style={{ width: props.width, height }} aria-hidden />;
});

function draw(canvas: HTMLCanvasElement, { rows, columns, middles, gap, width, roles }: Props): void {
  const scale = devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(rows.length * CELL_ROW * scale);
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  pen.scale(scale, scale);
  const colour = (name: string) => colourOf(canvas, name);
  const [ground, line, ink] = [colour("--raise"), colour("--line"), colour("--dim")];
  const wide = cellWidth(gap);
  pen.font = `10.5px ${colour("font-family")}`;
  pen.textAlign = "right";
  for (const [r, row] of rows.entries()) {
    const top = r * CELL_ROW;
    const tint = colour(tintIn(row, roles));
    pen.fillStyle = ink;
    pen.fillText(titleOf(row, roles), (middles[0] ?? 0) - wide / 2 - 10, top + CELL - 1);
    for (const [c, { id }] of columns.entries()) {
      const heat = row.heat.get(id);
      const left = (middles[c] ?? 0) - wide / 2;
      pen.beginPath();
      pen.roundRect(left, top, wide, CELL, 2);
      if (heat === undefined) {
        pen.strokeStyle = line;
        pen.stroke();
        continue;
      }
      pen.fillStyle = ground;
      pen.fill();
      pen.globalAlpha = 0.08 + 0.92 * heat;
      pen.fillStyle = tint;
      pen.fill();
      pen.globalAlpha = 1;
    }
  }
}

const colours = new Map<string, string>();

/** "var(--ok)" as the colour it stands for; looked up once per theme, since asking makes the browser work out its styles. */
function colourOf(element: Element, name: string): string {
  const key = `${document.documentElement.dataset.theme} ${name}`;
  const known = colours.get(key) ?? getComputedStyle(element).getPropertyValue(name.replace(/^var\((.*)\)$/, "$1"));
  colours.set(key, known);
  return known;
}

function titleOf(row: HeatRow, roles: Props["roles"]): string {
  if (row.kind === "moved") return `${roles[row.model ?? 0] ?? "it"} moved`;
  return row.kind === "agrees" ? "agree" : "conflict";
}

export function tintIn(row: HeatRow, roles: Props["roles"]): string {
  if (row.kind === "moved") return tintOf(roles[row.model ?? 0] ?? null);
  return row.kind === "agrees" ? "var(--ok)" : "var(--bad)";
}
