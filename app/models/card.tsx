/** One open model: who it is in the mix, what it is, and what can be done with it. */
import { ArrowDown, ArrowUp, MoreHorizontal } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useState } from "react";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { formatBytes, formatCount } from "../../core/units.ts";
import type { ModelSummary } from "../../workers/api.ts";
import { tintOf } from "../controls/colours.ts";
import { addModel, moveModel, removeModel, roleOf, setBase } from "../state/edits.ts";
import { closeModel, rename } from "../state/models.ts";
import { useStudio } from "../state/studio.ts";

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
  const role = roleOf(recipe, model.name);
  const sliced = recipe.slices !== undefined;
  const place = (recipe.models ?? []).findIndex((entry) => entry.model === model.name);
  return (
    <li className="card" style={{ "--tint": tintOf(role) } as React.CSSProperties}>
      <div className="card-head">
        <span className="tag">{role ?? "out"}</span>
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
              {!sliced && role !== "base" && (
                <Item onSelect={() => edit((r) => setBase(r, model.name))}>Make it the base</Item>
              )}
              {!sliced && role === null && (
                <Item onSelect={() => edit((r) => addModel(r, model.name))}>Put into the mix</Item>
              )}
              {!sliced && role !== null && role !== "base" && (
                <Item onSelect={() => edit((r) => removeModel(r, model.name))}>Take out of the mix</Item>
              )}
              {!sliced && place > 0 && (
                <Item onSelect={() => edit((r) => moveModel(r, model.name, -1))}>
                  <ArrowUp size={14} aria-hidden /> Move up
                </Item>
              )}
              {!sliced && place >= 0 && place < (recipe.models ?? []).length - 1 && (
                <Item onSelect={() => edit((r) => moveModel(r, model.name, 1))}>
                  <ArrowDown size={14} aria-hidden /> Move down
                </Item>
              )}
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
