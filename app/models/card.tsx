/** One open model: who it is in the mix, what it is, and what can be done with it. */
import { ArrowDown, ArrowUp, MoreHorizontal } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useState } from "react";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { formatBytes, formatCount } from "../../core/units.ts";
import type { ModelSummary } from "../../workers/api.ts";
import { tintOf } from "../controls/colours.ts";
import {
  addModel,
  castOf,
  isWhole,
  methodOf,
  moveModel,
  removeModel,
  roleOf,
  setBase,
  unsetBase,
} from "../state/edits.ts";
import { inspect } from "../state/inspect.ts";
import { closeModel, rename } from "../state/models.ts";
import { useStudio, wantedBy } from "../state/studio.ts";

interface Props {
  readonly model: ModelSummary;
  readonly recipe: Recipe;
}

/** "Llama · 821 K · 8 layers · BF16 · 1.65 MB" */
export function factsOf(model: ModelSummary): string {
  const layers = model.stacks.map((stack) => stack.layers).join(" + ");
  return [
    model.family.title,
    formatCount(model.parameters),
    ...(layers === "" ? [] : [`${layers} layers`]),
    model.dtypes.join("/") || "no floats",
    formatBytes(model.bytes),
  ].join(" · ");
}

export function ModelCard({ model, recipe }: Props) {
  const [naming, setNaming] = useState(false);
  const { edit } = useStudio.getState();
  const moe = useStudio((state) => state.moe);
  const isUsed = useStudio((state) => wantedBy(state).includes(model.name));
  const role = moe === null ? roleOf(recipe, model.name) : null;
  const fixed = moe !== null || !isWhole(recipe);
  const method = methodOf(recipe);
  const mayBeBase = method?.base !== "optional" || castOf(recipe).length > method.models.min;
  const place = (recipe.models ?? []).findIndex((entry) => entry.model === model.name);
  return (
    <li className="card" style={{ "--tint": tintOf(role) } as React.CSSProperties}>
      <div className="card-head">
        <span className="tag">{role ?? (isUsed ? "in" : "out")}</span>
        {naming ? (
          <input
            className="card-rename"
            aria-label={`New name of ${model.name}`}
            defaultValue={model.name}
            // biome-ignore lint/a11y/noAutofocus: it replaces the name that was just asked to be changed
            autoFocus
            onBlur={(event) => {
              setNaming(false);
              void rename(model.name, event.target.value);
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter") event.currentTarget.blur();
              if (event.key === "Escape") setNaming(false);
            }}
          />
        ) : (
          <span className="card-name" title={model.name}>
            {model.name}
          </span>
        )}
        <DropdownMenu.Root>
          <DropdownMenu.Trigger className="button button-icon" aria-label={`Actions for ${model.name}`}>
            <MoreHorizontal size={16} aria-hidden />
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
              {!fixed && role !== "base" && mayBeBase && (
                <Item onSelect={() => edit((r) => setBase(r, model.name))}>Make it the base</Item>
              )}
              {!fixed && role === "base" && method?.base === "optional" && (
                <Item onSelect={() => edit(unsetBase)}>Merge it like the others</Item>
              )}
              {!fixed && role === null && (
                <Item onSelect={() => edit((r) => addModel(r, model.name))}>Put into the mix</Item>
              )}
              {!fixed && role !== null && role !== "base" && (
                <Item onSelect={() => edit((r) => removeModel(r, model.name))}>Take out of the mix</Item>
              )}
              {!fixed && place > 0 && (
                <Item onSelect={() => edit((r) => moveModel(r, model.name, -1))}>
                  <ArrowUp size={14} aria-hidden /> Move up
                </Item>
              )}
              {!fixed && place >= 0 && place < (recipe.models ?? []).length - 1 && (
                <Item onSelect={() => edit((r) => moveModel(r, model.name, 1))}>
                  <ArrowDown size={14} aria-hidden /> Move down
                </Item>
              )}
              <Item onSelect={() => inspect(model.name)}>Inspect</Item>
              <Item onSelect={() => setNaming(true)}>Rename</Item>
              <Item onSelect={() => closeModel(model.name)}>Close</Item>
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
      </div>
      <p className="card-facts">{factsOf(model)}</p>
      <p className="card-facts" title={model.tokenizer === null ? "No tokenizer file" : `Tokenizer ${model.tokenizer}`}>
        {model.licence ?? "licence not stated"}
        {model.tokenizer === null ? " · no tokenizer" : ""}
      </p>
    </li>
  );
}

const Item = ({ onSelect, children }: { readonly onSelect: () => void; readonly children: React.ReactNode }) => (
  <DropdownMenu.Item className="menu-item" onSelect={onSelect}>
    {children}
  </DropdownMenu.Item>
);
