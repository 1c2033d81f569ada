/**
 * The object behind the door: keeps opened models, plans recipes, runs one merge at a time. Ordinary
 * code; the worker file only exposes it, and a test can hold it without a worker.
 */

import { fromBlob } from "../core/bytes/blob.ts";
import { type Products, plainProducts } from "../core/bytes/lowrank.ts";
import { createSimdProducts } from "../core/bytes/simd.ts";
import type { Folder } from "../core/bytes/sink.ts";
import type { ByteSource } from "../core/bytes/source.ts";
import { type Clock, createClock } from "../core/clock.ts";
import { diagnose } from "../core/doctor/diagnose.ts";
import { kinship } from "../core/doctor/kin.ts";
import { calibrate } from "../core/engine/calibrate.ts";
import type { Engine } from "../core/engine/engine.ts";
import { createPlainEngine } from "../core/engine/plain/plain.ts";
import { messageOf, throwIfAborted, WeightloomError } from "../core/errors.ts";
import { type Adapter, isAdapter } from "../core/model/adapter.ts";
import type { Model } from "../core/model/model.ts";
import { openModel } from "../core/model/open.ts";
import type { Plan } from "../core/plan/plan.ts";
import { planDocument } from "../core/prepare.ts";
import { type Document, modelsOfDocument, printDocument } from "../core/recipe/document.ts";
import { createGate, type Gate } from "../core/run/gate.ts";
import { type InputFile, identityOf as identityOfRun, inputsOf } from "../core/run/identity.ts";
import type { ParsedJournal } from "../core/run/journal.ts";
import { preflight } from "../core/run/preflight.ts";
import { agreementOf } from "../core/run/remarks.ts";
import { type RunEvent, run } from "../core/run/run.ts";
import { soundnessOf } from "../core/run/soundness.ts";
import { verify } from "../core/run/verify.ts";
import { METHODS } from "../methods/index.ts";
import { adaptReference, openWithBase } from "./adapters.ts";
import type { EngineInfo, ModelSummary, OutputOptions, RunProgress, RunReport, StudioHost, Target } from "./api.ts";
import { HUB } from "./built.ts";
import { wishOf } from "./doctor.ts";
import { directoryFolder, fileFolder, freshFolder, privateFolder } from "./folders.ts";
import { createHubDoor } from "./hub.ts";
import type { HubPlace } from "./hubdoor.ts";
import { identityAt, identityOf } from "./identity.ts";
import { createInspector } from "./inspect.ts";
import { forgetJob, jobsLeft, type OpenJob, openJob } from "./jobs.ts";
import { giveResult, roomForResult } from "./result.ts";
import { type Scribe, scribeHere } from "./scribe.ts";
import { refusal, summarise, summarisePlan } from "./summaries.ts";

/** A model as the host keeps it. */
export interface OpenedModel {
  readonly name: string;
  readonly model: Model;
  readonly files: ReadonlyMap<string, ByteSource>;
  /** For a base with an adapter applied: that adapter. */
  readonly adapter: Adapter | null;
  /** See `ModelSummary.identity`. */
  readonly identity: string;
  /** Where on the Hub the files are; null when they are on this machine. */
  readonly hub: HubPlace | null;
}

export interface ChosenEngine {
  readonly engine: Engine;
  readonly speed: number | null;
  readonly because: string;
}

export interface HostPlatform {
  /** Makes and calibrates an engine; kept by the host until another kind is asked for. */
  engine(want: OutputOptions["engine"]): Promise<ChosenEngine>;
  /** An engine for looking at weights, apart from the one that merges; without it, a CPU engine as for a merge. */
  measuring?(): Promise<Engine>;
  /** The compiled SIMD kernels; without them adapters are applied in JavaScript. */
  kernels?(): Promise<WebAssembly.Module>;
  /** Where the Hub is, when it is not the one of the build. */
  readonly hub?: string;
  /** The root of private storage. */
  storage(): Promise<FileSystemDirectoryHandle>;
  /** What writes to it for one merge; in this thread where it is absent. */
  scribe?(): Scribe;
}

const MEMORY_CAP = 2e9;
/** Milliseconds between two words of how far a merge is: for each the page draws a frame, on the cores that merge. */
const TOLD = 250;
/** Milliseconds after a merge until its memory is let go of. */
const IDLE = 60_000;

