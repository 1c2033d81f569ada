/** The mixer: choose a parameter, see a curve per model over the layers, draw. */
import { Fragment, useMemo, useState } from "react";
import { Segments, Select } from "../controls/choice.tsx";
import { tintOf } from "../controls/colours.ts";
import { NumberField, shown } from "../controls/number.tsx";
import { methodOf } from "../state/edits.ts";
import { useModels } from "../state/models.ts";
import { useStudio } from "../state/studio.ts";
import { useView } from "../state/view.ts";
import { Chart, type Line } from "./chart.tsx";
import { Modules } from "./elsewhere.tsx";
import { HeatLane } from "./heat-lane.tsx";
import {
  ALL_LANES,
  boardOf,
  curveOf,
  dialsOf,
  type LaneView,
  SPLIT_LANES,
  valueAt,
  voicesOf,
  withCurve,
  withValue,
} from "./lanes.ts";
import { SHAPES, shaped } from "./shapes.ts";
import { Slices } from "./slices.tsx";

interface Hover {
  readonly lane: LaneView;
  readonly column: number;
  readonly x: number;
  readonly y: number;
}

export function Mixer() {
  const recipe = useStudio((state) => state.recipe);
  const edit = useStudio((state) => state.edit);
  const list = useModels((state) => state.list);
  const view = useView();
  const [hover, setHover] = useState<Hover | null>(null);
  const [selected, setSelected] = useState<{ lane: LaneView; column: number } | null>(null);

  const chained = useStudio((state) => state.earlier.length > 0);
  const shape = list.find(({ summary }) => summary.name === (recipe.base_model ?? recipe.models?.[0]?.model));
  // What an earlier recipe of the file makes is shaped like the models it is made of.
  const template = (shape ?? (chained ? list[0] : undefined))?.summary;
  const board = useMemo(() => (template === undefined ? null : boardOf(template)), [template]);
  const dials = dialsOf(recipe);
  const dial = dials.find(({ id }) => id === view.param) ?? dials[0];
  if (recipe.slices !== undefined) return <Slices slices={recipe.slices} />;
  if (recipe.modules !== undefined) return <Modules modules={recipe.modules} />;
  if (board === null || dial === undefined || board.layers === 0) {
    return (
      <p className="quiet mixer-empty">
        {board === null
          ? "The curves appear once the models of the recipe are open."
          : "This model has no numbered layers, so there is nothing to draw per layer."}
      </p>
    );
  }
  const voices = voicesOf(recipe, dial);
  const lanes = view.split ? SPLIT_LANES : ALL_LANES;
  const active = voices.find(({ model }) => model === view.active) ?? voices[0];
  const linesOf = (lane: LaneView): Line[] =>
    voices.map((voice) => ({ voice, curve: curveOf(recipe, board, dial, voice, lane) }));
  const mixed =
    !view.split && linesOf(ALL_LANES[0] as LaneView).some(({ curve }) => curve.values.some((v) => v === null));
  const spot =
    selected !== null && lanes.includes(selected.lane) ? selected : { lane: lanes[0] as LaneView, column: 0 };
  const spotCurve = active === undefined ? null : curveOf(recipe, board, dial, active, spot.lane);

  return (
    <section className="mixer" aria-label="Mixer">
      <div className="tools">
        <Segments
          label="Parameter"
          value={dial.id}
          options={dials.map(({ id, param }) => ({ value: id, label: param.title || id }))}
          onChange={(param) => view.set({ param })}
        />
        <Segments
          label="Lanes"
          value={view.split ? "split" : "all"}
          options={[
            { value: "all", label: "All" },
            { value: "split", label: "Attention · MLP · Norms" },
          ]}
          onChange={(value) => view.set({ split: value === "split" })}
        />
        {voices.length > 1 && (
          <fieldset className="segments voices">
            <legend className="hidden">Model to draw</legend>
            {voices.map(({ model, role }) => (
              <button
                key={model}
                type="button"
                aria-pressed={model === active?.model}
                style={{ "--tint": tintOf(role) } as React.CSSProperties}
                onClick={() => view.set({ active: model })}
                title={model ?? ""}
              >
                {role}
              </button>
            ))}
          </fieldset>
        )}
        <div className="tools-touch">
          <Select
            label="Shape"
            value=""
            options={[
              { value: "", label: "Shape ..." },
              ...Object.keys(SHAPES).map((name) => ({ value: name, label: name })),
            ]}
            hideLabel
            onChange={(name) => {
              if (active === undefined || name === "") return;
              const [low, high] = [Math.max(0, dial.param.min), Math.min(1, dial.param.max)];
              edit((r) =>
                lanes
                  .filter((lane) => lane.layers)
                  .reduce(
                    (now, lane) =>
                      withCurve(
                        now,
                        board,
                        dial,
                        active,
                        lane,
                        shaped(curveOf(now, board, dial, active, lane), name, low, high),
                      ),
                    r,
                  ),
              );
            }}
          />
          <NumberField
            label="Brush"
            value={view.brush}
            min={0}
            max={16}
            step={1}
            help="How many layers on either side a stroke pulls along"
            onChange={(brush) => view.set({ brush: Math.round(brush) })}
          />
          <NumberField
            label={columnName(spot.column, board.layers)}
            help="The value of the layer last touched, for the model chosen"
            value={spotCurve === null ? null : valueAt(spotCurve, spot.column)}
            empty="mixed"
            onChange={(value) =>
              active !== undefined &&
              spotCurve !== null &&
              edit((r) => withCurve(r, board, dial, active, spot.lane, withValue(spotCurve, spot.column, value)))
            }
          />
        </div>
      </div>
      <p className="dial-help">
        {dial.param.help}{" "}
        {mixed && <strong>Some layers differ between attention, MLP and norms: choose the split to see them.</strong>}
      </p>
      <div className="lanes">
        {lanes.map((lane, i) => (
          <Fragment key={lane.key}>
            <Chart
              lane={lane}
              dial={dial}
              lines={linesOf(lane)}
              layers={board.layers}
              height={view.split ? (lane.key === "ends" ? 120 : 172) : 330}
              brush={view.brush}
              active={active?.model ?? null}
              axis={!view.split || i >= 2}
              onDraw={(voice, curve) => edit((r) => withCurve(r, board, dial, voice, lane, curve))}
              onHover={(at) => setHover(at === null ? null : { lane, ...at })}
              onActive={(model) => view.set({ active: model })}
              onSelect={(column) => setSelected({ lane, column })}
            />
            <HeatLane {...{ board, lane, dial }} isFirst={i === 0} />
          </Fragment>
        ))}
        {hover !== null && (
          <Tip
            {...{
              hover,
              lines: linesOf(hover.lane),
              layers: board.layers,
              share: dial.id === "weight" && isNormalized(recipe),
            }}
            index={lanes.indexOf(hover.lane)}
          />
        )}
      </div>
      <p className="hint quiet">
        Drag to draw, Shift-drag for a ramp, Alt-wheel for fine steps, double-click to reset. With the keyboard: Tab to
        a curve, arrows to move and change.
      </p>
    </section>
  );
}

