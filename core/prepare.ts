/**
 * From a document to a plan, whatever kind of document it is: what has to be read first (tokenizers; the prompts'
 * embeddings of a mixture of experts) is read here, and planning itself stays pure.
 */
import type { Model } from "./model/model.ts";
import { buildMoePlan } from "./moe/build.ts";
import { prepareGates } from "./moe/gates.ts";
import { buildPlan } from "./plan/build.ts";
import type { Plan, PlanOptions } from "./plan/plan.ts";
import type { Document } from "./recipe/document.ts";
import { planTokenizer } from "./tokenizer/plan.ts";

export type DocumentOptions = Omit<PlanOptions, "text" | "tokenizer"> & {
  /** The document as written. */
  readonly text: string;
  readonly signal?: AbortSignal;
};

/**
 * @param models opened models by the names the document uses
 * @throws PlanError or RecipeError when document and models do not fit together
 */
export async function planDocument(
  document: Document,
  models: ReadonlyMap<string, Model>,
  { signal, ...options }: DocumentOptions,
): Promise<Plan> {
  if (document.kind === "merge") {
    const tokenizer = await planTokenizer(document.stages, models);
    return buildPlan(document.stages, models, { ...options, tokenizer });
  }
  const { seed } = options;
  const gates = await prepareGates(document.moe, models, { seed, ...(signal === undefined ? {} : { signal }) });
  return buildMoePlan(document.moe, models, gates, options);
}
