/** A model under another name, everywhere a document names it. Pure. */
import type { Document } from "../../core/recipe/document.ts";
import type { MoeExpert } from "../../core/recipe/moe.ts";
import { renamed } from "../../core/recipe/recipe.ts";

export function renameInDocument(document: Document, before: string, after: string): Document {
  const rename = (name: string) => (name === before ? after : name);
  if (document.kind === "merge") return { kind: "merge", stages: document.stages.map((one) => renamed(one, rename)) };
  const { moe } = document;
  const expert = (one: MoeExpert): MoeExpert => ({ ...one, source_model: rename(one.source_model) });
  return {
    kind: "moe",
    moe: {
      ...moe,
      base_model: rename(moe.base_model),
      experts: moe.experts.map(expert),
      ...(moe.shared_experts === undefined ? {} : { shared_experts: moe.shared_experts.map(expert) }),
    },
  };
}
