/** Models under other names, everywhere a document names them. Pure. */
import type { Document } from "../../core/recipe/document.ts";
import type { MoeExpert } from "../../core/recipe/moe.ts";
import { renamed } from "../../core/recipe/recipe.ts";

export const renameInDocument = (document: Document, before: string, after: string): Document =>
  renamesInDocument(document, (name) => (name === before ? after : name));

export function renamesInDocument(document: Document, rename: (name: string) => string): Document {
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
