/** What can be done with an open model. */
import { ArrowDown, ArrowUp, MoreHorizontal } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { Recipe } from "../../core/recipe/recipe.ts";
import type { ModelSummary } from "../../workers/api.ts";
import { HUB } from "../../workers/built.ts";
import { MenuItem } from "../controls/menu.tsx";
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
import { closeModel } from "../state/models.ts";
import { useStudio } from "../state/studio.ts";

interface Props {
  readonly model: ModelSummary;
  readonly recipe: Recipe;
  onRename(): void;
}

export function CardMenu({ model: { name, hub }, recipe, onRename }: Props) {
  const { edit } = useStudio.getState();
  const moe = useStudio((state) => state.moe);
  const role = moe === null ? roleOf(recipe, name) : null;
  const whole = moe === null && isWhole(recipe);
  const method = methodOf(recipe);
  const mayBeBase = method?.base !== "optional" || castOf(recipe).length > method.models.min;
  const models = recipe.models ?? [];
  const place = models.findIndex((entry) => entry.model === name);
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger className="button button-icon" aria-label={`Actions for ${name}`}>
        <MoreHorizontal size={16} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          {whole && role !== "base" && mayBeBase && (
            <MenuItem onSelect={() => edit((r) => setBase(r, name))}>Make it the base</MenuItem>
          )}
          {whole && role === "base" && method?.base === "optional" && (
            <MenuItem onSelect={() => edit(unsetBase)}>Merge it like the others</MenuItem>
          )}
          {whole && role === null && (
            <MenuItem onSelect={() => edit((r) => addModel(r, name))}>Put into the mix</MenuItem>
          )}
          {whole && role !== null && role !== "base" && (
            <MenuItem onSelect={() => edit((r) => removeModel(r, name))}>Take out of the mix</MenuItem>
          )}
          {whole && place > 0 && (
            <MenuItem onSelect={() => edit((r) => moveModel(r, name, -1))}>
              <ArrowUp size={14} aria-hidden /> Move up
            </MenuItem>
          )}
          {whole && place >= 0 && place < models.length - 1 && (
            <MenuItem onSelect={() => edit((r) => moveModel(r, name, 1))}>
              <ArrowDown size={14} aria-hidden /> Move down
            </MenuItem>
          )}
          <MenuItem onSelect={() => inspect(name)}>Inspect</MenuItem>
          {hub !== undefined && (
            <DropdownMenu.Item className="menu-item menu-link" asChild>
              <a href={`${HUB.endpoint}/${hub.repo}/tree/${hub.commit}`} target="_blank" rel="noopener noreferrer">
                Its page on the Hub
              </a>
            </DropdownMenu.Item>
          )}
          <MenuItem onSelect={onRename}>Rename</MenuItem>
          <MenuItem onSelect={() => closeModel(name)}>Close</MenuItem>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
