/** Can these merge? Read from headers and configs alone; every reason is a sentence. */
import { CircleAlert, CircleCheck, CircleX } from "lucide-react";
import type { ModelSummary, PlanRefusal, PlanSummary } from "../../workers/api.ts";
import { useModels } from "../state/models.ts";
import { usePlan } from "../state/plan.ts";
import { useStudio, wantedBy } from "../state/studio.ts";
import { tokenizerSource } from "../state/vocabulary.ts";

export interface Judgement {
  readonly verdict: "yes" | "no" | "wait";
  readonly headline: string;
  readonly reasons: readonly string[];
}

/** What the headers say about the models that a document uses, the one that gives the tokenizer first. */
export function judge(
  names: readonly string[],
  source: string | null,
  open: readonly ModelSummary[],
  plan: PlanSummary | null,
  refusal: PlanRefusal | null,
): Judgement {
  const used = names.map((name) => open.find((model) => model.name === name));
  const models = used.filter((model) => model !== undefined);
  if (refusal !== null && refusal.missing.length > 0) {
    return {
      verdict: "wait",
      headline: "Not yet.",
      reasons: [
        `The recipe names ${refusal.missing.join(", ")}, which ${refusal.missing.length === 1 ? "is" : "are"} not open. Add ${refusal.missing.length === 1 ? "it" : "them"} or change the recipe.`,
      ],
    };
  }
  if (refusal !== null) return { verdict: "no", headline: "No.", reasons: refusal.errors };
  if (plan === null) return { verdict: "wait", headline: "Looking ...", reasons: [] };
  const reasons: string[] = [];
  const [first] = models;
  if (first !== undefined && models.length > 1) {
    const families = new Set(models.map((model) => model.family.title));
    const tokenizers = new Set(models.map((model) => model.tokenizer));
    reasons.push(
      families.size === 1
        ? `All are ${first.family.title} with ${first.stacks.map((s) => s.layers).join(" + ") || "no numbered"} layers.`
        : `Different families: ${[...families].join(", ")}.`,
    );
    reasons.push(
      tokenizers.size === 1
        ? first.tokenizer === null
          ? "None has a tokenizer file."
          : "They share one tokenizer."
        : `The tokenizers differ; the result ${tokensOf(source, first.name)}`,
    );
    const licences = [...new Set(models.map((model) => model.licence ?? "not stated"))];
    reasons.push(
      licences.length === 1
        ? `Licence of all: ${licences[0]}.`
        : `Licences: ${licences.join(", ")}. The result must keep to all of them.`,
    );
  }
  return { verdict: "yes", headline: "Yes.", reasons };
}

function tokensOf(source: string | null, first: string): string {
  if (source === null) return `gets ${first}'s, and rows are merged by number. Choose a tokenizer to line them up.`;
  return source === "union" ? "gets the tokens of all." : `gets ${source === "base" ? first : source}'s.`;
}

export function Verdict() {
  const studio = useStudio();
  const list = useModels((state) => state.list);
  const { plan, refusal } = usePlan();
  const { verdict, headline, reasons } = judge(
    wantedBy(studio),
    studio.moe === null ? tokenizerSource(studio.recipe) : "base",
    list.map(({ summary }) => summary),
    plan,
    refusal,
  );
  const Icon = verdict === "yes" ? CircleCheck : verdict === "no" ? CircleX : CircleAlert;
  return (
    <section className={`verdict verdict-${verdict}`} aria-label="Can these merge?" aria-live="polite">
      <h2>Can these merge?</h2>
      <p className="verdict-head">
        <Icon size={16} aria-hidden /> <strong>{headline}</strong>
      </p>
      {reasons.map((reason) => (
        <p key={reason}>{reason}</p>
      ))}
    </section>
  );
}
