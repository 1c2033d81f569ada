/** Documents the mixer has no curves for: what they are, in words, and where they are edited. */
import type { MoeRecipe } from "../../core/recipe/moe.ts";
import type { ModuleEntry } from "../../core/recipe/recipe.ts";
import { Button } from "../controls/button.tsx";
import { assemble, EMPTY } from "../state/edits.ts";
import { useModels } from "../state/models.ts";
import { useStudio } from "../state/studio.ts";
import { useView } from "../state/view.ts";
import { sliceInWords } from "./slices.tsx";

const ToRecipe = () => {
  const set = useView((state) => state.set);
  return (
    <button type="button" className="link" onClick={() => set({ drawer: "recipe" })}>
      recipe
    </button>
  );
};

const GATES: Readonly<Record<MoeRecipe["gate_mode"], string>> = {
  random: "at random, to be trained",
  uniform_random: "at random, as a fresh linear layer, to be trained",
  cheap_embed: "from the embeddings of each expert's prompts",
};

export function Mixture({ moe }: { readonly moe: MoeRecipe }) {
  const adopt = useStudio((state) => state.adopt);
  const names = useModels((state) => state.list).map(({ summary }) => summary.name);
  return (
    <section className="slices" aria-label="Mixture of experts">
      <h3>A mixture of {moe.experts.length} experts</h3>
      <p>
        Attention and everything else from {moe.base_model}; one feed-forward block per expert, of which{" "}
        {moe.experts_per_token ?? 2} work on every token. Routers are made {GATES[moe.gate_mode]}.
      </p>
      <ol>
        {moe.experts.map(({ source_model: model, positive_prompts: prompts }, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: experts have no identity but their place
          <li key={i}>
            {model}
            {prompts !== undefined && prompts.length > 0 && (
              <span className="quiet"> for “{prompts.join("”, “")}”</span>
            )}
          </li>
        ))}
      </ol>
      <p className="quiet">
        Nothing is blended, so there are no curves to draw. It is planned and merged as it is, and edited in the{" "}
        <ToRecipe />.
      </p>
      <div className="buttons">
        <Button onClick={() => adopt({ kind: "merge", stages: [assemble(EMPTY, EMPTY.merge_method, names)] }, null)}>
          Mix the open models instead
        </Button>
      </div>
    </section>
  );
}

export function Modules({ modules }: { readonly modules: Readonly<Record<string, ModuleEntry>> }) {
  return (
    <section className="slices" aria-label="Modules">
      <h3>{Object.keys(modules).length === 1 ? "One module" : `${Object.keys(modules).length} modules`}</h3>
      <ul>
        {Object.entries(modules).map(([name, { models, slices }]) => (
          <li key={name}>
            <b>{name}</b>: {models?.map(({ model }) => model).join(", ") ?? slices?.map(sliceInWords).join("; ")}
          </li>
        ))}
      </ul>
      <p className="quiet">
        Each module is merged by itself; modules that are not named are taken from the base. Their parameters are edited
        in the <ToRecipe />.
      </p>
    </section>
  );
}
