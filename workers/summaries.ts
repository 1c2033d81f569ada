/** Plans and models as the page knows them: figures and words, no tensors. */
import { DTYPES, type Dtype } from "../core/bytes/dtype.ts";
import { messageOf, type WeightloomError } from "../core/errors.ts";
import { configuredVocabulary, modelFacts } from "../core/model/facts.ts";
import type { Model } from "../core/model/model.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { HubPlace, ModelSummary, PlanRefusal, PlanSummary } from "./api.ts";

export function refusal(error: WeightloomError): PlanRefusal {
  return { errors: [messageOf(error)], missing: [], diagnostics: [] };
}

/** Resident bytes of a tab with the studio, its workers and what waits to be collected; measured (docs/performance.md). */
const TAB = 460e6;

export function summarisePlan(plan: Plan): PlanSummary {
  const merged = plan.tensors.filter((tensor) => tensor.action === "merge");
  return {
    merged: merged.length,
    copied: plan.tensors.length - merged.length,
    readBytes: plan.readBytes,
    writeBytes: plan.writeBytes,
    memoryBytes: plan.peakBytes + TAB,
    parameters: plan.parameters,
    layers: plan.layers,
    vocabulary: vocabularyIn(plan),
    files: plan.files.map(({ name, size }) => ({ name, size })),
    notes: plan.notes.map(({ severity, text }) => ({ severity, text })),
  };
}

/** Of the config that is written. */
function vocabularyIn({ extras }: Plan): number | null {
  const config = extras.find(({ name }) => name === "config.json")?.content;
  return config instanceof Uint8Array ? configuredVocabulary(JSON.parse(new TextDecoder().decode(config))) : null;
}

export function summarise(
  id: string,
  name: string,
  model: Model,
  files: readonly string[],
  identity: string,
  hub: HubPlace | null = null,
): ModelSummary {
  const facts = modelFacts(model);
  return {
    id,
    identity,
    name,
    family: {
      id: model.family.id,
      title: model.family.title,
      ...(model.family.wordless === true ? { wordless: true } : {}),
    },
    stacks: model.stacks,
    parameters: model.parameters,
    bytes: model.bytes,
    dtypes: byFrequency(model),
    hidden: facts.hidden,
    vocabulary: facts.vocabulary,
    licence: model.licence,
    tokenizer: model.tokenizer,
    files,
    ...(hub === null ? {} : { hub }),
    filters: model.family.filters,
    tensors: [...model.checkpoint.tensors.values()].map((tensor) => {
      const { kind, stack, layer, part } = model.family.place(tensor.name);
      const bytes = tensor.range.end - tensor.range.start;
      return {
        name: tensor.name,
        dtype: tensor.dtype,
        shape: tensor.shape,
        bytes,
        file: tensor.source.name,
        start: tensor.range.start,
        kind,
        stack,
        layer,
        part,
      };
    }),
  };
}

function byFrequency(model: Model): Dtype[] {
  const bytes = new Map<Dtype, number>();
  for (const { dtype, range } of model.checkpoint.tensors.values())
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + range.end - range.start);
  return [...bytes.keys()]
    .filter((dtype) => DTYPES[dtype].kind === "float")
    .sort((a, b) => (bytes.get(b) ?? 0) - (bytes.get(a) ?? 0));
}
