/**
 * What the page may ask of weights, beside planning and merging: figures of a tensor, a survey of all tensors of some
 * models, a model's papers. Plain data, types only; part of the door in `api.ts`.
 */
import type { Figures } from "../core/run/figures.ts";
import type { Moves } from "../core/run/sums.ts";

export type { Figures } from "../core/run/figures.ts";
export type { Move, Moves, Pairing } from "../core/run/sums.ts";

/** One tensor of a model, perhaps beside the same tensor of another. */
export interface FiguresAsk {
  /** A word of the caller's own to stop it by. */
  readonly job: string;
  readonly model: string;
  readonly against: string | null;
  readonly tensor: string;
  /** Look at every element; otherwise at a million of them. */
  readonly exact: boolean;
}

export interface TensorFigures {
  /** Elements the tensor has. `own.looked` of them were looked at. */
  readonly elements: number;
  readonly own: Figures;
  /** The model's tensor minus the other's, and how the two lie to each other (the other is the reference). */
  readonly difference: { readonly figures: Figures; readonly moves: Moves } | null;
  /** Why there is no difference although one was asked for: "missing", "[4,8] and [4,9]" ... */
  readonly apart: string | null;
}

/** All tensors of a reference and, where they are comparable, of other models. */
export interface SurveyAsk {
  readonly job: string;
  readonly reference: string;
  readonly models: readonly string[];
  /** Elements of each tensor to look at, at most. */
  readonly most: number;
  /** Whether it waits while a merge is running. */
  readonly isPatient: boolean;
}

/** `apart` says why a tensor has no moves. */
export type SurveyRow = { readonly name: string } & (
  | { readonly moves: Moves; readonly apart: null }
  | { readonly moves: null; readonly apart: string }
);

/** Stable ranks of a model's matrices, or of what they are apart from another model's; see core/run/rank.ts. */
export interface RanksAsk {
  readonly job: string;
  readonly model: string;
  readonly against: string | null;
  /** One of them; null for all. */
  readonly tensor: string | null;
}

export interface RankRow {
  readonly name: string;
  /** Null where there is nothing to say: equal matrices, other shapes, integers. */
  readonly rank: number | null;
  /** The highest it could be. */
  readonly most: number;
}

export interface ModelPapers {
  /** The weight files' own metadata, in order. */
  readonly metadata: readonly (readonly [key: string, value: string])[];
  /** The files beside the weights that are text. */
  readonly documents: readonly { readonly name: string; readonly size: number }[];
}

export interface DocumentText {
  readonly text: string;
  /** Whether that is all of it. */
  readonly isWhole: boolean;
}

export interface Inspection {
  papers(model: string): Promise<ModelPapers>;
  /** A document's text, or the beginning of a long one. */
  document(model: string, name: string): Promise<DocumentText>;
  /** Rejects with AbortError when it is stopped. `onProgress` hears shares from 0 to 1. */
  figures(ask: FiguresAsk, onProgress: (share: number) => void): Promise<TensorFigures>;
  /** Hands over rows as they are found, some ten times a second. Rejects with AbortError when it is stopped. */
  survey(ask: SurveyAsk, onRows: (rows: readonly SurveyRow[]) => void): Promise<void>;
  /** Every element of every matrix is read, so it takes its time and waits for merges. Rejects with AbortError when it is stopped. */
  ranks(ask: RanksAsk, onRow: (row: RankRow) => void): Promise<void>;
  /** Ends the job of that name, if there is one. */
  stop(job: string): Promise<void>;
}
