/**
 * What a friend would say before a merge is started, from the parameters alone: values outside what has worked for
 * others, and how much of each model really ends up in the result once normalisation and chaining are done.
 */
import type { AnyMethod, NumberParam, Param, Resolved } from "../method.ts";
import type { Model } from "../model/model.ts";
import { modelsOf } from "../recipe/recipe.ts";
import type { MergeDraft } from "./merge.ts";
import type { Note } from "./plan.ts";
import type { Drafted } from "./stages.ts";

/**
 * @param stages the recipes of a chain in order, the result's last
 * @param models opened models by the names the recipes use
 */
export function adviceOf(
  stages: readonly Drafted[],
  models: ReadonlyMap<string, Model>,
  methods: ReadonlyMap<string, AnyMethod>,
): Note[] {
  const notes = stages.flatMap((stage) => [...unusual(stage), ...own(stage)]);
  const result = stages.at(-1);
  if (result === undefined) return notes;
  return [...notes, ...unknownParents(result, models, methods), ...effective(stages, result)];
}

/** With fine-tunes of unknown origin the plain sum of task vectors is the safe start; the study's finding, not ours. */
function unknownParents(
  { recipe, method }: Drafted,
  models: ReadonlyMap<string, Model>,
  methods: ReadonlyMap<string, AnyMethod>,
): Note[] {
  const first = [...methods.values()].find((one) => one.first === true);
  if (first === undefined || method.first === true || method.base !== "required" || method.models.max === 1) return [];
  const unknown = modelsOf(recipe).filter((ref) => {
    const model = models.get(ref);
    return ref !== recipe.base_model && model !== undefined && (model.basedOn ?? null) === null;
  });
  if (unknown.length < 2) return [];
  return [
    {
      severity: "info",
      text: `No card says what ${unknown.join(", ")} were trained from. With models of unknown origin try ${first.title} first: in a study of six methods on four language models (arXiv:2511.21437) it alone gained reliably.`,
    },
  ];
}

/** Drafts whose tensors the method computes: carried ones have no parameters. */
const mergedIn = ({ drafts }: Drafted): MergeDraft[] =>
  drafts.filter(
    (draft): draft is MergeDraft => draft.action === "merge" && Object.keys(draft.params.models).length > 0,
  );

/** A value that is the same everywhere is named once; of many, how many tensors have it. */
function unusual(stage: Drafted): Note[] {
  const merged = mergedIn(stage);
  return Object.entries<Param>(stage.method.params).flatMap(([id, param]) => {
    if (param.kind !== "number" || param.usual === undefined) return [];
    if (id === "density" && keepsAll(merged, param)) {
      const text = `density is 1 everywhere, so ${stage.method.title} drops nothing; it is documented to work between ${param.usual[0]} and ${param.usual[1]}.`;
      return [{ severity: "info" as const, text }];
    }
    const odd = merged.flatMap((draft) => valuesOf(draft, id, param).filter((value) => outside(value, param)));
    const [first] = odd;
    if (first === undefined) return [];
    const [low, high] = param.usual ?? [];
    const all = new Set(odd);
    const said = all.size === 1 ? `${id} is ${first}` : `${id} is between ${Math.min(...all)} and ${Math.max(...all)}`;
    return [
      {
        severity: "info" as const,
        text: `${said} for ${odd.length === 1 ? "one tensor" : `some tensors`}; ${stage.method.title} is documented to work between ${low} and ${high}.`,
      },
    ];
  });
}

function valuesOf({ params }: MergeDraft, id: string, { per }: NumberParam): number[] {
  const values = per === "merge" ? [params.merge[id]] : Object.values(params.models).map((own) => own[id]);
  return values.filter((value): value is number => typeof value === "number");
}

/** Nothing was chosen, or to keep it all: then a method that thins out is another one. */
const keepsAll = (merged: readonly MergeDraft[], param: NumberParam) =>
  merged.length > 0 && merged.every((draft) => valuesOf(draft, "density", param).every((value) => value === param.max));

/** Of some models or tensors to keep everything is a choice, not a slip. */
const outside = (value: number, { usual, max }: NumberParam) =>
  usual !== undefined && value !== max && (value < usual[0] || value > usual[1]);

function own(stage: Drafted): Note[] {
  const resolved = mergedIn(stage).map(resolvedOf);
  const said = resolved.length === 0 ? [] : (stage.method.advice?.(resolved) ?? []);
  return said.map((text) => ({ severity: "warning", text }));
}

const resolvedOf = ({ params }: MergeDraft): Resolved => ({
  merge: params.merge,
  models: Object.values(params.models),
});

/** By model, the mean over the merged elements of its share; what is missing from 1 is the base's. */
function sharesOf(stage: Drafted): Map<string, number> | null {
  const merged = mergedIn(stage);
  const { method, recipe } = stage;
  if (method.shares === undefined || merged.length === 0) return null;
  const all = new Map<string, number>();
  const elements = merged.reduce((sum, { count }) => sum + count, 0);
  for (const draft of merged) {
    const shares = method.shares(resolvedOf(draft));
    Object.keys(draft.params.models).forEach((ref, i) => {
      all.set(ref, (all.get(ref) ?? 0) + ((shares[i] ?? 0) * draft.count) / elements);
    });
  }
  const rest = 1 - [...all.values()].reduce((sum, share) => sum + share, 0);
  if (recipe.base_model !== undefined && Math.abs(rest) > 1e-9)
    all.set(recipe.base_model, (all.get(recipe.base_model) ?? 0) + rest);
  return all;
}

/** Said when the numbers in the recipe are not already the answer. */
function effective(stages: readonly Drafted[], result: Drafted): Note[] {
  const known = new Map<string, Map<string, number>>();
  for (const stage of stages) {
    const shares = sharesOf(stage);
    if (shares === null) continue;
    const unfolded = new Map<string, number>();
    for (const [ref, share] of shares) {
      const parts = known.get(ref) ?? new Map([[ref, 1]]);
      for (const [part, of] of parts) unfolded.set(part, (unfolded.get(part) ?? 0) + share * of);
    }
    known.set(stage === result ? "" : (stage.recipe.name ?? ""), unfolded);
  }
  const shares = known.get("");
  if (shares === undefined || (stages.length === 1 && asWritten(result, shares))) return [];
  const said = [...shares].map(([ref, share]) => `${ref} ${percent(share)}`).join(", ");
  const through = stages.length === 1 ? "" : " through all recipes";
  return [{ severity: "info", text: `Effective weights${through}, on average over the layers: ${said}.` }];
}

function asWritten(stage: Drafted, shares: ReadonlyMap<string, number>): boolean {
  return mergedIn(stage).every(({ params }) =>
    Object.entries(params.models).every(([ref, { weight }]) => {
      const share = shares.get(ref);
      return typeof weight !== "number" || share === undefined || Math.abs(weight - share) < 5e-3;
    }),
  );
}

const percent = (share: number) => `${(100 * share).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;
