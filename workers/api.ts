/**
 * What passes through the door between the page and the worker: plain data, types only. Tensors never
 * do. Failure is an exception whose `name` says what kind.
 */
import type { Dtype } from "../core/bytes/dtype.ts";
import type { Profile } from "../core/clock.ts";
import type { Diagnosis } from "../core/doctor/finding.ts";
import type { Kinship } from "../core/doctor/kin.ts";
import type { Family, Kind, Stack } from "../core/model/model.ts";
import type { Note } from "../core/plan/plan.ts";
import type { Document } from "../core/recipe/document.ts";
import type { Diagnostic } from "../core/recipe/recipe.ts";
import type { HubDoor, HubPlace } from "./hubdoor.ts";
import type { Inspection } from "./inspection.ts";

export type * from "./hubdoor.ts";
export type * from "./inspection.ts";

export interface TensorRow {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly file: string;
  /** Offset of its first byte in the file. */
  readonly start: number;
  readonly kind: Kind;
  readonly stack: string | null;
  readonly layer: number | null;
  /** Name after the layer, or the whole name. */
  readonly part: string;
}

/** A model as the page knows it. */
export interface ModelSummary {
  /** Key of the model in the worker; what recipes call it is `name`. */
  readonly id: string;
  /** The same for the same files, whenever they are opened: what was computed of them may be kept under it. */
  readonly identity: string;
  readonly name: string;
  readonly family: Pick<Family, "id" | "title" | "wordless">;
  /** `fixed` stacks keep the order of their layers; see core/model/model.ts. */
  readonly stacks: readonly Stack[];
  readonly parameters: number;
  readonly bytes: number;
  /** Float types present, commonest first. */
  readonly dtypes: readonly Dtype[];
  readonly hidden: number | null;
  readonly vocabulary: number | null;
  readonly licence: string | null;
  readonly tokenizer: string | null; // short fingerprint of tokenizer.json, or null
  readonly files: readonly string[];
  /** A substring per lane that selects its tensors in a recipe filter. */
  readonly filters: Readonly<Partial<Record<Kind, readonly string[]>>>;
  readonly tensors: readonly TensorRow[];
  /** Where on the Hub its files are; absent when they are on this machine. */
  readonly hub?: HubPlace;
}

/** What the page hands over: files of one model, relative paths kept. */
export interface ModelFiles {
  readonly id: string;
  readonly name: string;
  readonly files: readonly { readonly path: string; readonly file: File }[];
}

export interface OutputOptions {
  /** Bytes; null for one file. */
  readonly shardBytes: number | null;
  readonly memory: number;
  readonly seed: number;
  readonly title: string;
  readonly engine: "auto" | "gpu" | "cpu";
}

/** Something worth knowing before a merge. */
export type PlanNote = Pick<Note, "severity" | "text">;

export interface PlanSummary {
  readonly merged: number;
  readonly copied: number;
  readonly readBytes: number;
  readonly writeBytes: number;
  /** Memory of the tab at the worst moment, about. */
  readonly memoryBytes: number;
  readonly parameters: number;
  readonly layers: number;
  /** Tokens the result's config speaks of; null where it has none. */
  readonly vocabulary: number | null;
  readonly files: readonly { readonly name: string; readonly size: number }[];
  readonly notes: readonly PlanNote[];
}

