/** What the doctor has to say: findings in sentences, each with the fix where there is one. Plain data. */
import type { RecipeDtype } from "../recipe/recipe.ts";

export type Topic =
  | "family"
  | "depth"
  | "width"
  | "heads"
  | "shapes"
  | "tensors"
  | "vocabulary"
  | "tokenizer"
  | "tied"
  | "dtype"
  | "rope"
  | "origin"
  | "licence";

/** "warn" is worth knowing and no obstacle; "fix" merges well once mended; "stop" cannot be merged. */
export type Weight = "fine" | "warn" | "fix" | "stop";

/** Something the recipe can be changed by. */
export type Remedy =
  | { readonly kind: "tokenizer"; readonly source: string }
  | { readonly kind: "dtype"; readonly dtype: RecipeDtype }
  | { readonly kind: "leave"; readonly model: string }
  /** Layers are chosen by hand. */
  | { readonly kind: "stack" };

export interface Finding {
  readonly topic: Topic;
  readonly weight: Weight;
  readonly text: string;
  readonly remedy?: Remedy;
}

export interface Diagnosis {
  readonly verdict: "yes" | "fix" | "no";
  /** The gravest first. */
  readonly findings: readonly Finding[];
}

const GRAVITY: readonly Weight[] = ["stop", "fix", "warn", "fine"];

export function diagnosisOf(findings: readonly Finding[]): Diagnosis {
  const has = (weight: Weight) => findings.some((one) => one.weight === weight);
  const sorted = [...findings].sort((a, b) => GRAVITY.indexOf(a.weight) - GRAVITY.indexOf(b.weight));
  return { verdict: has("stop") ? "no" : has("fix") ? "fix" : "yes", findings: sorted };
}

/** "a", "a and b", "a, b and 3 more". */
export function listed(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most);
  const more = names.length - shown.length;
  const parts = more > 0 ? [...shown, `${more} more`] : shown;
  return parts.length < 2 ? (parts[0] ?? "") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
