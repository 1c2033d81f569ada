/** Recipe files and the models beside them, planned as the command line does: every kind of document, every kind of reference. */
import { join } from "node:path";
import { openModels } from "../../cli/models.ts";
import type { Model } from "../../core/model/model.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { planDocument } from "../../core/prepare.ts";
import { modelsOfDocument } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { METHODS } from "../../methods/index.ts";

export interface Planner {
  plan(text: string, seed?: number, shardBytes?: number): Promise<Plan>;
  /** Closes the models, which stay open for further plans. */
  close(): Promise<void>;
}

/** @param root the folder that model paths start from */
export function planner(root: string): Planner {
  const opened = new Map<string, Promise<{ model: Model; close: () => Promise<void> }>>();
  const open = (ref: string) => {
    const known = opened.get(ref) ?? openOne(ref);
    opened.set(ref, known);
    return known;
  };
  async function openOne(ref: string) {
    const { models, close } = await openModels([ref], join(root, "recipe.yml"));
    return { model: models.get(ref)!, close };
  }
  return {
    async plan(text, seed = 7, shardBytes = Number.POSITIVE_INFINITY) {
      const { document, diagnostics } = parseDocument(text, METHODS);
      if (document === null) throw new Error(diagnostics.map((d) => `${d.line}:${d.column} ${d.message}`).join("\n"));
      const models = new Map<string, Model>();
      for (const ref of modelsOfDocument(document)) models.set(ref, (await open(ref)).model);
      const limits = {
        methods: METHODS,
        shardBytes,
        memory: 1e8,
        maxTileBytes: 1e7,
        lanes: 2,
      };
      return planDocument(document, models, { ...limits, seed, text });
    },
    async close() {
      for (const one of await Promise.allSettled(opened.values()))
        if (one.status === "fulfilled") await one.value.close();
    },
  };
}
