/**
 * What a merge method is. A method is one object: a schema for its parameters and the formula of its
 * paper over lazy tensors. The form in the studio, the check of a recipe, the command-line help, the
 * reference docs, the WGSL and the SIMD program all come from it.
 */
import type { Scalar, Tensor } from "./graph/tensor.ts";

interface ParamCommon {
  /** "merge": one value per output tensor. "model": one per input model as well. */
  readonly per: "merge" | "model";
  readonly title: string;
  /** One sentence for the hover. */
  readonly help: string;
  /** Seldom changed: shown on request. */
  readonly rare?: boolean;
}

export interface NumberParam extends ParamCommon {
  readonly kind: "number";
  /** Null: must be given. */
  readonly default: number | null;
  /** The range a slider offers. Recipes may leave it unless `hard` is set. */
  readonly min: number;
  readonly max: number;
  readonly hard?: boolean;
  /** The range papers and practice report good results in; values outside are remarked on, not refused. */
  readonly usual?: readonly [number, number];
  readonly step?: number;
  /** Words for the two ends, e.g. ["base", "full"]. */
  readonly ends?: readonly [string, string];
}

export interface FlagParam extends ParamCommon {
  readonly kind: "flag";
  readonly default: boolean;
}

/** One word of a few. */
export interface ChoiceParam extends ParamCommon {
  readonly kind: "choice";
  readonly default: string;
  readonly options: readonly { readonly value: string; readonly title: string }[];
}

export type Param = NumberParam | FlagParam | ChoiceParam;
export type ParamSchema = Readonly<Record<string, Param>>;

type Of<P extends Param> = P extends FlagParam
  ? boolean
  : P extends ChoiceParam
    ? P["options"][number]["value"]
    : P extends { default: number }
      ? number
      : number | null;
/** The values of the parameters of one scope. */
export type ValuesOf<S extends ParamSchema, Scope extends "merge" | "model"> = {
  readonly [K in keyof S as S[K]["per"] extends Scope ? K : never]: Of<S[K]>;
};

export interface MergeInput<S extends ParamSchema = ParamSchema> {
  readonly tensor: Tensor;
  /** 0-based position in the recipe; the stream of random numbers. */
  readonly index: number;
  readonly params: ValuesOf<S, "model">;
}

export interface MergeInputs<S extends ParamSchema = ParamSchema> {
  /** The base model's tensor, or null when the method has none (or it is optional and not given). */
  readonly base: Tensor | null;
  /** In recipe order, without the base where the method has one. */
  readonly models: readonly MergeInput<S>[];
  readonly params: ValuesOf<S, "merge">;
  /** Elements in the tensor. */
  readonly count: number;
  /** Elements in a row: the last axis; all of them where there is one axis. */
  readonly columns: number;
  readonly shape: readonly number[];
  /** Where in the result's layers it is, 0 (first) to 1 (last); null outside the layers. */
  readonly depth: number | null;
  /** The name of the tensor, for sentences. */
  readonly name: string;
  /** True when the recipe asks for mergekit's own behaviour where ours is better (`compat: mergekit`). */
  readonly compat: boolean;
  /** Has a number kept that the method settles on anyway; `remarks` turns all tensors' into sentences. */
  watch(id: string, value: Scalar): void;
}

/** The parameters that hold for one tensor, models in recipe order. */
export interface Resolved<S extends ParamSchema = ParamSchema> {
  readonly merge: ValuesOf<S, "merge">;
  readonly models: readonly ValuesOf<S, "model">[];
}

/** How much of each model is in the result where the models agree; the rest is the base's. */
export type Shares = readonly number[];

/** What a method has to say about numbers it settled on, over all tensors of a merge. */
export type Remark = (values: readonly { readonly tensor: string; readonly value: number }[]) => string | null;

export interface MergeMethod<S extends ParamSchema = ParamSchema> {
  /** As in `merge_method:`. */
  readonly id: string;
  readonly title: string;
  /** One sentence: what it does. */
  readonly summary: string;
  /** One sentence: when to use it. */
  readonly use: string;
  readonly reference: string;
  /** The formula in plain text, for the reference docs; may have several lines. */
  readonly formula?: string;
  /** Where it differs from mergekit's method of that name, one or two sentences. */
  readonly differs?: string;
  /** "optional": used when the recipe names one. "none": a base that is listed is a model like the others. */
  readonly base: "required" | "optional" | "none";
  /** How many models besides the base. */
  readonly models: { readonly min: number; readonly max?: number };
  /**
   * Two tensors of the same embedding may differ in rows (vocabulary). "common": all are cropped to the
   * smallest; "base": larger ones are cropped to the base, smaller ones refused; "refuse".
   */
  readonly rows: "common" | "base" | "refuse";
  readonly params: S;
  /** True for the one to try first with models whose merge nobody has measured. */
  readonly first?: true;
  /** The nominal share of each model for one tensor; absent where no such number exists. */
  shares?(resolved: Resolved<S>): Shares;
  /** Sentences about parameters that are allowed and yet unlikely to be meant, over all merged tensors. */
  advice?(tensors: readonly Resolved<S>[]): readonly string[];
  /** By the ids given to `watch`. */
  readonly remarks?: Readonly<Record<string, Remark>>;
  /**
   * The formula. Returns the merged tensor, or an input unchanged (then bytes are copied).
   * Throws a PlanError for values it cannot take.
   */
  merge(inputs: MergeInputs<S>): Tensor;
}

// biome-ignore lint/suspicious/noExplicitAny: a list of methods holds every schema
export type AnyMethod = MergeMethod<any>;

export function defineMethod<const S extends ParamSchema>(method: MergeMethod<S>): MergeMethod<S> {
  return method;
}

type NumberBlank<D extends number | null> = Partial<Omit<NumberParam, "kind" | "default">> & {
  readonly default: D;
  readonly help: string;
};

export function number<const P extends "merge" | "model", const D extends number | null>(
  per: P,
  blank: NumberBlank<D>,
): NumberParam & { readonly per: P; readonly default: D } {
  return { kind: "number", title: "", min: 0, max: 1, ...blank, per } as never;
}

export function flag<const P extends "merge" | "model">(
  per: P,
  blank: { readonly default: boolean; readonly title?: string; readonly help: string; readonly rare?: boolean },
): FlagParam & { readonly per: P } {
  return { kind: "flag", title: "", ...blank, per };
}

export function choice<const P extends "merge" | "model", const V extends string>(
  per: P,
  blank: {
    readonly default: V;
    readonly options: readonly { readonly value: V; readonly title: string }[];
    readonly title?: string;
    readonly help: string;
    readonly rare?: boolean;
  },
): ChoiceParam & { readonly per: P; readonly options: readonly { readonly value: V; readonly title: string }[] } {
  return { kind: "choice", title: "", ...blank, per };
}
