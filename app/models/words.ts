/** The doctor's answers as the panel says them. Pure. */
import type { Diagnosis, Finding } from "../../core/doctor/finding.ts";
import type { Kin, Kinship, Likeness } from "../../core/doctor/kin.ts";
import type { PlanRefusal } from "../../workers/api.ts";

export interface Judgement {
  readonly verdict: "yes" | "fix" | "no" | "wait";
  readonly headline: string;
  readonly findings: readonly Finding[];
  /** What the planner says that the doctor did not. */
  readonly more: readonly string[];
}

const HEADLINES = { yes: "Yes.", fix: "Yes, after a fix.", no: "No.", wait: "Looking ..." } as const;

/**
 * The doctor's verdict, unless models are missing or the planner knows of more.
 * @param alone the only model of a recipe that merges whole models
 */
export function judge(
  diagnosis: Diagnosis | null,
  refusal: PlanRefusal | null,
  alone: string | null = null,
): Judgement {
  const findings = diagnosis?.findings ?? [];
  if (refusal !== null && refusal.missing.length > 0) {
    const [it, is] = refusal.missing.length === 1 ? ["it", "is"] : ["them", "are"];
    const text = `The recipe names ${refusal.missing.join(", ")}, which ${is} not open. Add ${it} or change the recipe.`;
    return { verdict: "wait", headline: "Not yet.", findings: [], more: [text] };
  }
  if (alone !== null && diagnosis?.verdict !== "no") {
    const text = `${alone} is open. Add a fine-tune of it, or another model of its family, to see whether they merge.`;
    return { verdict: "wait", headline: "One model so far.", findings, more: [text] };
  }
  if (diagnosis === null && refusal === null) return { verdict: "wait", headline: HEADLINES.wait, findings, more: [] };
  const verdict = diagnosis?.verdict ?? "yes";
  // A reason that the doctor gave is not given again in the planner's words.
  if (refusal === null || verdict !== "yes") return { verdict, headline: HEADLINES[verdict], findings, more: [] };
  return { verdict: "no", headline: HEADLINES.no, findings, more: refusal.errors };
}

const percent = (share: number) => {
  const value = 100 * share;
  return `${value.toFixed(value < 1 ? 2 : value < 10 ? 1 : 0)} %`;
};
const cosine = (value: number) => value.toFixed(value > 0.99 && value < 0.99995 ? 4 : 2);

/** One sentence per model. */
export function kinInWords({ ref, cosine: cos, change, related }: Kin, reference: string): string {
  const numbers = `cosine ${cosine(cos)}, change ${percent(change)}`;
  if (change === 0) return `${ref} equals ${reference} in every sampled weight. Is it the right file?`;
  if (related === "yes") return `${ref} and ${reference} share an ancestor: ${numbers}.`;
  if (related === "no")
    return `${ref} and ${reference} were trained apart: ${numbers}, where fine-tunes have over 0.99 and under 3 %. Merging them rarely makes sense.`;
  return `${ref} may descend from ${reference}: ${numbers}. That is far for a fine-tune; check what it was trained from.`;
}

/** "adder and sorter: cosine 0.05" */
export function likenessInWords({ a, b, cosine: cos }: Likeness): string {
  if (cos === null) return `${a} and ${b}: one of them did not move`;
  const how =
    cos > 0.5
      ? "changed alike"
      : cos < -0.1
        ? "pull apart"
        : cos > 0.1
          ? "partly changed alike"
          : "changed different things";
  return `${a} and ${b} ${how} (${cos.toFixed(2)})`;
}

export const answerOf = ({ kin }: Kinship): string => {
  if (kin.length === 0) return "Nothing to compare: no matrix has one name and shape in all.";
  if (kin.every(({ related }) => related === "yes")) return "Yes.";
  return kin.some(({ related }) => related === "no") ? "Not all." : "Perhaps.";
};
