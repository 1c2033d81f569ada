/**
 * What only the weights can tell, from a sample of them, before a merge is started: do the models look like
 * fine-tunes of one base, and what would the method say of the numbers it settles on. A few tensors spread over the
 * model, the beginning of each; some megabytes, about a second.
 */
import type { Engine } from "../engine/engine.ts";
import { throwIfAborted } from "../errors.ts";
import { BLOCK } from "../graph/program.ts";
import { dot, input, sub } from "../graph/tensor.ts";
import type { MergePlan, Note, Plan } from "../plan/plan.ts";
import { measure } from "./measure.ts";
import { collectWatched, remarksOf, type Seen } from "./remarks.ts";
import { createRounds } from "./rounds.ts";
import { asideHost } from "./tiles.ts";

/** Tensors looked at, and elements of each. */
const TENSORS = 24;
const ELEMENTS = 64 * BLOCK;
/** ‖change‖ / ‖base‖ of fine-tunes is 0.001 to 0.03; from here on it is something else. */
const FAR = 0.2;

export async function preflight(plan: Plan, engine: Engine, signal?: AbortSignal): Promise<Note[]> {
  const sample = chosen(plan);
  const seen: Seen = new Map();
  const moved = new Map<string, number[]>();
  for (const tensor of sample) {
    throwIfAborted(signal);
    await distances(tensor, plan.recipe.base_model, engine, moved, signal);
    if (tensor.watched.length > 0 && tensor.passes.every(({ round }) => round === 0))
      await watch(tensor, engine, seen, signal);
  }
  const said = remarksOf(plan.method, seen).map((text): Note => ({ severity: "info", text: `In a sample: ${text}` }));
  return [...kinship(moved, plan.recipe.base_model), ...said];
}

/** Merged tensors of several models, evenly spread, cut to the first elements in whole rows. */
function chosen(plan: Plan): MergePlan[] {
  const several = plan.tensors.filter(
    (tensor): tensor is MergePlan => tensor.action === "merge" && tensor.inputs.length > 1,
  );
  const step = Math.max(1, several.length / TENSORS);
  const picked = new Set(Array.from({ length: Math.min(TENSORS, several.length) }, (_, i) => Math.floor(i * step)));
  return [...picked].flatMap((i) => {
    const tensor = several[i];
    return tensor === undefined ? [] : [cut(tensor)];
  });
}

function cut(tensor: MergePlan): MergePlan {
  const columns = tensor.shape.length > 1 ? (tensor.shape.at(-1) ?? 1) : tensor.count;
  const rows = Math.max(1, Math.floor(ELEMENTS / Math.max(1, columns)));
  return { ...tensor, count: Math.min(tensor.count, Math.min(rows * columns, ELEMENTS * 16)), resident: true };
}

/** Of each input besides the first reference: how far it is from it, as a share of its norm. */
async function distances(
  { inputs, count }: MergePlan,
  base: string | undefined,
  engine: Engine,
  moved: Map<string, number[]>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reference = Math.max(
    0,
    inputs.findIndex(({ ref }) => ref === base),
  );
  const others = inputs.flatMap((_, i) => (i === reference ? [] : [i]));
  const change = (i: number) => sub(input(i), input(reference));
  const sums = [dot(input(reference), input(reference)), ...others.map((i) => dot(change(i), change(i)))];
  const [whole = 0, ...squared] = await measure(inputs, count, sums, engine, signal);
  if (whole === 0) return;
  others.forEach((i, at) => {
    const ref = inputs[i]?.ref ?? "";
    moved.set(ref, [...(moved.get(ref) ?? []), Math.sqrt((squared[at] ?? 0) / whole)]);
  });
}

function kinship(moved: ReadonlyMap<string, readonly number[]>, base: string | undefined): Note[] {
  const other = base === undefined ? "the first model" : `the base "${base}"`;
  return [...moved].flatMap(([ref, shares]): Note[] => {
    const sorted = [...shares].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    if (sorted.at(-1) === 0) {
      const text = `"${ref}" equals ${other} in all ${sorted.length} tensors looked at. Is it the right file?`;
      return [{ severity: "warning", text }];
    }
    if (median < FAR) return [];
    return [
      {
        severity: "warning",
        text: `"${ref}" does not look like a fine-tune of ${other}: its weights differ by ${Math.round(100 * median)} % of their size (fine-tunes differ by 0.1 to 3 %). Models of different origin rarely merge well; check that the base is the one it was trained from.`,
      },
    ];
  });
}

async function watch(tensor: MergePlan, engine: Engine, seen: Seen, signal: AbortSignal | undefined): Promise<void> {
  const host = asideHost(engine, (_, chunk) => void chunk.catch(() => {}), signal);
  const { settled, settlement } = await createRounds([tensor]).finish(tensor, host);
  await settled;
  collectWatched(tensor, settlement, seen);
}
