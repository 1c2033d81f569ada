/** `merge` and `plan`. */
import { existsSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { createClock, type Profile } from "../core/clock.ts";
import { createLocalEngine } from "../core/engine/cpu/pool.ts";
import type { Engine } from "../core/engine/engine.ts";
import { WeightloomError } from "../core/errors.ts";
import type { Model } from "../core/model/model.ts";
import type { Plan } from "../core/plan/plan.ts";
import { planDocument } from "../core/prepare.ts";
import { type Document, modelsOfDocument, printDocument } from "../core/recipe/document.ts";
import { preflight } from "../core/run/preflight.ts";
import { agreementOf } from "../core/run/remarks.ts";
import { type RunResult, run } from "../core/run/run.ts";
import { soundnessOf } from "../core/run/soundness.ts";
import { formatBytes, formatCount, formatSeconds } from "../core/units.ts";
import { METHODS } from "../methods/index.ts";
import { type Invocation, UsageError } from "./args.ts";
import { kernelModule, openEngine } from "./engine.ts";
import { diskFolder } from "./files.ts";
import { openModels } from "./models.ts";
import { profileTable } from "./profile.ts";
import { createProgress } from "./progress.ts";
import { readDocument } from "./recipe.ts";

/** What the CPU engine would be, for planning without making one. */
const DEFAULT_LIMITS = { lanes: 2, maxTileBytes: 16 * 1024 * 1024, keeps: true };

interface Opened {
  readonly document: Document;
  readonly text: string;
  readonly models: ReadonlyMap<string, Model>;
  close(): Promise<void>;
}

async function openDocument(recipePath: string): Promise<Opened> {
  const { document, text } = await readDocument(recipePath);
  return { document, text, ...(await openModels(modelsOfDocument(document), recipePath)) };
}

/** @param title what the model card calls the result */
async function planOf(
  { document, text, models }: Omit<Opened, "close">,
  invocation: Invocation,
  limits: Pick<Engine, "lanes" | "maxTileBytes" | "keeps">,
  title: string,
  signal: AbortSignal,
): Promise<Plan> {
  return planDocument(document, models, {
    methods: METHODS,
    shardBytes: invocation.shardBytes,
    memory: buffers(invocation.memory),
    maxTileBytes: limits.maxTileBytes,
    lanes: limits.lanes,
    keeps: limits.keeps,
    seed: invocation.seed,
    text,
    title,
    signal,
  });
}

export async function planCommand(invocation: Invocation, signal: AbortSignal): Promise<unknown> {
  const [recipePath = ""] = invocation.operands;
  const opened = await openDocument(recipePath);
  const title = basename(resolve(recipePath.replace(/\.ya?ml$/, "")));
  const plan = await planOf(opened, invocation, DEFAULT_LIMITS, title, signal).catch(async (error: unknown) => {
    await opened.close();
    throw error;
  });
  const sampled = await preflight(plan, await createLocalEngine(await kernelModule()), signal).finally(opened.close);
  const notes = [...plan.notes, ...sampled];
  if (!invocation.json) console.log(tableOf({ ...plan, notes }));
  const { readBytes, writeBytes, peakBytes, parameters, layers } = plan;
  const merged = plan.tensors.filter((tensor) => tensor.action === "merge").length;
  const files = plan.files.map(({ name, size }) => ({ name, size }));
  return {
    method: plan.method.id,
    merged,
    copied: plan.tensors.length - merged,
    parameters,
    layers,
    readBytes,
    writeBytes,
    peakBytes,
    files,
    extras: plan.extras.map((extra) => extra.name),
    notes,
  };
}

/** The share of the memory asked for that buffers may take; the rest is the program, its lanes and garbage. */
const buffers = (memory: number) => Math.max(32e6, 0.35 * memory);

function tableOf(plan: Plan): string {
  const merged = plan.tensors.filter((tensor) => tensor.action === "merge").length;
  const rows = [
    ["method", `${plan.method.title} (${plan.method.reference})`],
    ["tensors", `${merged} merged, ${plan.tensors.length - merged} copied`],
    ["result", `${formatCount(plan.parameters)} parameters, ${plan.layers} layers`],
    ["read", formatBytes(plan.readBytes)],
    [
      "written",
      `${formatBytes(plan.writeBytes)} in ${plan.files.length} weight ${plan.files.length === 1 ? "file" : "files"} and ${plan.extras.length} small ones`,
    ],
    ["buffers", `${formatBytes(plan.peakBytes)} at most`],
  ];
  return [
    ...rows.map(([key = "", value]) => `${key.padEnd(9)}${value}`),
    ...plan.notes.map((note) => `${note.severity === "warning" ? "warning: " : "note: "}${note.text}`),
  ].join("\n");
}

export async function mergeCommand(invocation: Invocation, signal: AbortSignal): Promise<unknown> {
  const [recipePath = "", place = ""] = invocation.operands;
  const out = resolve(place);
  refuseToOverwrite(out, invocation.overwrite);
  // The recipe is read first, so that a mistake in it costs nothing.
  await readDocument(recipePath);
  const { engine, because, speed } = await openEngine(invocation.engine, invocation.lanes);
  try {
    const opened = await openDocument(recipePath);
    try {
      const written = await intermediates(opened, invocation, engine, signal);
      const plan = await planOf(opened, invocation, engine, basename(out), signal);
      console.error(`${tableOf(plan)}\nengine   ${engine.name}: ${because}`);
      const result = await runTo(out, plan, engine, invocation, signal);
      const merged = plan.tensors.filter((tensor) => tensor.action === "merge").length;
      return {
        out,
        ...(written.length === 0 ? {} : { intermediates: written }),
        engine: { kind: engine.kind, name: engine.name, speed },
        merged,
        copied: plan.tensors.length - merged,
        parameters: plan.parameters,
        files: plan.files.map((file) => file.name),
        notes: plan.notes,
        ...result,
      };
    } finally {
      await opened.close();
    }
  } finally {
    await engine.close();
  }
}

/** The results of a chain's earlier recipes, each in a folder of its name, where that is asked for. */
async function intermediates(
  { document, models }: Opened,
  invocation: Invocation,
  engine: Engine,
  signal: AbortSignal,
): Promise<string[]> {
  if (invocation.intermediates === null || document.kind !== "merge") return [];
  const folders: string[] = [];
  for (const [k, { name = "" }] of document.stages.slice(0, -1).entries()) {
    const out = resolve(invocation.intermediates, name);
    refuseToOverwrite(out, invocation.overwrite);
    const part: Document = { kind: "merge", stages: document.stages.slice(0, k + 1) };
    const plan = await planOf({ document: part, text: printDocument(part), models }, invocation, engine, name, signal);
    await runTo(out, plan, engine, invocation, signal);
    folders.push(out);
  }
  return folders;
}

async function runTo(
  out: string,
  plan: Plan,
  engine: Engine,
  invocation: Invocation,
  signal: AbortSignal,
): Promise<RunResult & { readonly profile?: Profile }> {
  const clock = invocation.profile ? createClock() : undefined;
  const progress = createProgress(plan.writeBytes, plan.tensors.length);
  const result = await run(plan, {
    engine,
    folder: diskFolder(out),
    memory: buffers(invocation.memory),
    asked: { seed: invocation.seed, shardBytes: finite(invocation.shardBytes) },
    signal,
    onEvent: progress.update,
    onTrouble: (sentence) => {
      progress.clear();
      console.error(`warning: ${sentence}`);
    },
    ...(clock === undefined ? {} : { clock }),
  }).finally(progress.clear);
  console.error(
    `Wrote ${out}: ${formatBytes(result.writtenBytes)} in ${formatSeconds(result.seconds)} (${formatBytes(Math.round(result.writtenBytes / result.seconds))}/s).`,
  );
  for (const sentence of agreementOf(result.checked)) console.error(sentence);
  for (const sentence of soundnessOf(result.unsound, plan.method.title)) console.error(`warning: ${sentence}`);
  for (const remark of result.remarks) console.error(`note: ${remark}`);
  if (clock === undefined) return result;
  const profile = clock.report();
  console.error(profileTable(profile));
  return { ...result, profile };
}

const finite = (bytes: number): number | null => (Number.isFinite(bytes) ? bytes : null);

export function refuseToOverwrite(out: string, overwrite: boolean): void {
  if (overwrite || !existsSync(out)) return;
  const weights = readdirSync(out).filter(
    (name) => /\.(safetensors|bin|gguf)$/.test(name) || /^(adapter_)?config\.json$/.test(name),
  );
  if (weights.length === 0) return;
  throw new UsageError(
    `${join(out)} already holds a model (${weights.slice(0, 3).join(", ")}). Choose another folder, or say --overwrite.`,
  );
}

export const isPlanTrouble = (error: unknown): boolean =>
  error instanceof WeightloomError && (error.name === "PlanError" || error.name === "RecipeError");
