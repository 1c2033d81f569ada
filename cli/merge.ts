/** `merge` and `plan`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { createClock } from "../core/clock.ts";
import { createLocalEngine } from "../core/engine/cpu/pool.ts";
import type { Engine } from "../core/engine/engine.ts";
import { WeightloomError } from "../core/errors.ts";
import type { Plan } from "../core/plan/plan.ts";
import { planDocument } from "../core/prepare.ts";
import { type Document, modelsOfDocument, printDocument } from "../core/recipe/document.ts";
import { identityOf, inputsOf } from "../core/run/identity.ts";
import type { Journal, ParsedJournal } from "../core/run/journal.ts";
import { preflight } from "../core/run/preflight.ts";
import { agreementOf } from "../core/run/remarks.ts";
import { run } from "../core/run/run.ts";
import { soundnessOf } from "../core/run/soundness.ts";
import { formatBytes, formatCount, formatSeconds } from "../core/units.ts";
import { METHODS } from "../methods/index.ts";
import { type Invocation, Refused } from "./args.ts";
import { kernelModule, openEngine } from "./engine.ts";
import { diskFolder, isUnfinished } from "./files.ts";
import { openHub } from "./hub.ts";
import { atWork, beginJournal, clearLeft, continueJournal, farOf, forgetModel, leftIn } from "./journal.ts";
import { buffersIn, lanesOf, residentOf } from "./memory.ts";
import { type Opening, type OpenModels, openModels } from "./models.ts";
import { profileTable } from "./profile.ts";
import { createProgress } from "./progress.ts";
import { publishFolder, targetOf } from "./publish.ts";
import { readDocument } from "./recipe.ts";

/** What the CPU engine would be, for planning without making one. */
const DEFAULT_LIMITS = { maxTileBytes: 16 * 1024 * 1024, keeps: true };

interface Opened extends OpenModels {
  readonly document: Document;
  readonly text: string;
}

async function openDocument(recipePath: string, opening: Opening): Promise<Opened> {
  const { document, text } = await readDocument(recipePath);
  return { document, text, ...(await openModels(modelsOfDocument(document), recipePath, opening)) };
}

/** @param title what the model card calls the result */
async function planOf(
  { document, text, models }: Pick<Opened, "document" | "text" | "models">,
  invocation: Invocation,
  limits: Pick<Engine, "lanes" | "maxTileBytes" | "keeps">,
  title: string,
  signal: AbortSignal,
): Promise<Plan> {
  return planDocument(document, models, {
    methods: METHODS,
    shardBytes: invocation.shardBytes,
    memory: buffersIn(invocation.memory),
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
  const opened = await openDocument(recipePath, { ...invocation, signal });
  const title = basename(resolve(recipePath.replace(/\.ya?ml$/, "")));
  const lanes = lanesOf(invocation);
  const plan = await planOf(opened, invocation, { ...DEFAULT_LIMITS, lanes }, title, signal).catch(
    async (error: unknown) => {
      await opened.close();
      throw error;
    },
  );
  const sampled = await preflight(plan, await createLocalEngine(await kernelModule()), signal).finally(opened.close);
  const notes = [...plan.notes, ...sampled];
  if (!invocation.json) console.log(tableOf({ ...plan, notes }, lanes));
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
    memoryBytes: residentOf(plan, lanes),
    files,
    extras: plan.extras.map((extra) => extra.name),
    notes,
  };
}

/** @param lanes of the engine that will merge */
function tableOf(plan: Plan, lanes: number): string {
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
    ["memory", `about ${formatBytes(residentOf(plan, lanes))} at most, ${formatBytes(plan.peakBytes)} of it buffers`],
  ];
  return [
    ...rows.map(([key = "", value]) => `${key.padEnd(9)}${value}`),
    ...plan.notes.map((note) => `${note.severity === "warning" ? "warning: " : "note: "}${note.text}`),
  ].join("\n");
}

