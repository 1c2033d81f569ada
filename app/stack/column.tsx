/**
 * The layers of one open model, from the first at the top. Press and drag to choose a run of them, drag the run into
 * the stack; with the keyboard arrows move, shift extends, Enter adds it at the end.
 */
import { Plus } from "lucide-react";
import type { KeyboardEvent, PointerEvent } from "react";
import { useId, useRef } from "react";
import type { ModelSummary } from "../../workers/api.ts";
import { Button } from "../controls/button.tsx";
import { tintOf } from "../controls/colours.ts";
import { drag, placeAt } from "../controls/drag.ts";
import { sliceable } from "../state/soundness.ts";
import { inWords, type Range } from "../state/stack.ts";
import { addLayers, land } from "./edits.ts";
import { rangeOf, useBoard } from "./state.ts";

interface Props {
  readonly model: ModelSummary;
  readonly role: string | null;
  /** How often the stack uses each layer. */
  readonly used: readonly number[];
}

export function Column({ model, role, used }: Props) {
  const found = sliceable(model);
  const tint = tintOf(role);
  return (
    <section
      className="stack-column"
      style={{ "--tint": tint } as React.CSSProperties}
      aria-label={`Layers of ${model.name}`}
    >
      <header className="stack-column-head">
        <span className="tag">{role ?? "–"}</span>
        <span className="stack-column-name" title={model.name}>
          {model.name}
        </span>
        <span className="quiet stack-column-facts">
          {typeof found === "string" ? model.family.title : `${found.layers} layers`}
        </span>
      </header>
      {typeof found === "string" ? (
        <p className="quiet stack-column-why">{found}</p>
      ) : (
        <Layers name={model.name} layers={found.layers} used={used} tint={tint} />
      )}
    </section>
  );
}

interface LayersProps {
  readonly name: string;
  readonly layers: number;
  readonly used: readonly number[];
  readonly tint: string;
}

function Layers({ name, layers, used, tint }: LayersProps) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const chosen = useBoard((state) => (state.chosen?.model === name ? state.chosen : null));
  const range = chosen === null ? null : rangeOf(chosen);
  const isIn = (layer: number) => range !== null && layer >= range[0] && layer < range[1];
  const choose = (from: number, to: number) => {
    useBoard.setState({ chosen: { model: name, from, to } });
    list.current?.querySelector(`[data-layer="${to}"]`)?.scrollIntoView({ block: "nearest" });
  };

  const press = (event: PointerEvent<HTMLDivElement>) => {
    const layer = layerUnder(event.target);
    if (layer === null) return;
    if (event.shiftKey && chosen !== null) return choose(chosen.from, layer);
    if (range !== null && isIn(layer)) return carry(event, name, range, tint, () => choose(layer, layer));
    choose(layer, layer);
    event.preventDefault();
    list.current?.focus({ preventScroll: true });
    drag(event, {
      move: (x, y) => {
        const to = layerAt(list.current, x, y);
        if (to !== null) choose(layer, to);
      },
      drop: () => {},
    });
  };

  const key = (event: KeyboardEvent) => {
    const now = chosen?.to ?? -1;
    const steps: Record<string, number> = { ArrowUp: now - 1, ArrowDown: now + 1, Home: 0, End: layers - 1 };
    steps.PageUp = now - 8;
    steps.PageDown = now + 8;
    const to = steps[event.key];
    if (to !== undefined) {
      const layer = Math.max(0, Math.min(layers - 1, to));
      choose(event.shiftKey && chosen !== null ? chosen.from : layer, layer);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) choose(0, layers - 1);
    else if ((event.key === "Enter" || event.key === " ") && range !== null) addLayers(name, range);
    else return;
    event.preventDefault();
  };

  return (
    <>
      <div
        ref={list}
        className="stack-layers"
        data-scrolls
        role="listbox"
        tabIndex={0}
        aria-multiselectable
        aria-label={`Layers of ${name}: arrows choose, shift extends, Enter adds to the stack`}
        aria-activedescendant={chosen === null ? undefined : `${id}-${chosen.to}`}
        onPointerDown={press}
        onKeyDown={key}
      >
        {Array.from({ length: layers }, (_, layer) => {
          const times = used[layer] ?? 0;
          return (
            // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, this is its active descendant
            <div
              // biome-ignore lint/suspicious/noArrayIndexKey: a layer is its number
              key={layer}
              id={`${id}-${layer}`}
              className={`stack-layer${times > 0 ? " stack-layer-used" : ""}`}
              role="option"
              aria-selected={isIn(layer)}
              aria-label={`Layer ${layer}${times === 0 ? "" : times === 1 ? ", in the stack" : `, ${times} times in the stack`}`}
              data-layer={layer}
            >
              <span>{layer}</span>
              {times > 1 && <span className="stack-layer-times">× {times}</span>}
            </div>
          );
        })}
      </div>
      <Button
        className="stack-column-add"
        disabled={range === null}
        aria-label={
          range === null ? `Add: choose layers of ${name} first` : `${added(range)}: ${inWords(range)} of ${name}`
        }
        onClick={() => range !== null && addLayers(name, range)}
        title={range === null ? "Drag over layers to choose a run" : `Adds ${inWords(range)} at the end of the stack`}
      >
        <Plus size={14} aria-hidden /> {range === null ? "Add" : added(range)}
      </Button>
    </>
  );
}

const added = ([first, end]: Range) => (end - first === 1 ? `Add ${first}` : `Add ${first}–${end - 1}`);

const layerUnder = (target: EventTarget | null): number | null => {
  const cell = (target as Element | null)?.closest<HTMLElement>("[data-layer]");
  return cell == null ? null : Number(cell.dataset.layer);
};

/** The layer of this list at a height, wherever the pointer is sideways. */
function layerAt(list: Element | null, x: number, y: number): number | null {
  if (list === null) return null;
  const box = list.getBoundingClientRect();
  const inside = Math.max(box.left + 8, Math.min(box.right - 8, x));
  const height = Math.max(box.top + 3, Math.min(box.bottom - 3, y));
  const hit = document.elementFromPoint(inside, height);
  return hit !== null && list.contains(hit) ? layerUnder(hit) : null;
}

/** Takes a chosen run in the hand; a press without a drag chooses one layer anew. */
function carry(event: PointerEvent, model: string, range: Range, tint: string, click: () => void): void {
  let place: number | null = null;
  let began = false;
  addEventListener("pointerup", () => !began && click(), { once: true });
  drag(event, {
    begin: () => {
      began = true;
    },
    move: (x, y) => {
      place = stackPlaceAt(x, y);
      useBoard.setState({ carried: { text: `${inWords(range)} of ${model}`, tint, x, y, place, slice: null } });
    },
    drop: () => place !== null && addLayers(model, range, place),
    end: land,
  });
}

/** Where in the stack a drop at this point goes; null outside of it. */
export function stackPlaceAt(x: number, y: number): number | null {
  const output = document.querySelector(".stacked");
  if (output === null) return null;
  const { left, right, top, bottom } = output.getBoundingClientRect();
  return x >= left && x <= right && y >= top && y <= bottom ? placeAt(output, "[data-slice]", y) : null;
}
