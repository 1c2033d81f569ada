/**
 * The inputs of one merged tensor. A stored tensor gets a number; a tensor that an earlier recipe makes is not stored
 * anywhere, so its expression takes its place, over the inputs it is made from.
 */
import type { FloatDtype } from "../bytes/dtype.ts";
import { WeightloomError } from "../errors.ts";
import type { TensorInfo } from "../formats/checkpoint.ts";
import { substitution } from "../graph/substitute.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import type { Drafting, MergeDraft, Present } from "./merge.ts";
import type { InputPlan, Watched } from "./plan.ts";

export interface Slots {
  readonly inputs: InputPlan[];
  /** What the method and the earlier recipes watch. */
  readonly watched: Watched[];
  /** The tensor of a source, as an expression over `inputs`. */
  slot(source: Present): Tensor;
}

export function createSlots({ made }: Pick<Drafting, "made">): Slots {
  const inputs: InputPlan[] = [];
  const watched: Watched[] = [];
  const known = new Map<TensorInfo, Tensor>();

  function stored(plan: InputPlan): Tensor {
    const at = inputs.findIndex((one) => one.info === plan.info && one.start === plan.start);
    return input(at >= 0 ? at : inputs.push(plan) - 1);
  }

  function slot({ info, label }: Present): Tensor {
    const before = known.get(info);
    if (before !== undefined) return before;
    const draft = made.get(info);
    const tensor =
      draft === undefined
        ? stored({ ref: label, info, dtype: info.dtype as FloatDtype, start: info.range.start })
        : unfolded(draft);
    known.set(info, tensor);
    return tensor;
  }

  function unfolded(draft: MergeDraft): Tensor {
    return substitution({ input: (index) => stored(draft.inputs[index]!), seed: draft.seed }).tensor(draft.expression);
  }

  return { inputs, watched, slot };
}

/** Rows are cut off stored tensors by reading less of them; numbers of a whole tensor would change with it. */
export function refuseCutting({ info, label }: Present, name: string, { made }: Pick<Drafting, "made">): void {
  if (!made.has(info)) return;
  throw new WeightloomError(
    "PlanError",
    `${name}: "${label}" is made by another recipe of this file and has another vocabulary than the other models, so it would have to be cut before it is made. Give the recipes a tokenizer_source, or write "${label}" to a folder first and use that.`,
  );
}
