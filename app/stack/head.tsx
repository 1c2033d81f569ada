/** What the stack comes to, how its slices are made, and well-known stacks to start from. */
import { ChevronDown } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useMemo } from "react";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { formatBytes, formatCount } from "../../core/units.ts";
import { GROUPS } from "../../methods/index.ts";
import { Button } from "../controls/button.tsx";
import { EMPTY, setMethod } from "../state/edits.ts";
import { say } from "../state/messages.ts";
import { summaryOf, useModels } from "../state/models.ts";
import { offersFor } from "../state/presets.ts";
import { sizeOf } from "../state/soundness.ts";
import { depthOf, setStackMethod } from "../state/stack.ts";
import { useStudio } from "../state/studio.ts";

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
      <Presets recipe={recipe} />
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

const Figure = ({ name, value }: { readonly name: string; readonly value: string }) => (
  <div>
    <dt className="quiet">{name}</dt>
    <dd>{value}</dd>
  </div>
);

function Presets({ recipe }: { readonly recipe: Recipe }) {
  const adopt = useStudio((state) => state.adopt);
  const list = useModels((state) => state.list);
  const offers = useMemo(
    () =>
      offersFor(
        recipe,
        list.map(({ summary }) => ({ ref: summary.name, layers: summary.stacks[0]?.layers ?? null })),
      ).filter(({ preset }) => preset.layered),
    [recipe, list],
  );
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button">
        Start from ... <ChevronDown size={14} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu preset-list" align="end" sideOffset={4} collisionPadding={12}>
          {offers.map((offer) => (
            <DropdownMenu.Item
              key={offer.preset.id}
              className="menu-item preset"
              textValue={offer.preset.title}
              disabled={offer.recipe === null}
              onSelect={() => {
                if (offer.recipe === null) return;
                adopt({ kind: "merge", stages: [offer.recipe] }, null);
                say("info", offer.said);
              }}
            >
              <span className="picker-title">{offer.preset.title}</span>
              <span className="picker-summary">{offer.preset.summary}</span>
              {offer.recipe === null && <span className="preset-why">{offer.why}</span>}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