export async function mergeCommand(said: Invocation, signal: AbortSignal): Promise<unknown> {
  const [recipePath = "", place = ""] = said.operands;
  const out = resolve(place);
  // The recipe is read first, so that a mistake in it costs nothing.
  await readDocument(recipePath);
  const invocation = asBefore(said, refuseIfTaken(out, said));
  const target = invocation.publish === null ? null : targetOf(invocation.publish);
  const hub = target === null ? null : openHub(invocation.memory, 0);
  // What would be refused after the merge is refused before it.
  if (hub !== null && target !== null) await hub.checkTarget({ name: target, overwrite: invocation.overwrite, signal });
  const { engine, because, speed } = await openEngine(invocation.engine, invocation.lanes);
  try {
    const opened = await openDocument(recipePath, { ...invocation, signal });
    try {
      const written = await intermediates(opened, invocation, engine, signal);
      const { plan, result } = await mergeTo(out, opened, engine, invocation, signal, because);
      const merged = plan.tensors.filter((tensor) => tensor.action === "merge").length;
      const published =
        hub === null || target === null ? null : await publishFolder(out, target, hub, invocation, signal);
      return {
        out,
        ...(published === null ? {} : { published }),
        ...(written.length === 0 ? {} : { intermediates: written }),
        engine: { kind: engine.kind, name: engine.name, speed },
        merged,
        copied: plan.tensors.length - merged,
        parameters: plan.parameters,
        memoryBytes: residentOf(plan, engine.lanes),
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

/** What is not said when a merge is resumed is as it was. */
function asBefore(said: Invocation, left: ParsedJournal | null): Invocation {
  if (left === null || !said.resume) return said;
  const { seed, shardBytes, engine } = left.identity;
  return {
    ...said,
    ...(said.given.has("seed") ? {} : { seed }),
    ...(said.given.has("shard-size") ? {} : { shardBytes: shardBytes ?? Number.POSITIVE_INFINITY }),
    ...(said.engine === "auto" ? { engine: engine === "cpu" ? "cpu" : "gpu" } : {}),
  };
}

/** The results of a chain's earlier recipes, each in a folder of its name, where that is asked for. */
async function intermediates(
  opened: Opened,
  invocation: Invocation,
  engine: Engine,
  signal: AbortSignal,
): Promise<string[]> {
  const { document } = opened;
  if (invocation.intermediates === null || document.kind !== "merge") return [];
  const folders: string[] = [];
  for (const [k, { name = "" }] of document.stages.slice(0, -1).entries()) {
    const out = resolve(invocation.intermediates, name);
    const part: Document = { kind: "merge", stages: document.stages.slice(0, k + 1) };
    const text = printDocument(part);
    folders.push(out);
    if (invocation.resume && isDone(out, text)) continue;
    refuseIfTaken(out, invocation);
    await mergeTo(out, { ...opened, document: part, text }, engine, invocation, signal);
  }
  return folders;
}

/** Whether a folder holds the whole result of a recipe. */
const isDone = (out: string, text: string) =>
  !isUnfinished(out) &&
  existsSync(join(out, "mergekit_config.yml")) &&
  readFileSync(join(out, "mergekit_config.yml"), "utf8") === text;

/** Plans and runs one document into a folder, from where an earlier run stopped if that is asked for. */
async function mergeTo(
  out: string,
  opened: Opened,
  engine: Engine,
  invocation: Invocation,
  signal: AbortSignal,
  because?: string,
) {
  const left = leftIn(out);
  const title = invocation.resume && left !== null ? left.identity.title : basename(out);
  const plan = await planOf(opened, invocation, engine, title, signal);
  if (because !== undefined) console.error(`${tableOf(plan, engine.lanes)}\nengine   ${engine.name}: ${because}`);
  const journal = await journalFor(out, plan, left, { ...opened, title }, engine, invocation);
  const clock = invocation.profile ? createClock() : undefined;
  const progress = createProgress(plan.writeBytes, plan.tensors.length);
  const result = await run(plan, {
    engine,
    folder: diskFolder(out),
    memory: buffersIn(invocation.memory),
    asked: { seed: invocation.seed, shardBytes: finite(invocation.shardBytes) },
    signal,
    journal,
    onEvent: progress.update,
    onTrouble: (sentence) => {
      progress.clear();
      console.error(`warning: ${sentence}`);
    },
    ...(clock === undefined ? {} : { clock }),
  })
    .finally(progress.clear)
    .catch((error: unknown) => {
      const now = leftIn(out);
      if (now !== null) console.error(`${out} keeps what is done (${farOf(now)}). ${HOW_TO_RESUME}`);
      throw error;
    });
  const here = result.writtenBytes - result.keptBytes;
  const before = result.keptBytes === 0 ? "" : `, ${formatBytes(result.keptBytes)} of it before`;
  console.error(
    `Wrote ${out}: ${formatBytes(result.writtenBytes)}${before}, in ${formatSeconds(result.seconds)} (${formatBytes(Math.round(here / result.seconds))}/s).`,
  );
  for (const sentence of agreementOf(result.checked)) console.error(sentence);
  for (const sentence of soundnessOf(result.unsound, plan.method.title)) console.error(`warning: ${sentence}`);
  for (const remark of result.remarks) console.error(`note: ${remark}`);
  if (clock === undefined) return { plan, result };
  const profile = clock.report();
  console.error(profileTable(profile));
  return { plan, result: { ...result, profile } };
}

async function journalFor(
  out: string,
  plan: Plan,
  left: ParsedJournal | null,
  { text, models, places, title }: Pick<Opened, "text" | "models" | "places"> & { readonly title: string },
  engine: Engine,
  { resume, seed, shardBytes }: Invocation,
): Promise<Journal> {
  const identity = identityOf(plan, {
    engine: engine.kind === "cpu" ? "cpu" : engine.name,
    recipe: text,
    seed,
    shardBytes: finite(shardBytes),
    title,
    inputs: inputsOf(models),
  });
  const goesOn = resume && left !== null;
  if (!goesOn && isUnfinished(out)) await clearLeft(out, left);
  const journal = goesOn ? await continueJournal(out, left, identity) : await beginJournal(out, identity);
  if (goesOn) console.error(`Going on with ${out}: ${farOf(left)}.`);
  // Where a model is read from, its config is not taken from it.
  if (!places.includes(out)) await forgetModel(out, journal);
  return journal;
}

const finite = (bytes: number): number | null => (Number.isFinite(bytes) ? bytes : null);

const HOW_TO_RESUME = "Give the same command with --resume to go on with it.";

/** Refuses a folder that holds something, unless it is said what should become of it. */
function refuseIfTaken(
  out: string,
  { resume, overwrite }: Pick<Invocation, "resume" | "overwrite">,
): ParsedJournal | null {
  if (!isUnfinished(out)) {
    refuseToOverwrite(out, overwrite);
    return null;
  }
  const left = leftIn(out);
  const process = left === null ? null : atWork(left.finished);
  if (process !== null)
    throw new Refused(`${out} is being written by process ${process}. Wait for it, or stop it first.`);
  if (overwrite) return left;
  if (left === null)
    throw new Refused(
      `${out} holds an unfinished merge whose journal cannot be read. Begin anew with --overwrite, or choose another folder.`,
    );
  if (!resume)
    throw new Refused(
      `${out} holds an unfinished merge (${farOf(left)}). Add --resume to go on with it, or --overwrite to begin anew.`,
    );
  return left;
}

export function refuseToOverwrite(out: string, overwrite: boolean): void {
  if (overwrite || !existsSync(out)) return;
  const weights = readdirSync(out).filter(
    (name) => /\.(safetensors|bin|gguf)$/.test(name) || /^(adapter_)?config\.json$/.test(name),
  );
  if (weights.length === 0) return;
  throw new Refused(
    `${join(out)} already holds a model (${weights.slice(0, 3).join(", ")}). Choose another folder, or say --overwrite.`,
  );
}

export const isPlanTrouble = (error: unknown): boolean =>
  error instanceof WeightloomError && (error.name === "PlanError" || error.name === "RecipeError");
