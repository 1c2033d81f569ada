/**
 * What a setting is worth at one place. A place is a tensor name (filters look at it) and a gradient
 * position t in [0, 1]. The rules are mergekit's: gradients interpolate, the first matching filter wins,
 * and a setting with no match says nothing, so that the next level is asked.
 */
import type { Condition, Scalar, Setting, Settings } from "./recipe.ts";

/** One level of precedence, and the name of the tensor as that level's filters see it. */
export interface Level {
  readonly settings: Settings | undefined;
  /** The source tensor's name at model level; the output tensor's name at slice and top level. */
  readonly name: string;
}

/**
 * The value of a setting for the tensor `name` at gradient position `t`; undefined when no filter
 * matches (or a list is empty).
 */
export function evaluate(setting: Setting, t: number, name: string): Scalar | undefined {
  if (!isList(setting)) return setting;
  if (!isConditions(setting)) return along(setting, t);
  const match = setting.find(({ filter }) => filter === undefined || filter === "*" || name.includes(filter));
  return match === undefined ? undefined : evaluate(match.value, t, name);
}

/**
 * t of 0-based `layer` in an output slice of `layers` layers; a slice of one layer sits at the end of
 * its gradient. Tensors outside the layers (embeddings, final norm, head) have t = 0.
 */
export function gradientPosition(layer: number, layers: number): number {
  return layers <= 1 ? 1 : layer / (layers - 1);
}

/**
 * Asks the levels in order (source, slice, top) and returns the first answer, or undefined when none has
 * one and the method's default holds.
 */
export function resolve(param: string, levels: readonly Level[], t: number): Scalar | undefined {
  for (const { settings, name } of levels) {
    const setting = settings !== undefined && Object.hasOwn(settings, param) ? settings[param] : undefined;
    const value = setting === undefined ? undefined : evaluate(setting, t, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Array.isArray that keeps readonly lists. */
function isList(setting: Setting): setting is readonly Scalar[] | readonly Condition[] {
  return Array.isArray(setting);
}

/** True for a list of filters; false for a scalar or a gradient. */
export function isConditions(setting: Setting): setting is readonly Condition[] {
  return isList(setting) && typeof setting[0] === "object";
}

/** Numbers (and flags, as 0 and 1) interpolate; a list with any text in it is stepped through. */
function along(list: readonly Scalar[], t: number): Scalar | undefined {
  const x = t * (list.length - 1);
  const i = Math.floor(x);
  if (list.some((value) => typeof value === "string")) return list[i];
  const from = list[i];
  const to = list[Math.min(list.length - 1, i + 1)];
  if (from === undefined || to === undefined) return undefined;
  const share = x - i;
  return (1 - share) * Number(from) + share * Number(to);
}
