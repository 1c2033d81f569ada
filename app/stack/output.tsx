/** The stack itself: slices from the first layer at the top, and where something carried would land. */
import type { AnyMethod } from "../../core/method.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import type { Problem } from "../state/soundness.ts";
import { layersIn } from "../state/stack.ts";
import { SliceCard } from "./slice.tsx";
import { useBoard } from "./state.ts";

interface Props {
  readonly recipe: Recipe;
  readonly method: AnyMethod | undefined;
  readonly problems: readonly Problem[];
}

export function Output({ recipe, method, problems }: Props) {
  const place = useBoard((state) => state.carried?.place ?? null);
  const { slices } = recipe;
  if (slices === undefined) {
    return (
      <section className={`stacked stacked-empty${place === null ? "" : " stacked-over"}`} aria-label="The stack">
        <p>
          <strong>Drag layers here</strong>
        </p>
        <p className="quiet">
          Choose a run of layers in a column (press and drag, or arrows and shift), then drag it over, or press Enter. A
          stack replaces the mix of whole models; undo brings it back.
        </p>
      </section>
    );
  }
  let start = 0;
  return (
    <section className="stacked" data-scrolls aria-label="The stack">
      <ol className="slices-list">
        {slices.map((slice, at) => {
          const begins = start;
          start += layersIn(slice);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: slices have no identity but their place
            <Entry key={at} marked={place === at}>
              <SliceCard
                recipe={recipe}
                method={method}
                slice={slice}
                at={at}
                of={slices.length}
                start={begins}
                problems={problems.filter((one) => one.slice === at)}
              />
            </Entry>
          );
        })}
      </ol>
      {place === slices.length && <Mark />}
    </section>
  );
}

const Mark = () => <div className="drop-mark" />;

function Entry({ marked, children }: { readonly marked: boolean; readonly children: React.ReactNode }) {
  return (
    <>
      {marked && (
        <li className="drop-mark-item" aria-hidden>
          <Mark />
        </li>
      )}
      {children}
    </>
  );
}
