/** The cards of the open models, base first; a fine-tune's card is dragged to another place, as its letter says. */
import { type PointerEvent, useRef, useState } from "react";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { drag, placeAt } from "../controls/drag.ts";
import { castOf, placeModel } from "../state/edits.ts";
import { useHub } from "../state/hub.ts";
import { useModels } from "../state/models.ts";
import { useStudio } from "../state/studio.ts";
import { ModelCard } from "./card.tsx";

export function Cards({ recipe }: { readonly recipe: Recipe }) {
  const { list, opening, done, total, searching } = useModels();
  const cards = useRef<HTMLUListElement>(null);
  const [carried, setCarried] = useState<{ readonly name: string; readonly place: number } | null>(null);
  const order = castOf(recipe);
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  const sorted = [...list].sort((a, b) => rank(a.summary.name) - rank(b.summary.name));
  const names = sorted.map(({ summary }) => summary.name);

  const press = (name: string) => (event: PointerEvent) => {
    let place = -1;
    drag(event, {
      move: (_x, y) => {
        place = cards.current === null ? -1 : placeAt(cards.current, "[data-card]", y);
        setCarried({ name, place });
      },
      drop: () => place >= 0 && useStudio.getState().edit((now) => placeModel(now, name, names[place] ?? null)),
      end: () => setCarried(null),
    });
  };

  return (
    <>
      <ul className="cards" ref={cards}>
        {sorted.map(({ summary, origin }, i) => (
          <ModelCard
            key={summary.id}
            model={summary}
            origin={origin}
            recipe={recipe}
            mark={markOf(carried, summary.name, i, sorted.length)}
            onPress={press(summary.name)}
          />
        ))}
        {opening.map((name, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two models of one name may be opened at once
          <li key={`${name} ${i}`} className="card card-opening" aria-busy="true">
            <Heads name={name} />
          </li>
        ))}
      </ul>
      {searching && <p className="card-progress">Looking for models ...</p>}
      {total > 1 && opening.length > 0 && (
        <label className="card-progress">
          {done} of {total} read
          <progress value={done} max={total} />
        </label>
      )}
    </>
  );
}

/** How far the headers of a model are; those of the Hub come one by one. */
function Heads({ name }: { readonly name: string }) {
  const head = useHub((state) => state.heads.get(name));
  const far = head === undefined || head.total === 0 ? "..." : `(${head.done} of ${head.total})`;
  return `Reading headers of ${name} ${far}`;
}

/** The card in the hand is faint; a line shows where it would go. */
function markOf(
  carried: { readonly name: string; readonly place: number } | null,
  name: string,
  i: number,
  of: number,
) {
  if (carried === null) return "";
  const below = carried.place >= of && i === of - 1 ? " card-after" : "";
  const above = carried.place === i ? " card-before" : "";
  return `${carried.name === name ? " card-carried" : ""}${above}${below}`;
}
