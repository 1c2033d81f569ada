/** The Stack board: columns of layers on the left, the stack made of them on the right; see column.tsx and slice.tsx. */
import { useMemo } from "react";
import "../style/stack.css";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { Mixture, Modules } from "../mixer/elsewhere.tsx";
import { castOf, methodOf, roleOf } from "../state/edits.ts";
import { summaryOf, useModels } from "../state/models.ts";
import { problemsOf, sliceable } from "../state/soundness.ts";
import { useStudio } from "../state/studio.ts";
import { Column } from "./column.tsx";
import { StackHead } from "./head.tsx";
import { Output } from "./output.tsx";
import { useBoard } from "./state.ts";

export default function Stack() {
  const { recipe, moe } = useStudio();
  if (moe !== null) return <Mixture moe={moe} />;
  if (recipe.modules !== undefined) return <Modules modules={recipe.modules} />;
  return <Board recipe={recipe} />;
}

/** Pixels per layer: in the columns never so small that it cannot be hit, in the stack small enough to see the whole. */
const cellFor = (layers: number) => (layers <= 16 ? [24, 24] : layers <= 40 ? [18, 9] : [14, 6]);

function Board({ recipe }: { readonly recipe: Recipe }) {
  const list = useModels((state) => state.list);
  const news = useBoard((state) => state.news);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list stands for what summaryOf looks up
  const problems = useMemo(() => problemsOf(recipe, summaryOf), [recipe, list]);
  const used = useMemo(() => usesOf(recipe), [recipe]);
  const order = castOf(recipe);
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  const models = list.map(({ summary }) => summary).sort((a, b) => rank(a.name) - rank(b.name));
  const deepest = Math.max(...models.map(sliceable).map((one) => (typeof one === "string" ? 0 : one.layers)));
  const [cell, strip] = cellFor(deepest);
  const whole = problems.filter(({ slice }) => slice === null);
  return (
    <section
      className="stack-board"
      aria-label="Stack board"
      style={{ "--cell": `${cell}px`, "--strip": `${strip}px` } as React.CSSProperties}
    >
      <StackHead recipe={recipe} />
      {whole.map(({ text }) => (
        <p key={text} className="slice-problem stack-problem">
          {text}
        </p>
      ))}
      <div className="stack-areas">
        <div className="stack-columns">
          {models.map((model) => (
            <Column key={model.id} model={model} role={roleOf(recipe, model.name)} used={used.get(model.name) ?? []} />
          ))}
        </div>
        <Output recipe={recipe} method={methodOf(recipe)} problems={problems} />
      </div>
      <p className="quiet stack-note">Embeddings come from the first slice, the final norm and head from the last.</p>
      <p className="hidden" role="status">
        {news}
      </p>
      <Ghost />
    </section>
  );
}

/** By model, how often each layer is used. */
function usesOf({ slices = [] }: Recipe): ReadonlyMap<string, readonly number[]> {
  const uses = new Map<string, number[]>();
  for (const { sources } of slices) {
    for (const {
      model,
      layer_range: [first, end],
    } of sources) {
      const counts = uses.get(model) ?? [];
      for (let layer = first; layer < end; layer++) counts[layer] = (counts[layer] ?? 0) + 1;
      uses.set(model, counts);
    }
  }
  return uses;
}

function Ghost() {
  const carried = useBoard((state) => state.carried);
  if (carried === null) return null;
  const { text, tint, x, y } = carried;
  return (
    <div className="stack-ghost" style={{ left: x + 14, top: y + 12, "--tint": tint } as React.CSSProperties}>
      {text}
    </div>
  );
}
