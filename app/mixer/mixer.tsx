/** The mixer: choose a parameter, see a curve per model over the layers, draw. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { Switch } from "../controls/choice.tsx";
import { startOf } from "../state/edits.ts";
import { type Locks, NO_LOCKS, useMixer } from "../state/mixer.ts";
import { useModels } from "../state/models.ts";
import { useStudio } from "../state/studio.ts";
import { useView } from "../state/view.ts";
import { type Board, boardOf, type LaneView } from "./board.ts";
import { Modules } from "./elsewhere.tsx";
import { scaleOf } from "./geometry.ts";
import { createReader, type Reader } from "./kept.ts";
import { Lane, type Line } from "./lane.tsx";
import { type Dial, lockedColumns, lockedTensors, PREPARATIONS, type Voice, voicesOf, withCurve } from "./lanes.ts";
import { Slices } from "./slices.tsx";
import { type Drawn, Tools } from "./tools.tsx";
import { UBlocks } from "./ublocks.tsx";

export function Mixer() {
  const recipe = useStudio((state) => state.recipe);
  const list = useModels((state) => state.list);
  const param = useView((state) => state.param);
  const stack = useMixer((state) => state.stack);
  const chained = useStudio((state) => state.earlier.length > 0);
  const shape = list.find(({ summary }) => summary.name === (recipe.base_model ?? recipe.models?.[0]?.model));
  // What an earlier recipe of the file makes is shaped like the models it is made of.
  const template = (shape ?? (chained ? list[0] : undefined))?.summary;
  const board = useMemo(() => (template === undefined ? null : boardOf(template, stack)), [template, stack]);
  const [reader] = useState(createReader);
  const dials = useMemo(() => reader.dials(recipe), [reader, recipe]);
  const dial = dials.find(({ id }) => id === param) ?? dials[0];
  const lone = dial !== undefined && template !== undefined && voicesOf(recipe, dial).length === 0;
  if (recipe.slices !== undefined) return <Slices slices={recipe.slices} />;
  if (recipe.modules !== undefined) return <Modules modules={recipe.modules} />;
  if (board === null || dial === undefined) {
    return (
      <p className="quiet mixer-empty">
        {template === undefined
          ? "The curves appear once the models of the recipe are open."
          : dial === undefined
            ? "This method has no numbers to draw."
            : "This model has no numbered layers, so there is nothing to draw per layer."}
      </p>
    );
  }
  if (lone)
    return (
      <section className="mixer-alone" aria-label="Mixer">
        <h3>Nothing to mix with {template.name} yet</h3>
        <p className="quiet">
          Drop a fine-tune of it anywhere, or make another model the base in a card's menu. Each model that is added
          gets a curve here: how much of it goes into every layer.
        </p>
      </section>
    );
  return <Lanes {...{ board, dial, dials, reader }} />;
}

interface LanesProps {
  readonly board: Board;
  readonly dial: Dial;
  readonly dials: readonly Dial[];
  readonly reader: Reader;
}

function Lanes({ board, dial, dials, reader }: LanesProps) {
  const recipe = useStudio((state) => state.recipe);
  const edit = useStudio((state) => state.edit);
  const { brush, active: wanted, set: setView } = useView();
  const { detail, blocks, range, locks, wide, exact } = useMixer();
  const field = useRef<HTMLDivElement>(null);
  const lanes = board.lanes[detail];
  const locked = useMemo(() => lockedTensors(board, locks), [board, locks]);
  const {
    voices,
    fields,
    byLane: lines,
  } = useMemo(() => reader.lines(recipe, board, dial, lanes), [reader, recipe, board, dial, lanes]);
  const [low, high] = useMemo(() => scaleOf(dial.param, fields.flatMap(extremes), wide), [dial, fields, wide]);
  const scale = useMemo((): readonly [number, number] => [low, high], [low, high]);
  useEffect(() => {
    let id = 0;
    const next = (step: number) => {
      const prepare = PREPARATIONS[step];
      if (prepare === undefined) return;
      id = requestIdleCallback(() => {
        prepare(board);
        next(step + 1);
      });
    };
    next(0);
    return () => cancelIdleCallback(id);
  }, [board]);
  const active = voices.find(({ model }) => model === wanted) ?? voices[0];
  const lineIn = (lane: LaneView) => lines.get(lane.key)?.find(({ voice }) => voice === active);
  const lane = lanes.find(({ key }) => key === range?.lane) ?? lanes[0];
  const line = lane === undefined ? undefined : lineIn(lane);
  const last = (lane?.columns.length ?? 1) - 1;
  const ends = [range?.from ?? 0, range?.to ?? last].map((at) => Math.min(at, last));
  const spot =
    lane === undefined || line === undefined ? null : { lane, line, from: Math.min(...ends), to: Math.max(...ends) };
  const standard = startOf(recipe, dial.id);

  const ready = useCallback(
    (drawn: readonly Drawn[]) => {
      const apply = (r: Recipe) =>
        drawn.reduce(
          (now, { lane, line, curve }) => withCurve(now, { board, dial, locked, exact }, line.voice, lane, curve),
          r,
        );
      const before = useStudio.getState().recipe;
      const after = apply(before);
      return () => edit((now) => (now === before ? after : apply(now)));
    },
    [edit, board, dial, locked, exact],
  );
  const draw = useCallback((drawn: readonly Drawn[]) => ready(drawn)(), [ready]);
  const onActive = useCallback(({ model }: Voice) => setView({ active: model }), [setView]);
  const onType = useCallback(() => field.current?.querySelectorAll("input")[1]?.select(), []);
  const shared = {
    board,
    dial,
    scale,
    brush,
    active: active?.model ?? null,
    locked,
    standard,
    onDraw: draw,
    onReady: ready,
    onActive,
    onType,
  };
  const isU = board.blocks !== null && blocks && detail === "all";

  return (
    <section className="mixer" aria-label="Mixer">
      <Tools
        {...{ board, dial, dials, lanes, spot, field, lineIn }}
        lines={lines.get(lane?.key ?? "") ?? []}
        help={
          <>
            {dial.param.help} {!isU && detail === "all" && <Mixed line={spot?.line} />}
          </>
        }
        onDraw={draw}
      />
      {isU && spot !== null ? (
        <UBlocks
          {...{ board, dial, scale, brush, lane: spot.lane, line: spot.line }}
          others={(lines.get("all") ?? []).filter(({ voice }) => voice !== active)}
          closed={lockedColumns(spot.lane, locked)}
          onDraw={(curve) => draw([{ lane: spot.lane, line: spot.line, curve }])}
        />
      ) : (
        <div className="lanes">
          {lanes.map((one, i) => (
            <Lane
              key={one.key}
              {...shared}
              lane={one}
              lines={lines.get(one.key) ?? NONE}
              height={heightOf(detail, one)}
              axis={i === lanes.length - 1 || one.key === "ends" || lanes[i + 1]?.key === "ends"}
            />
          ))}
        </div>
      )}
      <Footer locks={locks} hasCurves={!isU} />
    </section>
  );
}

const NONE: readonly Line[] = [];

const heightOf = (detail: string, { key }: LaneView) =>
  key === "ends" ? 112 : detail === "all" ? 330 : detail === "kinds" ? 172 : 116;

const extremes = (field: Float64Array): [number, number] =>
  field.reduce<[number, number]>(
    ([low, high], value) => (Number.isNaN(value) ? [low, high] : [Math.min(low, value), Math.max(high, value)]),
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );

function Mixed({ line }: { readonly line: Line | undefined }) {
  return line?.reading.curve.includes(null) ? (
    <strong>Bars show where parts of a layer differ: split the lanes to see them.</strong>
  ) : null;
}

/** How it is shown and written, and what is locked. */
function Footer({ locks, hasCurves }: { readonly locks: Locks; readonly hasCurves: boolean }) {
  const { wide, exact, set } = useMixer();
  const count = locks.lanes.size + locks.columns.size;
  return (
    <div className="mixer-foot">
      <Switch
        label="Whole range"
        help="Shows all values the parameter may have, not just the usual ones"
        value={wide}
        onChange={(on) => set({ wide: on })}
      />
      <Switch
        label="Write layers by name"
        help="What is drawn from now on is written as filters of single layers instead of gradients, for tools that know no gradients"
        value={exact}
        onChange={(on) => set({ exact: on })}
      />
      {count > 0 && (
        <button type="button" className="link" onClick={() => set({ locks: NO_LOCKS })}>
          Unlock all ({count})
        </button>
      )}
      <span className="hint quiet">
        {hasCurves
          ? "Drag to draw, Shift-drag for a ramp, double-click to reset; the ? has the rest."
          : "A block's name locks it. Marks above a slider are the other models."}
      </span>
    </div>
  );
}
