/** What the stack comes to, how its slices are made, and well-known stacks to start from. */
import { useMemo } from "react";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { formatBytes, formatCount } from "../../core/units.ts";
import { GROUPS } from "../../methods/index.ts";
import { Button } from "../controls/button.tsx";
import { Figure } from "../controls/figure.tsx";
import { PresetMenu } from "../method/presets.tsx";
import { EMPTY, setMethod } from "../state/edits.ts";
import { summaryOf, useModels } from "../state/models.ts";
import type { Offer } from "../state/presets.ts";
import { sizeOf } from "../state/soundness.ts";
import { depthOf, setStackMethod } from "../state/stack.ts";
import { useStudio } from "../state/studio.ts";

const isLayered = ({ preset }: Offer) => preset.layered;

export function StackHead({ recipe }: { readonly recipe: Recipe }) {
  const { edit } = useStudio.getState();
  const list = useModels((state) => state.list);
  const { slices } = recipe;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list stands for what summaryOf looks up
  const size = useMemo(() => sizeOf(recipe, summaryOf), [recipe, list]);
  return (
    <header className="stack-head">
      {slices === undefined ? (
        <h3>No stack yet</h3>
      ) : (
        <dl className="stack-figures" aria-label="The result">
          <Figure name="depth" value={`${depthOf(slices)} layers`} />
          <Figure name="parameters" value={formatCount(size.parameters)} />
          <Figure name="weights" value={formatBytes(size.bytes)} />
        </dl>
      )}
      <span className="spacer" />
      {slices !== undefined && (
        <select
          className="select"
          aria-label="How each slice is made"
          title="One model's layers as they are, or layers of several models merged"
          value={recipe.merge_method}
          onChange={({ target }) => edit((r) => setStackMethod(r, target.value))}
        >
          {GROUPS.map(({ title, methods }) => (
            <optgroup key={title} label={title}>
              {methods.map(({ id, title: name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      )}
      <PresetMenu align="end" fits={isLayered} />
      {slices !== undefined && (
        <Button
          look="ghost"
          onClick={() =>
            edit((r) =>
              setMethod(
                r,
                EMPTY.merge_method,
                list.map(({ summary }) => summary.name),
              ),
            )
          }
        >
          Merge whole models instead
        </Button>
      )}
    </header>
  );
}
