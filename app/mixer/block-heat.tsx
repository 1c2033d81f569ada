/** How a block's weights compare, beside its slider: a cell per model for how far it moved, one each for agreement and conflict. */
import { DropdownMenu } from "radix-ui";
import { type CSSProperties, useEffect, useMemo } from "react";
import "../style/heat.css";
import type { ModelSummary } from "../../workers/api.ts";
import { Hint } from "../controls/hint.tsx";
import { MenuItem } from "../controls/menu.tsx";
import { roleOf } from "../state/edits.ts";
import { keepHeat, useHeat } from "../state/heat.ts";
import { useStudio } from "../state/studio.ts";
import type { Board, LaneView } from "./board.ts";
import { tintIn } from "./cells.tsx";
import { columnsOf, lockOf, remediesFor } from "./heat-lane.tsx";
import type { Dial } from "./lanes.ts";
import { type HeatRow, heatRows, type Spots, type StripColumn, saidOf, spotsOf } from "./strip.ts";

export interface BlockHeat {
  readonly columns: readonly StripColumn[];
  readonly spots: Spots;
  readonly rows: readonly HeatRow[];
  readonly names: readonly string[];
  readonly roles: readonly (string | null)[];
  readonly reference: string;
}

const NONE: readonly ModelSummary[] = [];

/** Null until something is known. */
export function useBlockHeat(board: Board, lane: LaneView): BlockHeat | null {
  useEffect(keepHeat, []);
  const party = useHeat((heat) => heat.party);
  const survey = useHeat((heat) => heat.rows);
  const letters = useStudio(({ recipe }) =>
    (party?.models ?? NONE).map(({ name }) => roleOf(recipe, name) ?? "").join(" "),
  );
  return useMemo(() => {
    if (party === null || survey.size === 0) return null;
    const columns = columnsOf(board, lane);
    const spots = spotsOf(columns, survey);
    if (spots.size === 0) return null;
    const ends = new Set(lane.columns.flatMap(({ id, isEnd }) => (isEnd ? [id] : [])));
    return {
      columns,
      spots,
      rows: heatRows(spots, party.models.length, ends),
      names: party.models.map(({ name }) => name),
      roles: letters.split(" ").map((letter) => (letter === "" ? null : letter)),
      reference: party.reference.name,
    };
  }, [board, lane, party, survey, letters]);
}

interface Props {
  readonly board: Board;
  readonly lane: LaneView;
  readonly dial: Dial;
  readonly heat: BlockHeat;
  /** Position of the column. */
  readonly at: number;
}

export function HeatCells({ board, lane, dial, heat, at }: Props) {
  const { columns, spots, rows, names, roles, reference } = heat;
  const column = columns[at];
  const spot = column === undefined ? undefined : spots.get(column.id);
  if (column === undefined) return null;
  if (spot === undefined) return <span className="block-heat" />;
  const said = rows.map((row) => saidOf(row, spot, names, reference)).join(" ");
  return (
    <DropdownMenu.Root modal={false}>
      <Hint help={said}>
        <DropdownMenu.Trigger className="block-heat" aria-label={`Weights compared, ${column.name}`}>
          {rows.map((row) => (
            <i
              key={row.key}
              style={
                { "--tint": tintIn(row, roles), "--heat": (row.heat.get(column.id) ?? 0).toFixed(3) } as CSSProperties
              }
            />
          ))}
        </DropdownMenu.Trigger>
      </Hint>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu strip-menu" align="start" sideOffset={4} collisionPadding={12}>
          <DropdownMenu.Label className="strip-said">{said}</DropdownMenu.Label>
          {[...names.flatMap((name) => remediesFor(name, column, { board, lane, dial })), lockOf(column)].map(
            ({ label, act }) => (
              <MenuItem key={label} onSelect={act}>
                {label}
              </MenuItem>
            ),
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
