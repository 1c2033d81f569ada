/** A model as the doctor sees it: figures from config and headers, put together once. */
import type { TensorInfo } from "../formats/checkpoint.ts";
import { at } from "../model/config.ts";
import { type ModelFacts, modelFacts } from "../model/facts.ts";
import type { Model } from "../model/model.ts";

export interface Patient {
  readonly ref: string;
  readonly model: Model;
  readonly facts: ModelFacts;
  /** How positions past the trained length are handled, as its config writes it; null when it says nothing. */
  readonly ropeScaling: string | null;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

/** What the recipe wants of the models. */
export interface Wish {
  /** Gives config and tokenizer; null for the first model. */
  readonly base: string | null;
  /** Layers are chosen one by one: stacks, or modules of their own. */
  readonly sliced: boolean;
  /** "union", "base" or a model; null when files are carried over and rows are merged by number. */
  readonly tokenizer: string | null;
  /** What the method does where embeddings have different numbers of rows. */
  readonly rows: "common" | "base" | "refuse";
  /** True when the result's type is chosen. */
  readonly typed: boolean;
}

export function examine(ref: string, model: Model): Patient {
  const scaling =
    model.config === null
      ? undefined
      : (at(model.config, "rope_scaling") ?? at(model.config, "text_config.rope_scaling"));
  return {
    ref,
    model,
    facts: modelFacts(model),
    ropeScaling: scaling === undefined || scaling === null ? null : JSON.stringify(scaling),
    tensors: model.checkpoint.tensors,
  };
}
