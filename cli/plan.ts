/** From a document to a plan, whatever kind it is. */
import type { Model } from "../core/model/model.ts";
import { buildMoePlan } from "../core/moe/build.ts";
import { prepareGates } from "../core/moe/gates.ts";
import { buildPlan } from "../core/plan/build.ts";
import type { Plan, PlanOptions } from "../core/plan/plan.ts";
import type { Document } from "../core/recipe/document.ts";
import { planTokenizer } from "../core/tokenizer/plan.ts";
import { METHODS } from "../methods/index.ts";

export type DocumentOptions = Omit<PlanOptions, "methods" | "text" | "tokenizer"> & {
  /** The document as written. */
  readonly text: string;
  readonly signal?: AbortSignal;
};

/** Of a mixture of experts, reads the embeddings of the prompts' tokens; of everything else, headers only. */
export async function planDocument(
  document: Document,
  models: ReadonlyMap<string, Model>,
  { signal, ...options }: DocumentOptions,
): Promise<Plan> {
  if (document.kind === "merge") {
    const tokenizer = await planTokenizer(document.stages, models);
    return buildPlan(document.stages, models, { ...options, methods: METHODS, tokenizer });
  }
  const gates = await prepareGates(document.moe, models, {
    seed: options.seed,
    ...(signal === undefined ? {} : { signal }),
  });
  return buildMoePlan(document.moe, models, gates, options);
}
