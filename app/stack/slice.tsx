/**
 * One slice of the stack: which layers of which models, where they land, and what is done to them. The strip on the left has a
 * cell per layer; its ends are pulled to resize, the grip moves the slice. All of it also by keys and typed numbers.
 */
import { Copy, GripVertical, Merge, Trash2, VolumeX } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { KeyboardEvent, PointerEvent } from "react";
import type { AnyMethod } from "../../core/method.ts";
import type { Recipe, Slice, SliceSource } from "../../core/recipe/recipe.ts";
import { Button } from "../controls/button.tsx";
import { tintOf } from "../controls/colours.ts";
import { drag } from "../controls/drag.ts";
import { NumberField } from "../controls/number.tsx";
import { paramsOf, roleOf } from "../state/edits.ts";
import { useModels } from "../state/models.ts";
import type { Problem } from "../state/soundness.ts";
import {
  addSource,
  duplicateSlice,
  inWords,
  layersIn,
  removeSource,
  resizeSlice,
  setFirst,
  setLast,
  setSliceSetting,
  setSourceModel,
  setSourceSetting,
} from "../state/stack.ts";
import { useStudio } from "../state/studio.ts";
import { stackPlaceAt } from "./column.tsx";
import { depths, dropSlice, land, shiftSlice } from "./edits.ts";
import { SettingFields } from "./settings.tsx";
import { tell, useBoard } from "./state.ts";

interface Props {
  readonly recipe: Recipe;
  readonly method: AnyMethod | undefined;
  readonly slice: Slice;
  readonly at: number;
  /** Slices in the stack. */
  readonly of: number;
  /** The layer of the result where it begins. */
  readonly start: number;
  readonly problems: readonly Problem[];
}

/** A repeated layer whose two projections into the residual stream are 0 leaves it as it was. */
const SILENCE = [{ filter: "o_proj", value: 0 }, { filter: "down_proj", value: 0 }, { value: 1 }] as const;

export function SliceCard({ recipe, method, slice, at, of, start, problems }: Props) {
  const { edit } = useStudio.getState();
  const [first] = slice.sources;
  const count = layersIn(slice);
  const perSlice =
    method === undefined ? [] : paramsOf(method).filter(([, param]) => param.per === "merge" && param.rare !== true);
  const whose = `slice ${at + 1}`;
  const lands = count === 1 ? `layer ${start} of the result` : `layers ${start} to ${start + count - 1} of the result`;
  const canSilence = first !== undefined && method !== undefined && Object.hasOwn(method.params, "scale");
  return (
    <li className="slice" data-slice={at} aria-label={`Slice ${at + 1} of ${of}: ${saidOf(slice)}, ${lands}`}>
      <Strip recipe={recipe} slice={slice} at={at} />
      <div className="slice-body">
        <div className="slice-head">
          <Grip at={at} of={of} said={saidOf(slice)} />
          <span className="slice-lands">{lands}</span>
          <span className="spacer" />
          {method !== undefined && method.models.max !== 1 && <MergeIn recipe={recipe} slice={slice} at={at} />}
          {canSilence && (
            <Button
              look="icon"
              aria-label={`Silence ${whose}: scale o_proj and down_proj to 0`}
              title="Scales o_proj and down_proj to 0, so that these layers add nothing until they are trained"
              onClick={() => {
                edit((r) => setSourceSetting(r, at, 0, "scale", SILENCE));
                tell(`Slice ${at + 1} is silenced.`);
              }}
            >
              <VolumeX size={15} aria-hidden />
            </Button>
          )}
          <Button
            look="icon"
            aria-label={`Duplicate ${whose}`}
            title="Duplicate"
            onClick={() => {
              edit((r) => duplicateSlice(r, at));
              tell(`Duplicated slice ${at + 1}.`);
            }}
          >
            <Copy size={15} aria-hidden />
          </Button>
          <Button
            look="icon"
            aria-label={`Remove ${whose}`}
            title={of === 1 ? "A stack needs one slice; undo, or merge whole models instead" : "Remove"}
            disabled={of === 1}
            onClick={() => dropSlice(at)}
          >
            <Trash2 size={15} aria-hidden />
          </Button>
        </div>
        {slice.sources.map((source, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: sources have no identity but their place
          <Source key={i} recipe={recipe} method={method} slice={slice} source={source} at={at} i={i} />
        ))}
        {perSlice.length > 0 && (
          <SettingFields
            params={perSlice}
            settings={slice.parameters}
            around={recipe.parameters}
            whose={whose}
            set={(id, value) => edit((r) => setSliceSetting(r, at, id, value))}
          />
        )}
        {problems.map(({ text, fix }) => (
          <p key={text} className="slice-problem">
            {text}
            {fix !== undefined && <Button onClick={() => edit(fix.apply)}>{fix.label}</Button>}
          </p>
        ))}
      </div>
    </li>
  );
}

