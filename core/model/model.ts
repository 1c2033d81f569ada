/**
 * A checkpoint as a model: what family it is, how many layers it has, what each tensor is for. All of
 * it read from headers, names and config.json; no weight is touched.
 */
import type { ByteSource } from "../bytes/source.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** What a tensor is for; the lanes of the mixer. */
export type Kind = "attention" | "mlp" | "norm" | "embedding" | "head" | "other";

/** The order in which lanes are tried; the first whose filter matches has the tensor. */
export const LANES = ["norm", "embedding", "head", "attention", "mlp"] as const satisfies readonly Kind[];

/** Where a tensor sits. */
export interface Place {
  readonly kind: Kind;
  /**
   * The stack of numbered layers it belongs to, by its name prefix ("model.layers", "decoder.block"), or
   * null for embeddings, final norm, head.
   */
  readonly stack: string | null;
  /** 0-based layer in that stack; null outside a stack. */
  readonly layer: number | null;
  /** What is left of the name after the layer ("self_attn.q_proj.weight"), or the whole name. */
  readonly part: string;
  /** Outside a stack: before the layers (embeddings) or after them (final norm, head). */
  readonly end: "before" | "after" | null;
}

export interface Stack {
  /** Name prefix up to the layer number, without the dot; a label when the stack is fixed. */
  readonly prefix: string;
  readonly layers: number;
  /**
   * True when the layers have an order but cannot change places: their names are not `prefix.number.part`
   * and their shapes differ (the blocks of a UNet).
   */
  readonly fixed?: boolean;
  /** What people call its layers, in order ("IN00", "M00", "D18"); absent where numbers are their names. */
  readonly blocks?: readonly string[];
}

/** Two names for one matrix: suffixes of the tensor that may be missing and of the one that stands in. */
export type Tie = readonly [missing: string, present: string];

export interface Family {
  /** "llama", "qwen3", "gpt2", "sd-unet", "generic" ... */
  readonly id: string;
  readonly title: string;
  /** Dotted path of the number of layers in config.json, per stack prefix; absent when unknown. */
  readonly layerKeys: Readonly<Record<string, string>>;
  /**
   * For the mixer: substrings per lane that select its tensors in a recipe filter. Lanes must be tried in
   * the order of `LANES` (`q_norm` is a norm before it is attention); only those that occur are there.
   */
  readonly filters: Readonly<Partial<Record<Kind, readonly string[]>>>;
  /** Tied weights of this family; see `tied.ts`. */
  readonly tied?: readonly Tie[];
  /** True for image models: a tokenizer and a chat template are no matter of theirs. */
  readonly wordless?: boolean;
  place(name: string): Place;
}

export interface Model {
  /** What recipes call it. */
  readonly ref: string;
  readonly checkpoint: Checkpoint;
  /** config.json, or null for bare weights. */
  readonly config: JsonObject | null;
  /** Keys of config.json with whole numbers written as floats; see `floats.ts`. */
  readonly floats?: ReadonlySet<string>;
  readonly family: Family;
  /** The main one first: language before vision and audio, then by number of tensors. */
  readonly stacks: readonly Stack[];
  /** Short fingerprint of the tokenizer's file, or null when there is none. */
  readonly tokenizer: string | null;
  /** Elements in all tensors. */
  readonly parameters: number;
  /** Bytes of all weight files. */
  readonly bytes: number;
  /** Other small files of its folder, by name: tokenizer, generation config, model card. */
  readonly extras: ReadonlyMap<string, ByteSource>;
  readonly licence: string | null;
  /** Where it was read from, when that was the Hub. */
  readonly origin?: { readonly repo: string; readonly commit: string };
  /** The base its card names; null or absent when nobody says. */
  readonly basedOn?: string | null;
}
