/**
 * Between the recipe and what is drawn: which parameter, which models, which lanes; curves read from settings and written
 * back. Pure.
 */
import type { NumberParam } from "../../core/method.ts";
import type { Kind } from "../../core/model/model.ts";
import {
  type Curve,
  type Curves,
  type Lane,
  type LaneFilters,
  type LaneKey,
  readCurve,
  writeCurves,
} from "../../core/recipe/curves.ts";
import type { Recipe, Setting } from "../../core/recipe/recipe.ts";
import type { ModelSummary } from "../../workers/api.ts";
import { methodOf, paramsOf, roleOf, setModelParam, setParam } from "../state/edits.ts";

export interface Dial {
  readonly id: string;
  readonly param: NumberParam;
}

/** One curve's owner: a model, or the whole merge (model null). */
export interface Voice {
  readonly model: string | null;
  readonly role: string | null;
}

export interface LaneView {
  readonly key: LaneKey | "ends";
  readonly title: string;
  /** Whether layers, the point before them and the point after them can be set here. */
  readonly layers: boolean;
  readonly before: boolean;
  readonly after: boolean;
}

/** The numeric parameters a recipe's method has, those per model first; seldom changed ones where they are set. */
export function dialsOf(recipe: Recipe): Dial[] {
  const method = methodOf(recipe);
  if (method === undefined) return [];
  const dials = paramsOf(method).flatMap(([id, param]) =>
    param.kind === "number" && (param.rare !== true || isSet(recipe, id)) ? [{ id, param }] : [],
  );
  return dials.sort((a, b) => Number(b.param.per === "model") - Number(a.param.per === "model"));
}

const isSet = ({ parameters, models = [] }: Recipe, id: string) =>
  [parameters, ...models.map((entry) => entry.parameters)].some((settings) => settings?.[id] !== undefined);

export function voicesOf(recipe: Recipe, dial: Dial): Voice[] {
  if (dial.param.per === "merge") return [{ model: null, role: null }];
  return (recipe.models ?? []).map(({ model }) => ({ model, role: roleOf(recipe, model) }));
}

/** The layers of the main stack, and the names to read curves from. */
export interface Board {
  readonly layers: number;
  lane(key: LaneKey): Lane;
  readonly filters: LaneFilters;
  readonly names: Readonly<Partial<Record<Kind, readonly string[]>>>;
}

export function boardOf(model: ModelSummary): Board {
  const stack = model.stacks[0];
  const rows = model.tensors.filter((row) => row.stack === null || row.stack === stack?.prefix);
  const byKind = (kind: Kind) => rows.filter((row) => row.kind === kind).map((row) => row.name);
  const inLayer = new Map<string, string[]>();
  const push = (key: string, name: string) => inLayer.set(key, [...(inLayer.get(key) ?? []), name]);
  for (const row of rows) {
    const end = row.kind === "head" || row.kind === "norm" ? "after" : "before";
    const at = row.layer === null ? end : String(row.layer);
    push(`all ${at}`, row.name);
    push(`${row.kind} ${at}`, row.name);
  }
  const final = rows.find((row) => row.kind === "norm" && row.layer === null)?.name;
  return {
    layers: stack?.layers ?? 0,
    lane: (key) => ({ sampleNames: (layer, end) => inLayer.get(`${key} ${layer ?? end ?? "before"}`) ?? [] }),
    filters: { ...model.filters, ...(final === undefined ? {} : { final: [final] }) },
    names: {
      attention: byKind("attention"),
      mlp: byKind("mlp"),
      norm: byKind("norm"),
      embedding: byKind("embedding"),
      head: byKind("head"),
      other: byKind("other"),
    },
  };
}

export const ALL_LANES: readonly LaneView[] = [
  { key: "all", title: "All layers", layers: true, before: true, after: true },
];
export const SPLIT_LANES: readonly LaneView[] = [
  { key: "attention", title: "Attention", layers: true, before: false, after: false },
  { key: "mlp", title: "MLP", layers: true, before: false, after: false },
  { key: "norm", title: "Norms", layers: true, before: false, after: true },
  { key: "ends", title: "Embeddings and head", layers: false, before: true, after: true },
];

const KINDS = ["attention", "mlp", "norm", "embedding", "head", "other"] as const;

function settingOf(recipe: Recipe, voice: Voice, id: string): Setting | undefined {
  const own =
    voice.model === null ? undefined : recipe.models?.find((entry) => entry.model === voice.model)?.parameters?.[id];
  return own ?? recipe.parameters?.[id];
}

const standard = (dial: Dial) => dial.param.default ?? 1;

export function curveOf(recipe: Recipe, board: Board, dial: Dial, voice: Voice, lane: LaneView): Curve {
  const setting = settingOf(recipe, voice, dial.id);
  const read = (key: LaneKey) => readCurve(setting, board.lane(key), board.layers, standard(dial));
  if (lane.key !== "ends") return read(lane.key);
  return { values: [], before: read("embedding").before, after: read("head").after };
}

/** The recipe with one lane's curve drawn anew; the other lanes stay as they are. */
export function withCurve(
  recipe: Recipe,
  board: Board,
  dial: Dial,
  voice: Voice,
  lane: LaneView,
  curve: Curve,
): Recipe {
  const setting = writeCurves(allCurves(recipe, board, dial, voice, lane, curve), board.filters, {
    names: board.names,
  });
  const value = setting === dial.param.default ? undefined : setting;
  return voice.model === null ? setParam(recipe, dial.id, value) : setModelParam(recipe, voice.model, dial.id, value);
}

function allCurves(recipe: Recipe, board: Board, dial: Dial, voice: Voice, lane: LaneView, curve: Curve): Curves {
  if (lane.key === "all") return { all: curve };
  const setting = settingOf(recipe, voice, dial.id);
  const curves: Partial<Record<Kind, Curve>> = {};
  for (const kind of KINDS) curves[kind] = readCurve(setting, board.lane(kind), board.layers, standard(dial));
  if (lane.key === "ends") {
    const { embedding, head } = curves;
    if (embedding !== undefined) curves.embedding = { ...embedding, before: curve.before };
    if (head !== undefined) curves.head = { ...head, after: curve.after };
  } else curves[lane.key] = curve;
  return curves;
}

/** Columns are numbered from -1 (before the layers) to `layers` (after them). */
export const valueAt = (curve: Curve, column: number): number | null =>
  column < 0 ? curve.before : column >= curve.values.length ? curve.after : (curve.values[column] ?? null);

export function withValue(curve: Curve, column: number, value: number): Curve {
  if (column < 0) return { ...curve, before: value };
  if (column >= curve.values.length) return { ...curve, after: value };
  return { ...curve, values: curve.values.map((old, i) => (i === column ? value : old)) };
}
