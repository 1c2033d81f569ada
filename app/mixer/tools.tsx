/** The row above the lanes: which parameter, which lanes, whose curve; shapes, brush, exact numbers. */
import type { CSSProperties, ReactNode, RefObject } from "react";
import { Segments, Select } from "../controls/choice.tsx";
import { tintOf } from "../controls/colours.ts";
import { NumberField } from "../controls/number.tsx";
import { type Detail, NO_LOCKS, useMixer } from "../state/mixer.ts";
import { useView } from "../state/view.ts";
import type { Board, LaneView } from "./board.ts";
import { type Curve, withValues } from "./curve.ts";
import { MixerHelp } from "./help.tsx";
import type { Line } from "./lane.tsx";
import { type Dial, nameOf } from "./lanes.ts";
import { BlockWeightsMenu } from "./mbw.tsx";
import { placesInWords } from "./places.ts";
import { RangeField } from "./range.tsx";
import { shaped } from "./shapes.ts";
import { ShapesMenu } from "./shapes-menu.tsx";

export interface Drawn {
  readonly lane: LaneView;
  readonly line: Line;
  readonly curve: Curve;
}

interface Props {
  readonly board: Board;
  readonly dial: Dial;
  readonly dials: readonly Dial[];
  readonly lanes: readonly LaneView[];
  readonly lines: readonly Line[];
  /** The curve that tools change: its lane, its columns. */
  readonly spot: { readonly lane: LaneView; readonly line: Line; readonly from: number; readonly to: number } | null;
  readonly field: RefObject<HTMLDivElement | null>;
  /** What the parameter means. */
  readonly help: ReactNode;
  /** The active model's curve in another lane. */
  lineIn(lane: LaneView): Line | undefined;
  onDraw(drawn: readonly Drawn[]): void;
}

export function Tools(props: Props) {
  const { board, dial, dials, lanes, lines, spot, field, help, lineIn, onDraw } = props;
  const { param } = dial;
  const view = useView();
  const mixer = useMixer();
  const step = param.step ?? 0.01;
  const whole = spot === null || spot.from === spot.to || spot.to - spot.from === spot.lane.columns.length - 1;
  const draw = (curve: Curve) => spot !== null && onDraw([{ lane: spot.lane, line: spot.line, curve }]);
  const usual: [number, number] = [Math.max(0, param.min), Math.min(1, param.max)];

  function shape(name: string, between: readonly [number, number], everywhere: boolean): void {
    if (spot === null) return;
    const columns: [number, number] | undefined = whole ? undefined : [spot.from, spot.to];
    if (!everywhere) return void draw(shaped(spot.line.reading, spot.lane, name, between, columns));
    onDraw(
      lanes.flatMap((lane) => {
        const line = lineIn(lane);
        return line === undefined ? [] : [{ lane, line, curve: shaped(line.reading, lane, name, between) }];
      }),
    );
  }

  return (
    <div className="tools">
      <Segments
        label="Parameter"
        value={dial.id}
        options={dials.map(({ id, param }) => ({ value: id, label: param.title || id }))}
        onChange={(id) => view.set({ param: id })}
      />
      <Segments label="Lanes" value={laneChoice(board, mixer)} options={laneChoices(board)} onChange={chooseLanes} />
      {board.stacks.length > 1 && (
        <Select
          label="Layers of"
          value={board.stack}
          options={board.stacks.map(({ prefix, layers }) => ({ value: prefix, label: `${prefix} (${layers})` }))}
          onChange={(stack) => mixer.set({ stack, range: null, locks: NO_LOCKS })}
        />
      )}
      {lines.length > 1 && <Voices lines={lines} active={spot?.line ?? null} />}
      <MixerHelp />
      <span className="tools-break" />
      <p className="dial-help">{help}</p>
      <div className="tools-touch">
        {spot !== null && board.blocks !== null && spot.lane.key === "all" && (
          <BlockWeightsMenu
            lane={spot.lane}
            curve={spot.line.reading.curve}
            blocks={board.blocks}
            name={nameOf(spot.line.voice, dial)}
            onDraw={draw}
          />
        )}
        {spot !== null && (
          <ShapesMenu
            place={`${spot.lane.title}, ${whole ? "all layers" : placesInWords(spot.lane, spot.from, spot.to)}`}
            hasLanes={lanes.length > 1}
            ends={usual}
            step={step}
            onShape={shape}
          />
        )}
        <NumberField
          label="Brush"
          value={view.brush}
          min={0}
          max={16}
          step={1}
          help="How many layers on either side a stroke pulls along"
          onChange={(brush) => view.set({ brush: Math.round(brush) })}
        />
        {spot !== null && (
          <RangeField
            {...spot}
            value={commonValue(spot.line.reading.curve, spot.from, spot.to)}
            step={step}
            field={field}
            onRange={(from, to) => mixer.set({ range: { lane: spot.lane.key, from, to } })}
            onValue={(value) => draw(withValues(spot.line.reading.curve, spot.from, spot.to, value))}
          />
        )}
      </div>
    </div>
  );
}

const commonValue = (curve: Curve, from: number, to: number): number | null => {
  const values = curve.slice(from, to + 1);
  return values.every((value) => value === values[0]) ? (values[0] ?? null) : null;
};

const laneChoices = (board: Board) => [
  ...(board.blocks === null ? [] : [{ value: "blocks", label: "Blocks" }]),
  { value: "all", label: board.blocks === null ? "All" : "Curve" },
  { value: "kinds", label: board.blocks === null ? "Attention · MLP · Norms" : "Kinds" },
  { value: "parts", label: "Every projection" },
];

const laneChoice = (board: Board, { detail, blocks }: { readonly detail: Detail; readonly blocks: boolean }) =>
  board.blocks !== null && detail === "all" && blocks ? "blocks" : detail;

const chooseLanes = (choice: string) =>
  useMixer.getState().set({
    blocks: choice === "blocks",
    detail: choice === "kinds" || choice === "parts" ? choice : "all",
    range: null,
  });

function Voices({ lines, active }: { readonly lines: readonly Line[]; readonly active: Line | null }) {
  const set = useView((state) => state.set);
  return (
    <fieldset className="segments voices">
      <legend className="hidden">Model to draw</legend>
      {lines.map(({ voice: { model, role } }) => (
        <button
          key={model}
          type="button"
          aria-pressed={model === active?.voice.model}
          style={{ "--tint": tintOf(role) } as CSSProperties}
          onClick={() => set({ active: model })}
          title={model ?? ""}
        >
          {role}
        </button>
      ))}
    </fieldset>
  );
}
