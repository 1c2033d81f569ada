/**
 * The plan is the program: every byte range, pass, tile, output offset and memory figure of a merge,
 * decided from headers, recipe and limits before a weight is read. Plain data; the run only obeys.
 */
import type { Dtype, FloatDtype, OutputDtype } from "../bytes/dtype.ts";
import type { ByteRange, ByteSource } from "../bytes/source.ts";
import type { TensorInfo } from "../formats/checkpoint.ts";
import type { Pass } from "../graph/passes.ts";
import type { PlaneBits } from "../graph/program.ts";
import type { Scalar } from "../graph/tensor.ts";
import type { AnyMethod } from "../method.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { TokenizerPlan } from "../tokenizer/plan.ts";

/** Where a byte lands: output file number and offsets in it. */
export interface Placement {
  readonly file: number;
  readonly range: ByteRange;
}

interface TensorCommon {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly output: Placement;
}

/** Copied byte for byte; never visits a kernel. */
export interface CopyPlan extends TensorCommon {
  readonly action: "copy";
  /** The bytes of the source tensor that are taken. */
  readonly from: {
    readonly source: ByteSource;
    readonly range: ByteRange;
    /** What the recipe calls the model; null where the bytes were made for the plan. */
    readonly ref: string | null;
  };
  /** Why it is a copy, in a few words ("integers", "only in the base"). */
  readonly because: string;
}

export interface InputPlan {
  readonly ref: string;
  readonly info: TensorInfo;
  readonly dtype: FloatDtype;
  /** Absolute byte offset of its first element. */
  readonly start: number;
}

export interface MergePlan extends TensorCommon {
  readonly action: "merge";
  readonly dtype: OutputDtype;
  readonly count: number;
  readonly inputs: readonly InputPlan[];
  /** Values of the method's parameters for this tensor, for show. */
  readonly params: { readonly merge: ParamValues; readonly models: Readonly<Record<string, ParamValues>> };
  readonly passes: readonly Pass[];
  readonly watched: readonly Watched[];
  /** Elements per tile, a multiple of BLOCK. */
  readonly tile: number;
  /** True when its input bytes stay in memory between passes and are read once. */
  readonly resident: boolean;
  /** What is kept between sweeps beside the inputs: bits per element of each plane. */
  readonly planes: readonly PlaneBits[];
  /** Key of its random streams. */
  readonly seed: readonly [number, number];
}

export type ParamValues = Readonly<Record<string, number | boolean | string | null>>;
/** A number the method settles on, to be reported when the tensor is done: see MergeMethod.remarks. */
export interface Watched {
  readonly id: string;
  readonly value: Scalar;
}
export type TensorPlan = CopyPlan | MergePlan;

export interface FilePlan {
  /** "model.safetensors" or "model-00001-of-00004.safetensors". */
  readonly name: string;
  /** Length prefix, JSON and padding: the first bytes of the file. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** Whole size in bytes. */
  readonly size: number;
}

/** A small file beside the weights. */
export interface ExtraPlan {
  readonly name: string;
  /** Made by the plan, or copied from a source. */
  readonly content: Uint8Array<ArrayBuffer> | ByteSource;
  readonly from: string;
}

export interface Note {
  readonly severity: "info" | "warning";
  readonly text: string;
  readonly tensor?: string;
}

export interface Plan {
  /** The document; of a mixture of experts only what both kinds have. */
  readonly recipe: Partial<Recipe>;
  /** What made it, for show. */
  readonly method: Pick<AnyMethod, "id" | "title" | "summary" | "use" | "reference" | "remarks">;
  /** In output order. */
  readonly tensors: readonly TensorPlan[];
  readonly files: readonly FilePlan[];
  readonly extras: readonly ExtraPlan[];
  /** Bytes the run will read from weight files, every pass counted. */
  readonly readBytes: number;
  /** Bytes the run will write, headers and small files included. */
  readonly writeBytes: number;
  /** Bytes of buffers in flight at the worst moment. */
  readonly peakBytes: number;
  readonly parameters: number;
  readonly layers: number;
  readonly notes: readonly Note[];
}

export interface PlanOptions {
  readonly methods: ReadonlyMap<string, AnyMethod>;
  /** Largest weight file, bytes. Infinity: a single file. */
  readonly shardBytes: number;
  /** Budget for buffers, bytes. */
  readonly memory: number;
  /** Sum of a tile's input bytes at most; the engine's figure. */
  readonly maxTileBytes: number;
  /** Tiles the engine works on at once. */
  readonly lanes: number;
  /** The engine may keep masks between sweeps. */
  readonly keeps?: boolean;
  readonly seed: number;
  /** YAML text to save beside the weights; printed from the recipe when absent. */
  readonly text?: string;
  /** Name of the output, for the model card. */
  readonly title?: string;
  /** From planTokenizer; null or absent when the recipe says nothing about tokenizer and chat template. */
  readonly tokenizer?: TokenizerPlan | null;
}