/** Why a recipe cannot be planned: sentences, with places in the text when they have one. */
export interface PlanRefusal {
  readonly errors: readonly string[];
  readonly missing: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface EngineInfo {
  readonly kind: "cpu" | "gpu";
  readonly name: string;
  /** Output bytes per second in the calibration, null where it could not run. */
  readonly speed: number | null;
  /** Why this one was chosen, as a sentence. */
  readonly because: string;
}

export type Target =
  /** A picked directory: sharded or single, plus the small files. */
  | { readonly kind: "folder"; readonly handle: FileSystemDirectoryHandle }
  /** One picked .safetensors file: weights only. */
  | { readonly kind: "file"; readonly handle: FileSystemFileHandle }
  /** Private storage; files are offered for download afterwards. */
  | { readonly kind: "private" };

/** A merge that a killed, crashed or failed run left unfinished. */
export interface Left {
  readonly id: string;
  /** When its last run began, milliseconds since 1970. */
  readonly at: number;
  /** What it writes to, inside the picked folder or private storage. */
  readonly folder: string;
  readonly tensors: number;
  readonly tensorsTotal: number;
  /** Weight files that are closed. */
  readonly files: number;
  readonly filesTotal: number;
  /** Rounds of numbers of the whole model that are known. */
  readonly rounds: number;
  /** Names of the models it reads. */
  readonly models: readonly string[];
}

export interface RunProgress {
  readonly readBytes: number;
  /** Of the result, with what an earlier run of the same merge wrote. */
  readonly writtenBytes: number;
  /** What earlier runs wrote. */
  readonly keptBytes: number;
  /** Planned totals. */
  readonly readTotal: number;
  readonly writeTotal: number;
  readonly tensor: string;
  readonly tensorsDone: number;
  readonly tensorsTotal: number;
  readonly seconds: number;
  /** What went wrong last, in a sentence, although the merge goes on. */
  readonly trouble: string | null;
}

export interface VerifyReport {
  readonly ok: boolean;
  /** One line each: what was checked and what was found. */
  readonly checks: readonly { readonly ok: boolean; readonly text: string }[];
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
  readonly notFinite: number;
}

export interface RunReport {
  readonly seconds: number;
  readonly engine: string;
  readonly merged: number;
  readonly copied: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Of them, written by earlier runs of the same merge. */
  readonly keptBytes: number;
  /** The folder it made inside the one that was picked, or the picked file. */
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly size: number }[];
  readonly verify: VerifyReport;
  /** What the method has to say about numbers it settled on. */
  readonly remarks: readonly string[];
  /** What went wrong, in sentences, although the merge went on to its end. */
  readonly troubles: readonly string[];
  /** Which tensors have NaN or infinity, of which models, and what the merge made of them: sentences. */
  readonly unsound: readonly string[];
  /** Tiles of the GPU that the CPU computed too; null where the CPU did it all. */
  readonly checked: number | null;
  /** Where the time went. */
  readonly profile: Profile;
}

export interface StudioHost extends Inspection, HubDoor {
  /**
   * Reads headers and config.json of one model's files. Those of a LoRA adapter open as a model of their own, named
   * `base+adapter`, when a base they fit is open; rejects with a sentence otherwise.
   */
  open(model: ModelFiles): Promise<ModelSummary>;
  close(id: string): Promise<void>;
  /** Changes what recipes call a model. */
  rename(id: string, name: string): Promise<void>;
  /** Plans without reading a weight. Never throws for a recipe that cannot be planned. */
  plan(document: Document, options: OutputOptions): Promise<PlanSummary | PlanRefusal>;
  /**
   * What a sample of the weights tells of a document that can be planned; about a second. Rejects with AbortError when
   * another call to plan, preflight or merge overtakes it.
   */
  preflight(document: Document, options: OutputOptions): Promise<readonly PlanNote[]>;
  /** Can the models of a document merge? From headers and configs alone; those that are not open are passed over. */
  diagnose(document: Document): Promise<Diagnosis>;
  /** Do they share an ancestor? From a few thousand weights; null where there are not two models to compare. */
  kinship(document: Document): Promise<Kinship | null>;
  /**
   * One run at a time. `onProgress` is called at most ten times a second. `text` is saved as the recipe. What is finished is
   * kept under `job`, a name of the caller's: a run of the same job goes on where the last one was killed or failed.
   */
  merge(
    document: Document,
    text: string,
    options: OutputOptions,
    target: Target,
    job: string,
    onProgress: (progress: RunProgress) => void,
  ): Promise<RunReport>;
  /** Begins no new tile until `resume`; what is under way is finished and written. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Leaves a core to the page as long as the merge is eased. */
  ease(isEased: boolean): Promise<void>;
  /** Merges that can be gone on with, and the names of those that are going on now, in whatever tab. */
  left(): Promise<{ readonly left: readonly Left[]; readonly running: readonly string[] }>;
  /** Removes what a merge left, where its target may be written; of one picked file there is nothing. */
  discard(job: string, target: Target | null): Promise<void>;
  /** Cancels the run; its promise rejects with AbortError once nothing is left behind. */
  cancel(): Promise<void>;
  engine(want: "auto" | "gpu" | "cpu"): Promise<EngineInfo>;
  /** Files of the last private run. Whoever asks is taken to read them until the next one. */
  results(): Promise<readonly File[]>;
}
