/**
 * Methods on task vectors are one pipeline: take each model's task vector, thin it out, perhaps
 * rescale it, mix, add to the base. They differ in the thinning, the mixing and two defaults.
 */
import type { Tensor } from "../core/graph/tensor.ts";
import {
  choice,
  flag,
  type MergeInputs,
  type MergeMethod,
  number,
  type ParamSchema,
  type Resolved,
  type ValuesOf,
} from "../core/method.ts";
import { sharesByWeight } from "./shares.ts";
import { rescaleByChance, type Thinned } from "./sparse.ts";
import { apply, electedSum, given, rescaleL1, taskVector, type Weighted, weightedSum } from "./steps.ts";
import { strengthAt, strengths } from "./strength.ts";

export const weightParam = number("model", {
  title: "weight",
  default: null,
  min: -1,
  max: 2,
  step: 0.01,
  ends: ["base", "full"],
  help: "How much of what this model learned is added: 0 leaves it out, 1 adds all of it, negative takes it away.",
});

/** Where every model counts fully unless a recipe says otherwise. */
export const equalWeight = { ...weightParam, default: 1 } as const;

export const densityParam = number("model", {
  title: "density",
  default: 1,
  min: 0,
  max: 1,
  hard: true,
  step: 0.01,
  ends: ["drop all", "keep all"],
  help: "The share of this model's changes that is kept before mixing.",
});

/** How methods that drop by chance make up for it. */
export const rescaleBy = {
  rescale_by: choice("merge", {
    rare: true,
    title: "rescale by",
    default: "l1",
    options: [
      { value: "l1", title: "size before and after (L1 norm)" },
      { value: "density", title: "chance of staying, as in the paper" },
    ],
    help: "With rescale on: l1 restores each tensor's total size exactly; density divides every survivor by its chance of staying.",
  }),
};

const schema = (normalize: boolean, rescale: boolean) => ({
  weight: weightParam,
  density: densityParam,
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
  ...strengths(1),
  int8_mask: flag("merge", {
    rare: true,
    title: "int8 mask",
    default: false,
    help: "Has no effect here; accepted because recipes for other tools carry it. Results are the same either way.",
  }),
});

export type VectorSchema = ReturnType<typeof schema>;

export interface Thinning<Own extends ParamSchema> {
  readonly delta: Tensor;
  readonly density: number;
  /** Position of the model: its stream of random numbers. */
  readonly stream: number;
  readonly count: number;
  readonly columns: number;
  readonly name: string;
  readonly compat: boolean;
  /** Values of the parameters that only this method has. */
  readonly own: ValuesOf<Own, "model"> & ValuesOf<Own, "merge">;
}

type Blank<Own extends ParamSchema> = Pick<
  MergeMethod,
  "id" | "title" | "summary" | "use" | "reference" | "formula" | "differs" | "first"
> & {
  /** Parameters besides those all have. */
  readonly params?: Own;
  /** What is kept of a task vector; leaves it unchanged (the same object) to keep all. */
  readonly thin: (thinning: Thinning<Own>) => Thinned;
  readonly mix: "sum" | "elect";
  readonly normalize: boolean;
  readonly rescale: boolean;
  /** Densities that papers and practice report good results with. */
  readonly densities?: readonly [number, number];
  /** Where weights are not normalised: what their sum should be near, and the sentence's subject. */
  readonly sum?: readonly [number, number];
};

/** Where all models changed the same: their weights' part of the mix, times its strength. */
const shares = ({ merge, models }: Resolved<VectorSchema>) =>
  sharesByWeight(models, merge.normalize, 1e-8).map((share) => merge.lambda * share);

/** Remarks on weights whose sum is far from what has worked, where nothing normalises them. */
function sumAdvice(title: string, [low, high]: readonly [number, number]) {
  return (tensors: readonly Resolved<VectorSchema>[]): string[] => {
    const sums = tensors
      .filter(({ merge }) => !merge.normalize)
      .map(({ models }) => models.reduce((sum, own) => sum + (own.weight ?? 0), 0));
    const odd = sums.filter((sum) => sum < low || sum > high);
    if (odd.length === 0) return [];
    const mean = odd.reduce((all, sum) => all + sum, 0) / odd.length;
    const effect =
      mean > high ? "moves further from the base than one model did" : "stays nearer to the base than the models are";
    return [
      `The weights add up to ${Number(mean.toFixed(2))}${odd.length < tensors.length ? " on average where they are odd" : ""}; for ${title} sums of ${low} to ${high} have worked. The result ${effect}: change the weights, or turn normalize on.`,
    ];
  };
}

export function vectorMethod<const Own extends ParamSchema = Readonly<Record<never, never>>>({
  thin,
  mix,
  normalize,
  rescale,
  params: extra,
  densities,
  sum,
  ...blank
}: Blank<Own>): MergeMethod<VectorSchema & Own> {
  const method: MergeMethod<VectorSchema> = {
    ...blank,
    base: "required",
    models: { min: 1 },
    rows: "base",
    params: {
      ...schema(normalize, rescale),
      ...(densities === undefined ? {} : { density: { ...densityParam, usual: densities } }),
      ...extra,
    },
    shares,
    ...(sum === undefined ? {} : { advice: sumAdvice(blank.title, sum) }),
    merge: ({ base: maybe, models, params, depth, ...tensor }: MergeInputs<VectorSchema>) => {
      const base = given(maybe);
      const taking = models.filter((model) => model.params.weight !== 0);
      if (taking.length === 0) return base;
      const parts = taking.map(({ tensor: model, index, params: own }): Weighted => {
        const delta = taskVector(model, base);
        const values = { ...params, ...own } as never;
        const thinned = thin({ ...tensor, delta, density: own.density, stream: index, own: values });
        return { delta: params.rescale ? rescaled(thinned, delta, values) : thinned.left, weight: own.weight ?? 0 };
      });
      const mixed = mix === "elect" ? electedSum(parts, params.normalize) : weightedSum(parts, params.normalize);
      return apply(base, mixed, strengthAt(params, depth));
    },
  };
  return method as unknown as MergeMethod<VectorSchema & Own>;
}

function rescaled({ left, probability }: Thinned, whole: Tensor, values: { rescale_by?: string }): Tensor {
  if (values.rescale_by === "density" && probability !== undefined) return rescaleByChance(left, probability);
  return rescaleL1(left, whole);
}