/** "adder, layers 0 to 3, 4 layers" */
const saidOf = ({ sources }: Slice) =>
  sources.map(({ model, layer_range: range }) => `${model}, ${inWords(range)}`).join(" merged with ");

function Grip({ at, of, said }: { readonly at: number; readonly of: number; readonly said: string }) {
  const key = (event: KeyboardEvent) => {
    if (event.key === "ArrowUp") shiftSlice(at, at - 1);
    else if (event.key === "ArrowDown") shiftSlice(at, at + 1);
    else if (event.key === "Home") shiftSlice(at, 0);
    else if (event.key === "End") shiftSlice(at, of - 1);
    else if (event.key === "Delete" || event.key === "Backspace") {
      dropSlice(at);
      focusGrip(Math.min(at, of - 2));
    } else return;
    event.preventDefault();
    if (event.key === "ArrowUp") focusGrip(Math.max(0, at - 1));
    if (event.key === "ArrowDown") focusGrip(Math.min(of - 1, at + 1));
    if (event.key === "Home") focusGrip(0);
    if (event.key === "End") focusGrip(of - 1);
  };
  const press = (event: PointerEvent) => {
    let place: number | null = null;
    drag(event, {
      move: (x, y) => {
        place = stackPlaceAt(x, y);
        useBoard.setState({ carried: { text: said, tint: "var(--ink)", x, y, place, slice: at } });
      },
      // Taken out of its own place, what comes after moves up.
      drop: () => place !== null && shiftSlice(at, place > at ? place - 1 : place),
      end: land,
    });
  };
  return (
    <button
      type="button"
      className="slice-grip"
      data-grip={at}
      aria-label={`Slice ${at + 1} of ${of}: up and down arrows move it, Delete removes it`}
      title="Drag, or move with the arrow keys"
      onPointerDown={press}
      onKeyDown={key}
    >
      <GripVertical size={15} aria-hidden /> {at + 1}
    </button>
  );
}