export function createHost(platform: HostPlatform): StudioHost {
  const models = new Map<string, OpenedModel>();
  let products: Promise<Products> | null = null;
  let chosen: { readonly want: OutputOptions["engine"]; readonly engine: Promise<ChosenEngine> } | null = null;
  const speeds = new WeakMap<Engine, Promise<number | null>>();
  let running: Running | null = null;
  /** The look at a sample that nobody has overtaken yet. */
  let looking: AbortController | null = null;

  /** An engine that has merged, and when its memory is let go of unless it is asked for before. */
  let idle: { readonly engine: Engine; readonly timer: ReturnType<typeof setTimeout> } | null = null;

  function engineFor(want: OutputOptions["engine"]): Promise<ChosenEngine> {
    // Asked for, it is kept for longer; where another takes its place, it is closed.
    if (idle !== null) letGoLater(chosen?.want === want ? idle.engine : null);
    if (chosen?.want === want) return chosen.engine;
    const previous = chosen?.engine;
    const engine = (async () => {
      await previous?.then(({ engine }) => engine.close()).catch(() => {});
      return platform.engine(want);
    })();
    chosen = { want, engine };
    engine.catch(() => {
      chosen = null;
    });
    return engine;
  }

  /**
   * Memory that lanes share never shrinks, so it ends some time after the merge that filled it: a next merge at once uses it
   * again, as what ended may still lie there until it is collected. Null is no engine at all.
   */
  function letGoLater(engine: Engine | null): void {
    clearTimeout(idle?.timer);
    idle = engine === null ? null : { engine, timer: setTimeout(() => void (running === null && letGo(engine)), IDLE) };
  }

  async function letGo(engine: Engine): Promise<void> {
    letGoLater(null);
    const mine = chosen;
    if (engine.memory === null || mine === null) return;
    const before = await mine.engine.catch(() => null);
    if (before?.engine !== engine || chosen !== mine) return;
    const renewed = engine.close().then(async () => ({ ...before, engine: (await platform.engine("cpu")).engine }));
    chosen = { want: mine.want, engine: renewed };
    renewed.catch(() => {
      chosen = null;
    });
  }

  /** Output bytes per second of an engine that was chosen without measuring; null while a merge would feel it. */
  async function measured(engine: Engine): Promise<number | null> {
    if (running !== null) return null;
    const known = speeds.get(engine) ?? calibrate(engine).catch(() => null);
    speeds.set(engine, known);
    return known;
  }

  function productsFor(): Promise<Products> {
    products ??= (platform.kernels?.() ?? Promise.reject(new Error("no kernels")))
      .then(createSimdProducts)
      .catch(() => plainProducts);
    return products;
  }

  const byName = () => new Map([...models.values()].map(({ name, model }) => [name, model]));

  /**
   * The open models, and those a document makes of an open base and an open adapter.
   * @param only leaves out those the document does not use; the others then come in its order
   */
  async function modelsFor(document: Document, only = false): Promise<Map<string, Model>> {
    const found = byName();
    for (const ref of modelsOfDocument(document)) {
      if (found.has(ref)) continue;
      const adapted = await adaptReference(ref, [...models.values()], productsFor);
      if (adapted !== null) found.set(ref, adapted);
    }
    if (!only) return found;
    const used = modelsOfDocument(document).map((ref) => [ref, found.get(ref)] as const);
    return new Map(used.filter((one): one is readonly [string, Model] => one[1] !== undefined));
  }

  /** Opens files as a model, or as an adapter on the model it fits, and keeps it. */
  async function admit(
    id: string,
    name: string,
    files: ReadonlyMap<string, ByteSource>,
    identify: (base?: string) => Promise<string>,
    hub: HubPlace | null,
  ): Promise<ModelSummary> {
    const keep = (opened: OpenedModel) => {
      models.set(id, opened);
      return summarise(id, opened.name, opened.model, [...files.keys()], opened.identity, hub);
    };
    if (!isAdapter(files)) {
      const opened = await openModel(name, files);
      const model = hub === null ? opened : { ...opened, origin: hub };
      return keep({ name, model, files, adapter: null, identity: await identify(), hub });
    }
    const { opened, base } = await openWithBase(name, files, [...models.values()], productsFor);
    const identity = await identify(base.identity);
    if (byName().has(opened.name))
      throw new WeightloomError(
        "PlanError",
        `${opened.name} is open already. Rename the one that is open to add this adapter again.`,
      );
    return keep({ ...opened, identity, hub });
  }

  function overtake(): void {
    looking?.abort(new DOMException("Something else was asked for.", "AbortError"));
    looking = null;
  }

  /** Whether something a document uses is on the Hub. */
  const isDistant = (document: Document) => {
    const parts = modelsOfDocument(document).flatMap((ref) => [ref, ...ref.split("+")]);
    return [...models.values()].some(({ name, hub, adapter }) =>
      hub === null ? false : parts.includes(name) || (adapter !== null && parts.includes(adapter.ref)),
    );
  };

  async function planFor(
    document: Document,
    options: OutputOptions,
    engine: Engine | null,
    text?: string,
  ): Promise<Plan> {
    const opened = await modelsFor(document);
    return planDocument(document, opened, {
      methods: METHODS,
      shardBytes: options.shardBytes ?? Number.POSITIVE_INFINITY,
      memory: Math.min(options.memory, MEMORY_CAP),
      maxTileBytes: engine?.maxTileBytes ?? 16 * 1024 * 1024,
      lanes: engine?.lanes ?? 2,
      keeps: engine?.keeps ?? false,
      seed: options.seed,
      title: options.title,
      text: text ?? printDocument(document),
    });
  }

  return {
    ...createInspector({
      opened: (id) => models.get(id),
      engine: () => platform.measuring?.() ?? platform.engine("cpu").then(({ engine }) => engine),
      isMerging: () => running !== null,
    }),

    ...createHubDoor({
      endpoint: platform.hub ?? HUB.endpoint,
      storage: () => platform.storage(),
      admit: (id, name, files, place) => admit(id, name, files, (base) => identityAt(place, files.keys(), base), place),
    }),

    open: async ({ id, name, files }) => {
      const sources = new Map(
        files.map(({ path, file }) => [path.split("/").at(-1) ?? path, fromBlob(file.name, file)]),
      );
      return admit(id, name, sources, (base) => identityOf(files, base), null);
    },

    close: async (id) => {
      models.delete(id);
    },

    rename: async (id, name) => {
      const known = models.get(id);
      if (known !== undefined) models.set(id, { ...known, name, model: { ...known.model, ref: name } });
    },

    plan: async (document, options) => {
      overtake();
      try {
        const loaded = await modelsFor(document);
        const missing = modelsOfDocument(document).filter((ref) => !loaded.has(ref));
        if (missing.length > 0) return { errors: [], missing, diagnostics: [] };
        return summarisePlan(await planFor(document, options, null));
      } catch (error) {
        if (error instanceof WeightloomError) return refusal(error);
        throw error;
      }
    },

    preflight: async (document, options) => {
      overtake();
      // A merge has the engine to itself, and a mixture's weights are mostly copies. What is on the Hub is not downloaded for advice.
      if (running !== null || document.kind === "moe" || isDistant(document)) return [];
      const mine = new AbortController();
      looking = mine;
      const { engine } = await engineFor(options.engine);
      const plan = await planFor(document, options, engine);
      throwIfAborted(mine.signal);
      const notes = await preflight(plan, engine, mine.signal);
      return notes.map(({ severity, text }) => ({ severity, text }));
    },

    diagnose: async (document) => diagnose(await modelsFor(document, true), wishOf(document)),

    kinship: async (document) => {
      const opened = await modelsFor(document, true);
      const { base } = wishOf(document);
      const reference = base !== null && opened.has(base) ? base : [...opened.keys()][0];
      return reference === undefined || opened.size < 2 ? null : kinship(opened, reference);
    },

    merge: async (document, text, options, target, job, onProgress) => {
      overtake();
      if (running !== null)
        throw new WeightloomError("MergeError", "A merge is running already. Wait for it or cancel it first.");
      const now: Running = {
        controller: new AbortController(),
        gate: createGate(),
        clock: createClock(),
        go: null,
        engine: null,
      };
      running = now;
      let held: OpenJob | null = null;
      let isWhole = false;
      try {
        held = await openJob(await platform.storage(), job).catch(withoutJournal);
        // Where it began is where it goes on: two engines may round differently.
        const before = held?.left?.identity.engine;
        const { engine } = await engineFor(before === undefined ? options.engine : before === "cpu" ? "cpu" : "gpu");
        now.engine = engine;
        const plan = await planFor(document, options, engine, text);
        const inputs = inputsOf(await modelsFor(document, true));
        // Nothing is kept between sweeps, so that any of them can be computed again by itself.
        const anew = () => planFor(document, options, null, text);
        const merged = await merge({ plan, anew, engine, options, target, text, inputs }, held, now, onProgress);
        isWhole = true;
        return merged;
      } finally {
        now.engine?.ease?.(false);
        // After a merge that failed a lane may still be writing there.
        if (now.engine !== null) isWhole ? letGoLater(now.engine) : void letGo(now.engine);
        running = null;
        await held?.release();
      }
    },

    pause: async () => {
      if (running === null || !running.gate.isOpen) return;
      running.gate.close();
      running.go = running.clock.rest();
    },

    resume: async () => {
      running?.go?.();
      running?.gate.open();
    },

    ease: async (isEased) => running?.engine?.ease?.(isEased),

    left: async () => jobsLeft(await platform.storage()),

    discard: async (job, target) => {
      const storage = await platform.storage();
      const held = await openJob(storage, job);
      const { folder } = held.left?.finished.runs.at(-1) ?? {};
      await held.release();
      if (target !== null && target.kind !== "file" && typeof folder === "string") {
        const parent = target.kind === "private" ? storage : target.handle;
        await parent.removeEntry(folder, { recursive: true }).catch(() => {});
      }
      await forgetJob(storage, job);
    },

    cancel: async () => {
      running?.controller.abort(new DOMException("The merge was cancelled.", "AbortError"));
    },

    engine: async (want): Promise<EngineInfo> => {
      const { engine, speed, because } = await engineFor(want);
      return { kind: engine.kind, name: engine.name, speed: speed ?? (await measured(engine)), because };
    },

    results: async () => giveResult(await platform.storage()),
  };

  async function merge(
    { plan, anew, engine, options, target, text, inputs }: Wanted,
    held: OpenJob | null,
    { controller: { signal }, gate, clock }: Running,
    onProgress: (progress: RunProgress) => void,
  ): Promise<RunReport> {
    const identity = identityOfRun(plan, {
      engine: engine.kind === "cpu" ? "cpu" : engine.name,
      recipe: text,
      seed: options.seed,
      shardBytes: options.shardBytes,
      title: options.title,
      inputs,
    });
    const place = await placeFor(target, options, plan, folderOf(held?.left));
    const started = performance.now();
    let last = 0;
    let trouble: string | null = null;
    const tell = (event: RunEvent) => {
      last = performance.now();
      onProgress({
        ...event,
        readTotal: plan.readBytes,
        writeTotal: plan.writeBytes,
        tensorsTotal: plan.tensors.length,
        seconds: (last - started - gate.closedFor()) / 1000,
        trouble,
      });
    };
    try {
      const journal = held?.begin(identity, {
        at: Date.now(),
        folder: place.folder.name,
        tensors: plan.tensors.length,
      });
      const planned = target.kind === "file" ? { ...plan, extras: [] } : plan;
      const result = await run(planned, {
        engine,
        folder: place.folder,
        memory: Math.min(options.memory, MEMORY_CAP),
        asked: target.kind === "file" ? undefined : { seed: options.seed, shardBytes: options.shardBytes },
        signal,
        clock,
        gate,
        journal,
        onTrouble: (sentence) => {
          trouble = sentence;
          last = 0;
        },
        onEvent: (event) => {
          if (performance.now() - last >= TOLD) tell(event);
        },
      }).finally(place.end);
      // The last event of the run may have come too soon after another to be told, or there was nothing left to write.
      const { readBytes, keptBytes } = result;
      tell({ readBytes, keptBytes, writtenBytes: plan.writeBytes, tensor: "", tensorsDone: plan.tensors.length });
      const seconds = result.seconds;
      const profile = clock.report();
      const files = await place.reopen();
      const measuring = await platform.measuring?.();
      const report = await verify(new Map([...files].map(([name, file]) => [name, fromBlob(name, file)])), {
        plan: await anew(),
        engine: createPlainEngine(),
        numbers: measuring ?? engine,
        signal,
      }).finally(() => measuring?.close());
      return {
        seconds,
        engine: engine.name,
        merged: plan.tensors.filter((tensor) => tensor.action === "merge").length,
        copied: plan.tensors.filter((tensor) => tensor.action === "copy").length,
        readBytes: result.readBytes,
        writtenBytes: result.writtenBytes,
        keptBytes: result.keptBytes,
        folder: place.folder.name,
        files: [...files].map(([name, file]) => ({ name, size: file.size })),
        verify: {
          ...report,
          checks: [...report.checks, ...agreementOf(result.checked).map((text) => ({ ok: true, text }))],
        },
        remarks: result.remarks,
        troubles: result.troubles,
        unsound: soundnessOf(result.unsound, plan.method.title),
        checked: result.checked,
        profile,
      };
    } catch (error) {
      place.end();
      if (held?.isKept !== true) await place.discard();
      throw error;
    }
  }

  /** @param before the folder that an earlier run of the same merge made */
  async function placeFor(target: Target, options: OutputOptions, plan: Plan, before: string | null): Promise<Place> {
    if (target.kind === "file") {
      if (plan.files.length > 1)
        throw new WeightloomError(
          "PlanError",
          `The plan has ${plan.files.length} weight files, and one file was picked. Choose a folder, or set the shard size to "one file".`,
        );
      const { handle } = target;
      const folder = fileFolder(handle);
      return {
        folder,
        reopen: async () => new Map([[plan.files[0]?.name ?? handle.name, await handle.getFile()]]),
        discard: async () => {},
        end: () => {},
      };
    }
    const isPrivate = target.kind === "private";
    const parent = isPrivate ? await platform.storage() : target.handle;
    const fresh = () =>
      isPrivate
        ? roomForResult(
            parent,
            plan.files.map(({ name }) => name),
          )
        : freshFolder(parent, folderName(options.title));
    const directory = before === null ? await fresh() : await foundAgain(parent, before);
    const scribe = isPrivate ? (platform.scribe?.() ?? scribeHere) : null;
    return {
      folder: scribe === null ? directoryFolder(directory) : privateFolder(directory, scribe),
      end: () => scribe?.end(),
      reopen: async () => {
        const files = new Map<string, File>();
        for await (const handle of directory.values())
          if (handle.kind === "file") files.set(handle.name, await handle.getFile());
        return files;
      },
      discard: async () => {
        await parent.removeEntry(directory.name, { recursive: true }).catch(() => {});
      },
    };
  }
}