function isNormalized(recipe: ReturnType<typeof useStudio.getState>["recipe"]): boolean {
  const set = recipe.parameters?.normalize;
  const param = methodOf(recipe)?.params.normalize;
  return set === true || (set === undefined && param?.default === true);
}

function columnName(column: number, layers: number): string {
  return column < 0 ? "Embed" : column >= layers ? "Head" : `Layer ${column}`;
}

interface TipProps {
  readonly hover: Hover;
  readonly lines: readonly Line[];
  readonly layers: number;
  /** Say what is left of each weight after normalising. */
  readonly share: boolean;
  readonly index: number;
}

function Tip({ hover, lines, layers, share, index }: TipProps) {
  const values = lines.map(({ curve }) => valueAt(curve, hover.column));
  const total = values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const isRight = hover.x > 420;
  return (
    <div
      className="tip"
      aria-hidden
      style={{ left: isRight ? hover.x - 190 : hover.x + 18, "--lane": index } as React.CSSProperties}
    >
      <strong>
        {columnName(hover.column, hover.lane.layers ? layers : 0)} · {hover.lane.title}
      </strong>
      {lines.map(({ voice }, i) => (
        <span
          key={voice.model ?? "merge"}
          className="tip-row"
          style={{ "--tint": voice.model === null ? "var(--accent)" : tintOf(voice.role) } as React.CSSProperties}
        >
          <b>
            {voice.role ?? ""} {values[i] === null || values[i] === undefined ? "mixed" : shown(values[i])}
          </b>
          {share && total !== 0 && <span>{Math.round((100 * (values[i] ?? 0)) / total)} % of the mix</span>}
        </span>
      ))}
    </div>
  );
}
