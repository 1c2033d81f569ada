/**
 * The mean of directions on the sphere: the point whose arcs to all models add up to nothing, found by walking
 * along their mean. Every point on the way is a combination of the models, so the walk happens among the
 * coefficients, on the host, and the models are read twice whatever the number of steps.
 */
import { mul } from "../core/graph/tensor.ts";
import { defineMethod, number } from "../core/method.ts";
import { combination, inner, lengthOf } from "./span.ts";

export const karcher = defineMethod({
  id: "karcher",
  title: "Karcher mean",
  summary: "Finds the point on the sphere that lies in the middle of all models, all counting alike.",
  use: "For two or more models of equal standing; keeps their mean length, where an average shrinks it.",
  reference: "Karcher, Comm. Pure Appl. Math. 1977, doi:10.1002/cpa.3160300502 (as in mergekit's karcher)",
  formula: [
    "u_i = model_i / |model_i|; u = direction of their sum",
    "repeat: g = mean_i of angle_i / sin(angle_i) (u_i - cos(angle_i) u), where angle_i lies between u and u_i",
    "        u = cos|g| u + sin|g| g / |g|, until |g| < tol",
    "result = u * mean_i |model_i|",
  ].join("\n"),
  differs:
    "Vocabularies of different sizes are cut to the rows all have; mergekit stops there. A base that is named takes part like any other model, as in mergekit.",
  base: "none",
  models: { min: 1 },
  rows: "common",
  params: {
    max_iter: number("merge", {
      title: "steps",
      default: 10,
      min: 0,
      max: 100,
      step: 1,
      ends: ["direction of the sum", "as far as it takes"],
      help: "How many steps the search may take; more cost nothing noticeable.",
    }),
    tol: number("merge", {
      title: "tolerance",
      default: 1e-5,
      min: 1e-9,
      max: 1e-2,
      ends: ["precise", "rough"],
      help: "The search ends when the next step is shorter than this; models shorter than this do not steer it.",
    }),
  },
  shares: ({ models }) => models.map(() => 1 / models.length),
  merge({ models, params }) {
    const [first] = models;
    if (first === undefined) throw new Error("Internal error: the planner gave no model.");
    if (models.length === 1) return first.tensor;
    if (models.every(({ tensor }) => tensor === first.tensor)) return mul(first.tensor, 1);
    return combination(
      models.map(({ tensor }) => tensor),
      (products) => karcherMean(products, params.max_iter, params.tol),
    );
  },
});

/**
 * Coefficients of the mean from dot products. `direction` and `pull` are coefficients of the unit vectors.
 */
export function karcherMean(products: readonly (readonly number[])[], steps: number, tol: number): number[] {
  const lengths = products.map((row, i) => Math.sqrt(row[i] ?? 0));
  const length = lengths.reduce((sum, one) => sum + one, 0) / lengths.length;
  const taking = lengths.map((one) => one > tol);
  const share = 1 / Math.max(1, taking.filter(Boolean).length);
  const unit = products.map((row, i) =>
    row.map((value, j) => (i === j ? 1 : taking[i] && taking[j] ? value / (lengths[i]! * lengths[j]!) : 0)),
  );
  if (!taking.includes(true)) return lengths.map(() => 0);

  let direction = taking.map((takes) => (takes ? share : 0));
  const sum = lengthOf(unit, direction);
  direction = sum < tol ? onlyFirst(taking) : direction.map((part) => part / sum);
  for (let step = 0; step < steps; step++) {
    const pull = new Array<number>(lengths.length).fill(0);
    let back = 0;
    taking.forEach((takes, i) => {
      if (!takes) return;
      const cosine = Math.min(1, Math.max(-1, row(unit, i, direction)));
      const angle = Math.acos(cosine);
      if (angle < tol) return;
      const part = (share * angle) / Math.sin(angle);
      if (!Number.isFinite(part)) return;
      pull[i]! += part;
      back += part * cosine;
    });
    const tangent = pull.map((part, i) => part - back * direction[i]!);
    const far = lengthOf(unit, tangent);
    if (far < tol) break;
    const next = direction.map((part, i) => Math.cos(far) * part + (Math.sin(far) / far) * tangent[i]!);
    const norm = lengthOf(unit, next);
    direction = norm > tol ? next.map((part) => part / norm) : next;
  }
  return direction.map((part, i) => (lengths[i]! > 0 ? (part / lengths[i]!) * length : 0));
}

const onlyFirst = (taking: readonly boolean[]) => taking.map((_, i) => (i === taking.indexOf(true) ? 1 : 0));

const row = (products: readonly (readonly number[])[], i: number, direction: readonly number[]) =>
  inner([products[i] ?? []], [1], direction);