async function foundAgain(parent: FileSystemDirectoryHandle, name: string): Promise<FileSystemDirectoryHandle> {
  return parent.getDirectoryHandle(name).catch((cause: unknown) => {
    throw new WeightloomError(
      "FileError",
      `The folder "${name}" with what is finished cannot be opened (${messageOf(cause)}). Put it back, or discard this merge and begin anew.`,
      { cause },
    );
  });
}

/** The folder an earlier run of the same merge wrote to. */
function folderOf(left: ParsedJournal | null | undefined): string | null {
  const { folder } = left?.finished.runs.at(-1) ?? {};
  return typeof folder === "string" ? folder : null;
}

/** A browser that keeps nothing can still merge; what it is interrupted in is then lost. */
function withoutJournal(error: unknown): null {
  if (error instanceof WeightloomError) throw error;
  return null;
}

/** The merge that is running. */
interface Running {
  readonly controller: AbortController;
  readonly gate: Gate;
  readonly clock: Clock;
  /** Ends the pause for the clock. */
  go: (() => void) | null;
  engine: Engine | null;
}

interface Wanted {
  readonly plan: Plan;
  /** The same without anything kept between sweeps. */
  anew(): Promise<Plan>;
  readonly engine: Engine;
  readonly options: OutputOptions;
  readonly target: Target;
  readonly text: string;
  readonly inputs: readonly InputFile[];
}

interface Place {
  readonly folder: Folder;
  /** Nothing more is written. */
  end(): void;
  reopen(): Promise<Map<string, File>>;
  /** Removes the folder made for this run. */
  discard(): Promise<void>;
}

/** A title as a folder name every system takes. */
export function folderName(title: string): string {
  const plain = title
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
  return plain.slice(0, 80) || "merge";
}
