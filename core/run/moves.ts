/**
 * How far models moved from a reference, and whether they moved the same way: sums over one tensor of each, all in
 * one sweep. Sums of several tensors may be added, so layers, kinds and whole models follow from them.
 */
import { isFloat } from "../bytes/dtype.ts";
import type { Engine } from "../engine/engine.ts";
import { countOf, type TensorInfo } from "../formats/checkpoint.ts";
import { dot, eq, input, lt, mul, ne, type Scalar, sign, sub, sum, type Tensor } from "../graph/tensor.ts";
import type { InputPlan } from "../plan/plan.ts";
import { type Answer, type Asking, answer, type Question, question } from "./measure.ts";
import { takeSample } from "./sample.ts";
import { type Moves, pairsOf } from "./sums.ts";

const OWN = 3;
const PER_MODEL = 5;
const PER_PAIR = 3;

const questions = new Map<number, Question>();

/** The reference is input 0, the models follow. */
function asking(models: number): Question {
  const known = questions.get(models);
  if (known !== undefined) return known;
  const reference = input(0);
  const others = Array.from({ length: models }, (_, i) => input(i + 1));
  const changes = others.map((model) => sub(model, reference));
  const made = question([
    dot(reference, reference),
    sum(reference),
    sum(eq(reference, 0)),
    ...others.flatMap((model, i): Scalar[] => {
      const change = changes[i] ?? reference;
      return [dot(change, change), dot(model, model), dot(model, reference), ...signs(model, reference)];
    }),
    ...pairsOf(models).flatMap(([a, b]): Scalar[] => {
      const [first = reference, second = reference] = [changes[a], changes[b]];
      return [dot(first, second), ...signs(first, second)];
    }),
  ]);
  questions.set(models, made);
  return made;
}

/** How often both are not zero, and how often they then have different signs. Signs, because products may vanish. */
function signs(a: Tensor, b: Tensor): Scalar[] {
  const product = mul(sign(a), sign(b));
  return [sum(ne(product, 0)), sum(lt(product, 0))];
}

/** Whether tensors can be compared: floats of one shape. Otherwise why not, in a few words. */
export function apart(reference: TensorInfo, other: TensorInfo | undefined): string | null {
  if (other === undefined) return "missing";
  if (other.shape.join() !== reference.shape.join()) return `[${reference.shape}] and [${other.shape}]`;
  return isFloat(reference.dtype) && isFloat(other.dtype) ? null : `${reference.dtype} and ${other.dtype}`;
}

/** A tensor to be looked at; null when it holds no floats. */
export function inputOf(ref: string, info: TensorInfo): InputPlan | null {
  return isFloat(info.dtype) ? { ref, info, dtype: info.dtype, start: info.range.start } : null;
}

/**
 * @param inputs the reference's tensor, then each model's, all of one shape
 * @param most elements to look at; all of them when absent
 * @param count elements of the inputs, when they are a part of their tensors
 */
export async function movesOf(
  inputs: readonly InputPlan[],
  engine: Engine,
  options: Asking & { readonly most?: number; readonly count?: number } = {},
): Promise<Moves> {
  const { most = Number.POSITIVE_INFINITY, count, signal } = options;
  const elements = count ?? countOf(inputs[0]?.info.shape ?? []);
  const isSampled = elements > most;
  const looked = isSampled ? await takeSample(inputs, elements, most, signal) : { inputs, count: elements };
  const found = await answer(asking(inputs.length - 1), looked.inputs, looked.count, engine, options);
  return { elements, looked: looked.count, ...sorted(found, inputs.length - 1) };
}

function sorted({ values }: Answer, models: number): Omit<Moves, "elements" | "looked"> {
  const at = (index: number) => values[index] ?? 0;
  const pairsFrom = OWN + PER_MODEL * models;
  return {
    square: at(0),
    sum: at(1),
    zeros: at(2),
    models: Array.from({ length: models }, (_, i) => {
      const from = OWN + PER_MODEL * i;
      return { change: at(from), own: at(from + 1), dot: at(from + 2), both: at(from + 3), flips: at(from + 4) };
    }),
    pairs: pairsOf(models).map((_, p) => {
      const from = pairsFrom + PER_PAIR * p;
      return { dot: at(from), both: at(from + 1), conflicts: at(from + 2) };
    }),
  };
}
