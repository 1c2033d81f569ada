/**
 * A parameter over all tensors of a model. Reading: what settings are worth for each of them. What writes a field back
 * as a setting is compose.ts.
 */
import type { Kind } from "../model/model.ts";
import { evaluate, isConditions } from "./evaluate.ts";
import type { Condition, Setting } from "./recipe.ts";

/** A tensor as filters and gradients see it. */
export interface Spot {
  readonly name: string;
  /** Gradient position: 0 for the first layer and outside the layers, 1 for the last. */
  readonly t: number;
  readonly kind: Kind;
  /** Name prefix of its stack of layers, or null outside. */
  readonly stack: string | null;
  readonly layer: number | null;
  /** Its name after the layer, or the whole name. */
  readonly part: string;
}

/** One number per spot, in their order; NaN where nothing gives one. */
export type Field = Float64Array;

/** What the settings say, asked in order (a model's own, then the recipe's); `fallback` where none says anything. */
export function readField(
  settings: readonly (Setting | undefined)[],
  spots: readonly Spot[],
  fallback: number | null,
): Field {
  const field = new Float64Array(spots.length);
  for (const [i, spot] of spots.entries()) {
    const found = settings.map((one) => (one === undefined ? undefined : evaluate(one, spot.t, spot.name)));
    const value = found.find((one) => one !== undefined) ?? fallback;
    field[i] = typeof value === "string" || value === null ? Number.NaN : Number(value);
  }
  return field;
}

/** Why a tensor has the value it has: which of the settings answered, by which of its filters. */
export interface Rule {
  /** Position of the setting that answered; null when none did and the default holds. */
  readonly level: number | null;
  /** Undefined: the answer was not a filter's, or the filter that is for all the rest. */
  readonly filter?: string | undefined;
  /** Values of the gradient it was read from; 1 for a plain number. */
  readonly anchors: number;
}

export function ruleFor(settings: readonly (Setting | undefined)[], spot: Pick<Spot, "name" | "t">): Rule {
  for (const [level, setting] of settings.entries()) {
    if (setting === undefined || evaluate(setting, spot.t, spot.name) === undefined) continue;
    if (!isConditions(setting)) return { level, anchors: lengthOf(setting) };
    const match = setting.find((one) => evaluate([one], spot.t, spot.name) !== undefined);
    return { level, filter: match?.filter, anchors: match === undefined ? 1 : lengthOf(match.value) };
  }
  return { level: null, anchors: 1 };
}

const lengthOf = (value: Setting | Condition["value"]) => (Array.isArray(value) ? value.length : 1);
