/** The small files of a mixture: a config of its class, the base's tokenizer, the model card, the document. */

import type { OutputDtype } from "../bytes/dtype.ts";
import { indexJson, type Layout } from "../formats/write.ts";
import { joinLicences, modelCard, originsOf } from "../model/card.ts";
import { printConfig } from "../model/floats.ts";
import type { Json, JsonObject, Model } from "../model/model.ts";
import { carriedFiles, outputConfig } from "../model/output.ts";
import type { ExtraPlan, Plan } from "../plan/plan.ts";
import type { MoePlanOptions } from "./build.ts";
import type { Fit } from "./fit.ts";

/** What a mixture is called where a merge names its method. */
export const METHOD: Plan["method"] = {
  id: "moe",
  title: "Mixture of experts",
  summary:
    "Attention, norms and embeddings of the base model; the feed-forward blocks of each model as an expert; a router made without training.",
  use: "To start a mixture of experts from models fine-tuned from one base, with or without training after it.",
  reference: "Goddard et al., 2024, arXiv:2403.13257 (mergekit-moe); Jiang et al., 2024, arXiv:2401.04088 (Mixtral)",
};

interface Making {
  readonly fit: Fit;
  readonly dtype: OutputDtype;
  readonly layout: Layout;
  readonly parameters: number;
  /** All that take part, the base first. */
  readonly models: readonly Model[];
  readonly options: MoePlanOptions;
}

export function extrasOf({ fit, dtype, layout, parameters, models, options }: Making): ExtraPlan[] {
  const { target, base, experts, shared } = fit;
  const made = (name: string, content: string): ExtraPlan => ({
    name,
    content: new TextEncoder().encode(content),
    from: "made for the result",
  });
  const config = configOf(fit, dtype);
  const card = modelCard({
    title: options.title ?? "mixture",
    recipeText: options.text,
    method: {
      ...METHOD,
      summary: `${METHOD.summary} This one is a ${target.title} of ${experts.length} experts${shared === null ? "" : " and a shared one"}, ${fit.perToken} per token.`,
    },
    models: models.filter((model) => model !== base).map(({ ref, licence }) => ({ ref, licence })),
    base: base.ref,
    origins: originsOf(models),
    licence: joinLicences(models.map((model) => model.licence)),
    parameters,
    dtype,
  });
  return [
    // The base's own code is for its own class, so it stays behind.
    ...carriedFiles({ ...base, config: null }),
    made("README.md", card),
    made("mergekit_moe_config.yml", options.text),
    // Last, as for every merge: without them the folder is no model.
    made("config.json", printConfig(config, base.floats)),
    ...(layout.files.length > 1 ? [made("model.safetensors.index.json", indexJson(layout))] : []),
  ];
}

function configOf({ target, base, config, experts, shared, perToken }: Fit, dtype: OutputDtype): JsonObject {
  const edits = target.config(config, {
    experts: experts.length,
    perToken,
    width: experts[0]?.width ?? 0,
    sharedWidth: shared?.width ?? null,
  });
  const entries = Object.entries({ ...config, ...edits }).filter(
    (entry): entry is [string, Json] => entry[1] !== undefined,
  );
  return outputConfig({ ...base, config: Object.fromEntries(entries) }, { dtype, stacks: [] }).config;
}
