/**
 * Between the recipe and what is drawn: which parameter, whose curves; fields read from the recipe and written back.
 * Pure.
 */
import type { NumberParam } from "../../core/method.ts";
import { compose } from "../../core/recipe/compose.ts";
import { type Field, readField } from "../../core/recipe/field.ts";
import type { Recipe, Setting } from "../../core/recipe/recipe.ts";
import { methodOf, paramsOf, roleOf, setModelParam, setParam } from "../state/edits.ts";
import type { Locks } from "../state/mixer.ts";
import type { Board, LaneView } from "./board.ts";
import { type Curve, readLane } from "./curve.ts";

export interface Dial {
  readonly id: string;
  readonly param: NumberParam;
}

/** One curve's owner: a model, or the whole merge (model null). */
export interface Voice {
  readonly model: string | null;
  readonly role: string | null;
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

/** A model's name and letter, or the parameter's for the whole merge. */
export const nameOf = (voice: Voice, dial: Dial): string =>
  voice.model === null ? dial.id : `${voice.role ?? ""} ${voice.model}`;

/** Who is asked for a parameter, in order. */
export function settingsOf(recipe: Recipe, voice: Voice, id: string): (Setting | undefined)[] {
  const own = recipe.models?.find(({ model }) => model === voice.model)?.parameters?.[id];
  return [voice.model === null ? undefined : own, recipe.parameters?.[id]];
}

/** What a parameter is worth for every tensor. */
export const fieldOf = (recipe: Recipe, board: Board, dial: Dial, voice: Voice): Field =>
  readField(settingsOf(recipe, voice, dial.id), board.spots, dial.param.default ?? 1);

/** Which tensors keep their values: those of locked lanes, and those of locked columns. */
export function lockedTensors(board: Board, locks: Locks): ReadonlySet<number> {
  const lanes = Object.values(board.lanes).flat();
  const locked = lanes.filter(({ key }) => locks.lanes.has(key)).flatMap(({ columns }) => columns);
  const whole = board.lanes.all.flatMap(({ columns }) => columns.filter(({ id }) => locks.columns.has(id)));
  return new Set([...locked, ...whole].flatMap(({ tensors }) => tensors));
}

/** Per column of a lane, whether nothing in it can change. */
export const lockedColumns = (lane: LaneView, locked: ReadonlySet<number>): boolean[] =>
  lane.columns.map(({ tensors }) => tensors.every((i) => locked.has(i)));

export interface Drawing {
  readonly board: Board;
  readonly dial: Dial;
  readonly locked: ReadonlySet<number>;
  /** Written as filters by name instead of gradients. */
  readonly exact: boolean;
}

/** The recipe with one lane's curve drawn anew: only columns that changed are touched, and no locked tensor. */
export function withCurve(recipe: Recipe, how: Drawing, voice: Voice, lane: LaneView, curve: Curve): Recipe {
  const { board, dial, locked } = how;
  const field = fieldOf(recipe, board, dial, voice);
  const before = readLane(field, lane).curve;
  let touched = false;
  for (const [c, value] of curve.entries()) {
    if (value === null || value === before[c]) continue;
    for (const i of lane.columns[c]!.tensors) {
      if (locked.has(i) || field[i] === value) continue;
      field[i] = value;
      touched = true;
    }
  }
  return touched ? withField(recipe, how, voice, field) : recipe;
}

/**
 * What the first stroke would have to wait for: by which names tensors can be told apart, and the code that finds it out. One
 * piece of it after the other, for moments in which nothing else is to be done.
 */
export const PREPARATIONS: readonly ((board: Board) => void)[] = [
  ({ filters, spots }) =>
    compose(
      filters,
      Float64Array.from(spots, ({ t, part }) => t + part.length),
    ),
  ...[5, 7, 9].map(
    (waves) => (board: Board) =>
      compose(
        board.filters,
        Float64Array.from(board.spots, ({ t }) => Math.sin(waves * t)),
      ),
  ),
];

/** The recipe with a parameter's values for all tensors, as the shortest setting that says them. */
export function withField(recipe: Recipe, { board, dial, exact }: Drawing, voice: Voice, field: Field): Recipe {
  const before = settingsOf(recipe, voice, dial.id);
  const setting = compose(board.filters, field, { exact: exact || byBlock(board, field), before });
  const isDefault =
    setting === dial.param.default && (voice.model === null || recipe.parameters?.[dial.id] === undefined);
  const value = isDefault ? undefined : setting;
  return voice.model === null ? setParam(recipe, dial.id, value) : setModelParam(recipe, voice.model, dial.id, value);
}

/** Blocks are filters by name, which other tools understand, as long as they are what was drawn. */
function byBlock(board: Board, field: Field): boolean {
  const [all] = board.lanes.all;
  return board.blocks !== null && all !== undefined && !readLane(field, all).curve.includes(null);
}
