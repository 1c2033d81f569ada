/** `verify OUT_DIR`: re-opens a result; with its recipe and the models at hand, recomputes part of it. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createLocalEngine } from "../core/engine/cpu/pool.ts";
import { createPlainEngine } from "../core/engine/plain/plain.ts";
import type { Plan } from "../core/plan/plan.ts";
import { planDocument } from "../core/prepare.ts";
import { modelsOfDocument } from "../core/recipe/document.ts";
import { parseDocument } from "../core/recipe/file.ts";
import { parseRecord, RECORD } from "../core/run/record.ts";
import { type Verification, verify } from "../core/run/verify.ts";
import { METHODS } from "../methods/index.ts";
import type { Invocation } from "./args.ts";
import { kernelModule } from "./engine.ts";
import { closeAll, filesAt } from "./files.ts";
import { type Opening, type OpenModels, openModels } from "./models.ts";

export async function verifyCommand(invocation: Invocation, signal: AbortSignal): Promise<Verification> {
  const [out = ""] = invocation.operands;
  const open: OpenModels[] = [];
  const again = await planAgain(out, { ...invocation, signal }, open).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  const plan = typeof again === "string" ? null : again;
  const files = await filesAt(out);
  const report = await verify(files, {
    signal,
    numbers: await createLocalEngine(await kernelModule()),
    ...(plan === null ? {} : { plan, engine: createPlainEngine() }),
  });
  await closeAll(files.values());
  for (const { close } of open) await close();
  if (!invocation.json) {
    for (const { ok, text } of report.checks) console.log(`${ok ? "ok    " : "WRONG "} ${text}`);
    if (typeof again === "string") console.log(`note   Not recomputed: ${again}`);
    console.log(report.ok ? "The model is as it should be." : "The model is not as it should be.");
  }
  return report;
}

/** What the recipe is saved as: of a merge, of a mixture of experts. */
const RECIPES = ["mergekit_config.yml", "mergekit_moe_config.yml"];

/** The plan the result was made from, or a sentence why it cannot be made again. */
async function planAgain(
  out: string,
  { seed, signal, memory, cache }: Opening & { readonly seed: number },
  open: OpenModels[],
): Promise<Plan | string> {
  const name = RECIPES.find((one) => existsSync(join(out, one)));
  if (name === undefined) return `there is no ${RECIPES.join(" or ")} beside the weights.`;
  const path = join(out, name);
  const text = await readFile(path, "utf8");
  const { document } = parseDocument(text, METHODS);
  if (document === null) return `${name} cannot be read as a recipe.`;
  const record = existsSync(join(out, RECORD)) ? parseRecord(await readFile(join(out, RECORD), "utf8")) : null;
  const opened = await openModels(modelsOfDocument(document), path, { memory, cache, signal });
  open.push(opened);
  return planDocument(document, opened.models, {
    methods: METHODS,
    shardBytes: record?.shardBytes ?? Number.POSITIVE_INFINITY,
    memory: 1e9,
    maxTileBytes: 16e6,
    lanes: 1,
    seed: record?.seed ?? seed,
    text,
  });
}
