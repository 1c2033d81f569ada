/** The heat strip of one lane of the mixer: its columns and places, and what a cell can do to the lane's curves. */
import { memo, useEffect, useMemo } from "react";
import { formatBytes, formatCount } from "../../core/units.ts";
import type { ModelSummary } from "../../workers/api.ts";
import { Button } from "../controls/button.tsx";
import { roleOf } from "../state/edits.ts";
import { keepHeat, lookAgain, stopLooking, useHeat, useWaitsForMerge } from "../state/heat.ts";
import { inspect } from "../state/inspect.ts";
import { useMixer } from "../state/mixer.ts";
import { useStudio } from "../state/studio.ts";
import type { Board, LaneView } from "./board.ts";
import { levelAt, readLane, withValue } from "./curve.ts";
import type { Geometry } from "./geometry.ts";
import { HeatStrip, type Remedy } from "./heat.tsx";
import { type Dial, fieldOf, lockedTensors, withCurve } from "./lanes.ts";
import { heatRows, type StripColumn, spotsOf } from "./strip.ts";

interface Props {
  readonly board: Board;
  readonly lane: LaneView;
  /** The parameter that is drawn; cells change it where every model has its own. */
  readonly dial: Dial;
  /** Of the lane's chart: the strip stands on the same columns. */
  readonly geometry: Geometry;
}

/** Not drawn again while a curve is. */
export const HeatLane = memo(function HeatLane({ board, lane, dial, geometry }: Props) {
  useEffect(keepHeat, []);
  const party = useHeat((heat) => heat.party);
  const survey = useHeat((heat) => heat.rows);
  const isFirst = useMixer(({ detail }) => board.lanes[detail][0] === lane);
  const letters = useStudio(({ recipe }) =>
    (party?.models ?? NONE).map(({ name }) => roleOf(recipe, name) ?? "").join(" "),
  );
  const columns = useMemo(() => columnsOf(board, lane), [board, lane]);
  const spots = useMemo(() => spotsOf(columns, survey), [columns, survey]);
  const models = party?.models ?? NONE;
  const rows = useMemo(() => {
    const ends = new Set(lane.columns.flatMap(({ id, isEnd }) => (isEnd ? [id] : [])));
    return heatRows(spots, models.length, ends);
  }, [spots, models, lane]);
  const middles = useMemo(() => lane.columns.map((column) => geometry.x(column)), [lane, geometry]);
  const names = useMemo(() => models.map(({ name }) => name), [models]);
  const roles = useMemo(() => letters.split(" ").map((letter) => (letter === "" ? null : letter)), [letters]);
  const remedies = (model: number | null, column: StripColumn): Remedy[] => [
    ...(model === null ? names : names.slice(model, model + 1)).flatMap((name) =>
      remediesFor(name, column, { board, lane, dial }),
    ),
    lockOf(column),
  ];
  return (
    <div className="heat-lane">
      {isFirst && <HeatStatus />}
      {party !== null && spots.size > 0 && (
        <HeatStrip
          title={lane.title}
          reference={party.reference.name}
          gap={geometry.gap}
          width={geometry.width}
          {...{ columns, middles, rows, spots, names, roles, remedies }}
        />
      )}
    </div>
  );
});

const NONE: readonly ModelSummary[] = [];

export const columnsOf = (board: Board, lane: LaneView): StripColumn[] =>
  lane.columns.map(({ id, name, tensors }) => ({
    id,
    name,
    tensors: tensors.flatMap((i) => board.spots[i]?.name ?? []),
  }));

/** What a boost makes of a value. */
const boosted = (value: number) => (value === 0 ? 0.25 : value * 1.25);

/** Boosting and dropping write into the lane's curve, one undoable step each; what is locked stays. */
export function remediesFor(model: string, column: StripColumn, on: Pick<Props, "board" | "lane" | "dial">): Remedy[] {
  const { board, lane, dial } = on;
  const { recipe, edit } = useStudio.getState();
  const look: Remedy = { label: `Inspect ${model} here`, act: () => inspect(model, column.tensors[0] ?? null) };
  const isOwn = dial.param.per === "model" && recipe.models?.some((entry) => entry.model === model) === true;
  if (!isOwn) return [look];
  const voice = { model, role: roleOf(recipe, model) };
  const at = lane.columns.findIndex(({ id }) => id === column.id);
  const write = (change: (value: number) => number) =>
    edit((now) => {
      const { locks, exact } = useMixer.getState();
      const reading = readLane(fieldOf(now, board, dial, voice), lane);
      const value = Math.min(dial.param.max, Math.max(dial.param.min, change(levelAt(reading, at) ?? 0)));
      const how = { board, dial, exact, locked: lockedTensors(board, locks) };
      return withCurve(now, how, voice, lane, withValue(reading.curve, at, value));
    });
  const least = Math.max(0, dial.param.min);
  const what = dial.param.title || dial.id;
  return [
    { label: `Boost ${model}: ${what} a quarter up`, act: () => write(boosted) },
    { label: `Drop ${model}: ${what} ${least}`, act: () => write(() => least) },
    look,
  ];
}

/** A locked column keeps its values, of all models in all lanes, whatever is drawn. */
export function lockOf({ id, name }: StripColumn): Remedy {
  const { locks, toggleColumns } = useMixer.getState();
  return {
    label: `${locks.columns.has(id) ? "Unlock" : "Lock"} ${name} in all lanes`,
    act: () => toggleColumns(id, id),
  };
}

/** How far the look at the weights is, and what it stands on. */
export function HeatStatus() {
  const { party, rows, total, state, download } = useHeat();
  const isWaiting = useWaitsForMerge();
  if (party === null || state === "none") return null;
  const from = party.isBased ? `the base “${party.reference.name}”` : `“${party.reference.name}”`;
  const fromHub = download === 0 ? "" : `, ${formatBytes(Math.round(download))} from the Hub`;
  if (state === "asking")
    return (
      <p className="heat-status">
        Comparing weights would take a sample of each tensor{fromHub}.
        <Button look="ghost" onClick={lookAgain}>
          Compare
        </Button>
      </p>
    );
  if (state === "looking")
    return (
      <p className="heat-status">
        {isWaiting ? "Comparing weights goes on after the merge" : "Comparing weights in the background"}:{" "}
        {formatCount(rows.size)} of {formatCount(total)} tensors{fromHub}
        <Button look="ghost" onClick={stopLooking}>
          Stop
        </Button>
      </p>
    );
  if (state === "done" && ![...rows.values()].some(({ moves }) => moves !== null))
    return (
      <p className="heat-status">The weights have other shapes than those of {from}, so there is nothing to compare.</p>
    );
  if (state === "done")
    return (
      <p className="heat-status">
        Weights compared with {from}, from a sample of each tensor{fromHub}. The stronger, the more; press a cell for
        what can be done.
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
