/** What can be done with a whole lane: copy it to another lane or model, turn it round, start again. */
import { Ellipsis } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { MenuItem } from "../controls/menu.tsx";
import { useMixer } from "../state/mixer.ts";
import { useStudio } from "../state/studio.ts";
import type { Board, LaneView } from "./board.ts";
import { type Curve, copied, doubled, flipped, levelAt, readLane, reversed, withValues } from "./curve.ts";
import type { Line } from "./lane.tsx";
import { type Dial, fieldOf, nameOf } from "./lanes.ts";
import type { Drawn } from "./tools.tsx";

interface Props {
  readonly board: Board;
  readonly lane: LaneView;
  readonly dial: Dial;
  /** The curve the menu is about, and all curves. */
  readonly line: Line;
  readonly lines: readonly Line[];
  readonly scale: readonly [number, number];
  readonly standard: number;
  readonly selected: readonly [number, number];
  readonly closed: readonly boolean[];
  onDraw(drawn: readonly Drawn[]): void;
}

export function LaneMenu({ board, lane, dial, line, lines, scale, standard, selected, closed, onDraw }: Props) {
  const toggleColumns = useMixer((state) => state.toggleColumns);
  const detail = useMixer((state) => state.detail);
  const [from, to] = selected;
  const { voice, reading } = line;
  const others = lines.filter((other) => other.voice.model !== voice.model);
  const lanes = board.lanes[detail].filter(({ key }) => key !== lane.key && key !== "ends");
  const toLanes = (targets: readonly LaneView[]) => {
    const field = fieldOf(useStudio.getState().recipe, board, dial, voice);
    onDraw(
      targets.map((other) => ({
        lane: other,
        line,
        curve: copied(reading, lane, readLane(field, other).curve, other),
      })),
    );
  };
  const toModels = (targets: readonly Line[]) =>
    onDraw(targets.map((other) => ({ lane, line: other, curve: reading.curve.map((_, i) => levelAt(reading, i)) })));
  const draw = (curve: Curve) => onDraw([{ lane, line, curve }]);
  const layered = lane.columns.filter(({ isEnd }) => !isEnd).length > 1;
  const place = from === to ? lane.columns[from]?.name : `${lane.columns[from]?.name} to ${lane.columns[to]?.short}`;
  const isOpen = closed.slice(from, to + 1).includes(false);
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger
        className="button button-icon"
        aria-label={`Copy and turn ${lane.title}`}
        title="Copy, turn round, lock a layer"
      >
        <Ellipsis size={14} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="start" sideOffset={4} collisionPadding={12}>
          <DropdownMenu.Label className="menu-label">{nameOf(voice, dial)}</DropdownMenu.Label>
          {layered && (
            <>
              <MenuItem onSelect={() => draw(reversed(reading, lane))}>Reverse, last layer first</MenuItem>
              <MenuItem onSelect={() => draw(doubled(reading, lane))}>Mirror the first half</MenuItem>
              <MenuItem onSelect={() => draw(flipped(reading, lane, ...scale))}>Turn upside down</MenuItem>
            </>
          )}
          <MenuItem onSelect={() => draw(withValues(reading.curve, 0, reading.curve.length - 1, standard))}>
            Reset
          </MenuItem>
          <MenuItem onSelect={() => toggleColumns(lane.columns[from]?.id ?? 0, lane.columns[to]?.id ?? 0)}>
            {isOpen ? "Lock" : "Unlock"} {place} in all lanes
          </MenuItem>
          <Targets label="Copy to lane" list={lanes} nameOf={({ title }) => title} onPick={toLanes} />
          <Targets
            label="Copy to model"
            list={others}
            nameOf={(other) => nameOf(other.voice, dial)}
            onPick={toModels}
          />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface TargetsProps<T> {
  readonly label: string;
  readonly list: readonly T[];
  nameOf(one: T): string;
  onPick(targets: readonly T[]): void;
}

function Targets<T>({ label, list, nameOf: name, onPick }: TargetsProps<T>) {
  if (list.length === 0) return null;
  return (
    <DropdownMenu.Sub>
      <DropdownMenu.SubTrigger className="menu-item">{label} ▸</DropdownMenu.SubTrigger>
      <DropdownMenu.Portal>
        <DropdownMenu.SubContent className="menu" sideOffset={2} collisionPadding={12}>
          {list.length > 1 && <MenuItem onSelect={() => onPick(list)}>All of them</MenuItem>}
          {list.map((one) => (
            <MenuItem key={name(one)} onSelect={() => onPick([one])}>
              {name(one)}
            </MenuItem>
          ))}
        </DropdownMenu.SubContent>
      </DropdownMenu.Portal>
    </DropdownMenu.Sub>
  );
}
