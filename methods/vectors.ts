/**
 * Methods on task vectors are one pipeline: take each model's task vector, thin it out, perhaps
 * rescale it, mix, add to the base. They differ in the thinning, the mixing and two defaults.
 */
import type { Tensor } from "../core/graph/tensor.ts";
import { flag, type MergeInputs, type MergeMethod, number } from "../core/method.ts";
import { apply, electedSum, rescaleL1, taskVector, type Weighted, weightedSum } from "./steps.ts";

const schema = (normalize: boolean, rescale: boolean) => ({
  weight: number("model", {
    title: "weight",
    default: null,
    min: -1,
    max: 2,
    step: 0.01,
    ends: ["base", "full"],
    help: "How much of what this model learned is added: 0 leaves it out, 1 adds all of it, negative takes it away.",
  }),
  density: number("model", {
    title: "density",
    default: 1,
    min: 0,
    max: 1,
    hard: true,
    step: 0.01,
    ends: ["drop all", "keep all"],
    help: "The share of this model's changes that is kept before mixing.",
  }),
  normalize: flag("merge", {
    title: "normalize",
    default: normalize,
    help: "Divide the mix by the sum of the weights that went into it.",
  }),
  rescale: flag("merge", {
    title: "rescale",
    default: rescale,
    help: "After thinning, scale what is left so that its total size (L1 norm) is as before.",
  }),
  lambda: number("merge", {
    title: "lambda",
    default: 1,
    min: 0,
    max: 3,
    step: 0.01,
    ends: ["base", "triple"],
    help: "Strength of the whole mix, applied last.",
  }),
  int8_mask: flag("merge", {
    title: "int8 mask",
    default: false,
    help: "Has no effect here; accepted because recipes for other tools carry it. Results are the same either way.",
  }),
});

export type VectorSchema = ReturnType<typeof schema>;

export interface Thinning {
  readonly delta: Tensor;
  readonly density: number;
  /** Position of the model: its stream of random numbers. */
  readonly stream: number;
  readonly count: number;
  readonly name: string;
}

interface Blank {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly use: string;
  readonly reference: string;
  /** What is kept of a task vector; returns it unchanged (the same object) to keep all. */
  readonly thin: (thinning: Thinning) => Tensor;
  readonly mix: "sum" | "elect";
  readonly normalize: boolean;
  readonly rescale: boolean;
}

export function vectorMethod({ thin, mix, normalize, rescale, ...blank }: Blank): MergeMethod<VectorSchema> {
  return {
    ...blank,
    base: "required",
    models: { min: 1 },
    rows: "base",
    params: schema(normalize, rescale),
    merge: ({ base, models, params, count, name }: MergeInputs<VectorSchema>) => {
      if (base === null) throw new Error("Internal error: the planner gave no base.");
      const taking = models.filter((model) => model.params.weight !== 0);
      if (taking.length === 0) return base;
      const parts = taking.map(({ tensor, index, params: own }): Weighted => {
        const delta = taskVector(tensor, base);
        const left = thin({ delta, density: own.density, stream: index, count, name });
        return { delta: params.rescale ? rescaleL1(left, delta) : left, weight: own.weight ?? 0 };
      });
      const mixed = mix === "elect" ? electedSum(parts, params.normalize) : weightedSum(parts, params.normalize);
      return apply(base, mixed, params.lambda);
    },
  };
}
