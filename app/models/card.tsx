/** One open model: who it is in the mix, what it is, where it lies, and what can be done with it. */
import { type KeyboardEvent, type PointerEvent, useState } from "react";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { parseRef } from "../../core/recipe/ref.ts";
import { formatBytes, formatCount } from "../../core/units.ts";
import type { ModelSummary } from "../../workers/api.ts";
import { tintOf } from "../controls/colours.ts";
import { type Origin, sourceInWords } from "../platform/found.ts";
import { isWhole, moveModel, roleOf } from "../state/edits.ts";
import { rename } from "../state/models.ts";
import { useStudio, wantedBy } from "../state/studio.ts";
import { CardMenu } from "./menu.tsx";

interface Props {
  readonly model: ModelSummary;
  readonly origin: Origin;
  readonly recipe: Recipe;
  /** Further classes while cards are dragged. */
  readonly mark: string;
  /** A press on the card that may become a drag. */
  onPress(event: PointerEvent): void;
}

const listed = (parts: readonly (string | null)[]) => parts.filter((part) => part !== null && part !== "").join(" · ");

/** "Llama · 821 K · 8 layers", "BF16 · 1.65 MB · apache-2.0", "tokenizer 1f3c9a0e · sample" */
export function factsOf(model: ModelSummary, origin: Origin): readonly string[] {
  const layers = model.stacks.map((stack) => stack.layers).join(" + ");
  return [
    listed([model.family.title, formatCount(model.parameters), layers === "" ? null : `${layers} layers`]),
    listed([model.dtypes.join("/") || "no floats", formatBytes(model.bytes), model.licence ?? "licence not stated"]),
    listed([
      model.tokenizer === null ? "no tokenizer" : `tokenizer ${model.tokenizer.slice(0, 8)}`,
      adapterOf(model.name) ?? sourceInWords(origin),
    ]),
  ];
}

/** "adapter lora on base" for a base with an adapter applied. */
function adapterOf(name: string): string | null {
  try {
    const { path, lora } = parseRef(name);
    return lora === undefined ? null : `adapter ${lora.path} on ${path}`;
  } catch {
    return null;
  }
}

export function ModelCard({ model, origin, recipe, mark, onPress }: Props) {
  const [naming, setNaming] = useState(false);
  const moe = useStudio((state) => state.moe);
  const isUsed = useStudio((state) => wantedBy(state).includes(model.name));
  const role = moe === null ? roleOf(recipe, model.name) : null;
  const models = moe === null && isWhole(recipe) ? (recipe.models ?? []) : [];
  const place = role === "base" ? -1 : models.findIndex((entry) => entry.model === model.name);
  const [first, second, third] = factsOf(model, origin);
  return (
    <li
      className={`card${place < 0 ? "" : " card-movable"}${mark}`}
      data-card={model.name}
      style={{ "--tint": tintOf(role) } as React.CSSProperties}
      onPointerDown={(event) => {
        const isElsewhere = (event.target as Element).closest("button:not(.tag), input") !== null;
        if (place >= 0 && !isElsewhere) onPress(event);
      }}
    >
      <div className="card-head">
        {place < 0 ? (
          <span className="tag">{role ?? (isUsed ? "in" : "out")}</span>
        ) : (
          <Handle role={role} name={model.name} place={place} count={models.length} />
        )}
        {naming ? (
          <Naming name={model.name} done={() => setNaming(false)} />
        ) : (
          <span className="card-name" title={model.name}>
            {model.name}
          </span>
        )}
        <CardMenu model={model} recipe={recipe} onRename={() => setNaming(true)} />
      </div>
      <p className="card-facts">{first}</p>
      <p className="card-facts">{second}</p>
      <p className="card-facts" title={model.tokenizer === null ? "No tokenizer file" : `Tokenizer ${model.tokenizer}`}>
        {third}
      </p>
    </li>
  );
}

interface HandleProps {
  readonly role: string | null;
  readonly name: string;
  readonly place: number;
  readonly count: number;
}

function Handle({ role, name, place, count }: HandleProps) {
  const key = (event: KeyboardEvent) => {
    const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (by === 0) return;
    event.preventDefault();
    useStudio.getState().edit((recipe) => moveModel(recipe, name, by));
  };
  return (
    <button
      type="button"
      className="tag"
      aria-label={`${role} ${name}, ${place + 1} of ${count}: up and down arrows move it`}
      title="Drag the card, or move it with the arrow keys"
      onKeyDown={key}
    >
      {role}
    </button>
  );
}

function Naming({ name, done }: { readonly name: string; readonly done: () => void }) {
  return (
    <input
      className="card-rename"
      aria-label={`New name of ${name}`}
      defaultValue={name}
      // biome-ignore lint/a11y/noAutofocus: it replaces the name that was just asked to be changed
      autoFocus
      onBlur={(event) => {
        done();
        void rename(name, event.target.value);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") {
          event.currentTarget.value = name;
          done();
        }
      }}
    />
  );
}
