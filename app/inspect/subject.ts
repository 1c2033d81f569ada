/** Whom the inspector looks at: a model and what it is compared with, chosen or taken for granted. */
import type { ModelSummary } from "../../workers/api.ts";
import { castOf, roleOf } from "../state/edits.ts";
import { useInspect } from "../state/inspect.ts";
import { useModels } from "../state/models.ts";
import { useStudio } from "../state/studio.ts";

export interface Subject {
  readonly model: ModelSummary;
  readonly against: ModelSummary | null;
  /** The base, where it is neither of the two. */
  readonly base: ModelSummary | null;
  /** All that are open: those of the recipe first. */
  readonly open: readonly ModelSummary[];
  readonly role: string | null;
}

export function useSubject(): Subject | null {
  const list = useModels((state) => state.list);
  const recipe = useStudio((state) => state.recipe);
  const { model: wanted, against: other } = useInspect();
  const cast = castOf(recipe);
  const rank = (name: string) => (cast.includes(name) ? cast.indexOf(name) : cast.length);
  const open = list.map(({ summary }) => summary).sort((a, b) => rank(a.name) - rank(b.name));
  const named = (name: string | null | undefined) => open.find((model) => model.name === name);
  const base = named(recipe.base_model);
  const model = named(wanted) ?? open.find((one) => one !== base) ?? open[0];
  if (model === undefined) return null;
  const against = other === "" ? undefined : (named(other) ?? base);
  const beside = against === undefined || against === model ? null : against;
  const third = base === undefined || base === model || base === beside || beside === null ? null : base;
  return { model, against: beside, base: third, open, role: roleOf(recipe, model.name) };
}