/** After React has put the slices in their new order. */
const focusGrip = (at: number) =>
  requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-grip="${at}"]`)?.focus());

function Strip({ recipe, slice, at }: { readonly recipe: Recipe; readonly slice: Slice; readonly at: number }) {
  const { edit } = useStudio.getState();
  const pull = (edge: "first" | "end") => (event: PointerEvent) => {
    event.preventDefault();
    const before = useStudio.getState().recipe;
    const step = stripStep();
    let by = 0;
    drag(event, {
      move: (_x, y, _dx, dy) => {
        const now = Math.round(dy / step);
        if (now === by) return;
        by = now;
        const to = resizeSlice(before, at, edge, by, depths);
        const source = to.slices?.[at]?.sources[0];
        const text = source === undefined ? "" : inWords(source.layer_range);
        useBoard.setState({ carried: { text, tint: "var(--ink)", x: event.clientX, y, place: null, slice: at } });
      },
      drop: () => edit((r) => resizeSlice(r, at, edge, by, depths)),
      end: land,
    });
  };
  return (
    <div className="slice-strip" aria-hidden>
      <div className="slice-edge" onPointerDown={pull("first")} title="Pull to change the first layer" />
      <div className="slice-lanes">
        {slice.sources.map(({ model, layer_range: [first, end] }, i) => (
          <div
            // biome-ignore lint/suspicious/noArrayIndexKey: sources have no identity but their place
            key={i}
            className="slice-lane"
            style={{ "--tint": tintOf(roleOf(recipe, model)), "--count": end - first } as React.CSSProperties}
          >
            <span>{first}</span>
            {end - first > 1 && <span>{end - 1}</span>}
          </div>
        ))}
      </div>
      <div className="slice-edge" onPointerDown={pull("end")} title="Pull to change the last layer" />
    </div>
  );
}

/** Pixels per layer of a strip, as the board says. */
const stripStep = () =>
  Number.parseFloat(
    getComputedStyle(document.querySelector(".stack-board") ?? document.body).getPropertyValue("--strip"),
  ) || 12;

interface SourceProps {
  readonly recipe: Recipe;
  readonly method: AnyMethod | undefined;
  readonly slice: Slice;
  readonly source: SliceSource;
  readonly at: number;
  readonly i: number;
}

function Source({ recipe, method, slice, source, at, i }: SourceProps) {
  const { edit } = useStudio.getState();
  const open = useModels((state) => state.list).map(({ summary }) => summary.name);
  const {
    model,
    layer_range: [first, end],
    parameters,
  } = source;
  const role = roleOf(recipe, model);
  const isBase = method?.base !== "none" && model === (slice.base_model ?? recipe.base_model);
  const several = slice.sources.length > 1;
  const whose = several ? `slice ${at + 1}, source ${i + 1}` : `slice ${at + 1}`;
  const own = method === undefined || isBase ? [] : paramsOf(method).filter(([, param]) => param.per === "model");
  return (
    <div className="slice-source" style={{ "--tint": tintOf(role) } as React.CSSProperties}>
      <div className="source-row">
        <span className="tag">{role}</span>
        <select
          className="select source-model"
          aria-label={`Model of ${whose}`}
          value={model}
          onChange={({ target }) => edit((r) => setSourceModel(r, at, i, target.value, depths))}
        >
          {[...new Set([model, ...open])].map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <span className="source-range">
          layers
          <NumberField
            label={`First layer of ${whose}`}
            hideLabel
            step={1}
            min={0}
            value={first}
            {...(several ? { help: "Moves this source; the number of layers stays" } : {})}
            onChange={(value) => edit((r) => setFirst(r, at, i, Math.round(value), depths))}
          />
          to
          <NumberField
            label={`Last layer of ${whose}, included`}
            hideLabel
            step={1}
            min={0}
            value={end - 1}
            {...(several ? { help: "All sources of the slice grow or shrink with it" } : {})}
            onChange={(value) => edit((r) => setLast(r, at, i, Math.round(value), depths))}
          />
        </span>
        <span className="quiet source-count">
          {end - first} {end - first === 1 ? "layer" : "layers"}
        </span>
        {several && (
          <Button
            look="icon"
            aria-label={`Take ${model} out of slice ${at + 1}`}
            title="Take out of this slice"
            onClick={() => edit((r) => removeSource(r, at, i))}
          >
            <Trash2 size={14} aria-hidden />
          </Button>
        )}
      </div>
      {own.length > 0 && (
        <SettingFields
          params={own}
          settings={parameters}
          around={{ ...recipe.parameters, ...slice.parameters }}
          whose={whose}
          set={(id, value) => edit((r) => setSourceSetting(r, at, i, id, value))}
        />
      )}
    </div>
  );
}

/** Models that could be merged into the slice. */
function MergeIn({ recipe, slice, at }: { readonly recipe: Recipe; readonly slice: Slice; readonly at: number }) {
  const { edit } = useStudio.getState();
  const open = useModels((state) => state.list).map(({ summary }) => summary.name);
  const others = open.filter((name) => !slice.sources.some(({ model }) => model === name));
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger
        className="button button-icon"
        aria-label={`Merge a model into slice ${at + 1}`}
        title="Merge a model in"
        disabled={others.length === 0}
      >
        <Merge size={15} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          {others.map((name) => (
            <DropdownMenu.Item
              key={name}
              className="menu-item"
              onSelect={() => edit((r) => addSource(r, at, name, depths))}
            >
              <span className="tag" style={{ "--tint": tintOf(roleOf(recipe, name)) } as React.CSSProperties}>
                {roleOf(recipe, name) ?? "–"}
              </span>
              {name}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
