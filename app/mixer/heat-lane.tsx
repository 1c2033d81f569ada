/** The heat strip of one lane of the mixer: its columns and places, and what a cell can do to the lane's curves. */
import { useEffect, useMemo, useRef, useState } from "react";
import { formatCount } from "../../core/units.ts";
import { Button } from "../controls/button.tsx";
import { methodOf, roleOf } from "../state/edits.ts";
import { keepHeat, lookAgain, stopLooking, useHeat, useWaitsForMerge } from "../state/heat.ts";
import { inspect } from "../state/inspect.ts";
import { useStudio } from "../state/studio.ts";
import { HeatStrip, type Remedy } from "./heat.tsx";
import { type Board, curveOf, type Dial, type LaneView, valueAt, withCurve, withValue } from "./lanes.ts";
import { heatRows, type StripColumn, spotsOf } from "./strip.ts";

interface Props {
  readonly board: Board;
  readonly lane: LaneView;
  /** The parameter that is drawn; cells change it where every model has its own. */
  readonly dial: Dial;
  /** The first lane also says how far the look at the weights is. */
  readonly isFirst: boolean;
}

/** What a boost makes of a value, and what it makes of nothing. */
const boosted = (value: number) => (value === 0 ? 0.25 : value * 1.25);

export function HeatLane({ board, lane, dial, isFirst }: Props) {
  useEffect(keepHeat, []);
  const { party, rows: survey, state } = useHeat();
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const recipe = useStudio((studio) => studio.recipe);
  const columns = useMemo(() => columnsOf(board, lane), [board, lane]);
  const spots = useMemo(() => spotsOf(columns, survey), [columns, survey]);
  const models = party?.models ?? [];
  const rows = useMemo(
    () => heatRows(spots, models.length, new Set([-1, board.layers])),
    [spots, models.length, board.layers],
  );
  const { middles, gap } = useMemo(() => placesOf(columns, board.layers, lane, width), [columns, board, lane, width]);
  const names = models.map(({ name }) => name);
  const roles = useMemo(() => models.map(({ name }) => roleOf(recipe, name)), [models, recipe]);

  const remedies = (model: number | null): Remedy[] => {
    const chosen = model === null ? models : models.slice(model, model + 1);
    return chosen.flatMap(({ name }) => remediesFor(name, { board, lane, dial }));
  };
  const isIdle = party === null || state === "none";
  return (
    <div ref={box} className="heat-lane">
      {isFirst && <HeatStatus />}
      {!isIdle && spots.size > 0 && (
        <HeatStrip
          title={lane.title}
          reference={party.reference.name}
          {...{ columns, middles, gap, width, rows, spots, names, roles, remedies }}
        />
      )}
    </div>
  );
}

/** Boosting and dropping write into the lane's curve, one undoable step each. */
function remediesFor(model: string, { board, lane, dial }: Pick<Props, "board" | "lane" | "dial">): Remedy[] {
  const { recipe, edit } = useStudio.getState();
  const voice = { model, role: roleOf(recipe, model) };
  const look: Remedy = {
    label: `Inspect ${model} here`,
    act: ({ tensors }) => inspect(model, tensors[0] ?? null),
  };
  const isOwn = dial.param.per === "model" && recipe.models?.some((entry) => entry.model === model) === true;
  if (!isOwn) return [look];
  const write = ({ id }: StripColumn, change: (value: number) => number) =>
    edit((now) => {
      const curve = curveOf(now, board, dial, voice, lane);
      const value = Math.min(dial.param.max, Math.max(dial.param.min, change(valueAt(curve, id) ?? 0)));
      return withCurve(now, board, dial, voice, lane, withValue(curve, id, Number(value.toFixed(4))));
    });
  const least = Math.max(0, dial.param.min);
  const what = methodOf(recipe)?.params[dial.id]?.title ?? dial.id;
  return [
    { label: `Boost ${model}: ${what} a quarter up`, act: (column) => write(column, boosted) },
    { label: `Drop ${model}: ${what} ${least}`, act: (column) => write(column, () => least) },
    look,
  ];
}

/** How far the look at the weights is, and what it stands on. */
function HeatStatus() {
  const { party, rows, total, state } = useHeat();
  const isWaiting = useWaitsForMerge();
  if (party === null || state === "none") return null;
  const from = party.isBased ? `the base “${party.reference.name}”` : `“${party.reference.name}”`;
  if (state === "looking")
    return (
      <p className="heat-status">
        {isWaiting ? "Comparing weights goes on after the merge" : "Comparing weights in the background"}:{" "}
        {formatCount(rows.size)} of {formatCount(total)} tensors
        <Button look="ghost" onClick={stopLooking}>
          Stop
        </Button>
      </p>
    );
  if (state === "done")
    return (
      <p className="heat-status">
        Under each lane: weights compared with {from}, from a sample of each tensor. The stronger, the more.
      </p>
    );
  return (
    <p className="heat-status">
      {state === "stopped"
        ? "Comparing weights was stopped."
        : "Some weights could not be read, so they are not compared."}
      <Button look="ghost" onClick={lookAgain}>
        Compare
      </Button>
    </p>
  );
}

function columnsOf(board: Board, lane: LaneView): StripColumn[] {
  const of = (layer: number | null, end: "before" | "after" | null) =>
    lane.key === "ends"
      ? board.lane(end === "before" ? "embedding" : "head").sampleNames(layer, end)
      : board.lane(lane.key).sampleNames(layer, end);
  const layers = lane.layers ? board.layers : 0;
  const after = lane.key === "norm" ? "final norm" : lane.key === "ends" ? "head" : "head and final norm";
  return [
    ...(lane.before ? [{ id: -1, name: "embeddings", tensors: of(null, "before") }] : []),
    ...Array.from({ length: layers }, (_, layer) => ({ id: layer, name: `layer ${layer}`, tensors: of(layer, null) })),
    ...(lane.after ? [{ id: layers, name: after, tensors: of(null, "after") }] : []),
  ];
}

/** Margins of a chart: the strip stands on the same columns. */
const LEFT = 78;
const RIGHT = 26;

function placesOf(columns: readonly StripColumn[], all: number, lane: LaneView, width: number) {
  const layers = lane.layers ? all : 0;
  const span = Math.max(1, (lane.layers ? layers - 1 : 0) + 3);
  const gap = (width - LEFT - RIGHT) / span;
  const middles = columns.map(({ id }) => LEFT + (id < 0 ? 0 : id >= layers ? span : id + 1.5) * gap);
  return { middles, gap };
}

function useWidth(box: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(800);
  useEffect(() => {
    if (box.current === null) return;
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(320, Math.round(entry?.contentRect.width ?? 800))));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [box]);
  return width;
}
