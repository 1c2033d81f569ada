/**
 * What a family is. A family is one object of blanks: how to recognise it, which substring of a tensor
 * name means which lane, and which key of config.json counts its layers. Names are read in three steps:
 * the leftmost `layers.7.` splits a name into stack, layer and part; the first lane with a substring in
 * the name is its kind; nothing else is known and nothing is dropped.
 */

import { layerKey } from "./depth.ts";
import type { Family, JsonObject, Kind, Place, Stack, Tie } from "./model.ts";
import { LANES } from "./model.ts";

export interface Spot {
  readonly stack: string;
  readonly layer: number;
  readonly part: string;
}

/** Finds the layer in a name; null outside every stack. */
export type Locator = (name: string) => Spot | null;

export interface FamilyBlank {
  readonly id: string;
  readonly title: string;
  /** Values of `model_type` in config.json, its own or its text model's. */
  readonly types: readonly string[];
  /** Beginnings of the first of `architectures`, for configs without a known type. */
  readonly architectures: readonly string[];
  /** Without either: each of these occurs in some tensor name ... */
  readonly signature: readonly string[];
  /** ... and none of these in any. */
  readonly without?: readonly string[];
  /** True for the family of everything alike: the choice for a config whose type nobody listed. */
  readonly general?: boolean;
  /** Substrings of tensor names per lane, tried in the order of `LANES`. */
  readonly lanes: Readonly<Partial<Record<Kind, readonly string[]>>>;
  /** Config keys that count layers: the first whose `where` is in the stack's prefix. "" is in all. */
  readonly depth: readonly { readonly where: string; readonly keys: readonly string[] }[];
  readonly tied?: readonly Tie[];
  /** For names that are not `...layers.7.part`: reads all names, then finds the layer in any. */
  readonly locate?: (names: readonly string[]) => Locator;
  /** True when layers have an order but cannot change places; see `Stack.fixed`. */
  readonly fixed?: readonly string[];
  /** Names people have for the layers of a stack, by its prefix; see `Stack.blocks`. */
  readonly blocks?: (names: readonly string[]) => Readonly<Record<string, readonly string[]>>;
  /** True for models that read no words; see `Family.wordless`. */
  readonly wordless?: boolean;
}

/** Words before a layer number. A number has no leading zeros, so that name and place say the same. */
const LAYER = /^(.*?)(?<![^.])(layers|layer|blocks|block|resblocks|h)\.(0|[1-9]\d{0,3})\.(.+)$/s;

/** The usual names: whatever comes before the leftmost `layers.7.` is the stack. */
export const byWord: Locator = (name) => {
  const found = LAYER.exec(name);
  if (found === null) return null;
  return { stack: `${found[1]}${found[2]}`, layer: Number(found[3]), part: found[4] ?? "" };
};

/** The name of the same part in another layer; the inverse of `place` for stacks that are not fixed. */
export function nameAt(stack: string, layer: number, part: string): string {
  return `${stack}.${layer}.${part}`;
}

/** Fits a family to one model: its filters, stacks and config keys, cut down to what is there. */
export function fitFamily(
  blank: FamilyBlank,
  names: readonly string[],
  config: JsonObject | null,
): { readonly family: Family; readonly stacks: readonly Stack[] } {
  const locate = blank.locate?.(names) ?? byWord;
  const place = (name: string): Place => placeBy(blank, locate, name);
  const named = blank.blocks?.(names) ?? {};
  const stacks = stacksOf(names.map(place), blank.fixed ?? []).map((stack): Stack => {
    const blocks = named[stack.prefix];
    return blocks?.length === stack.layers ? { ...stack, blocks } : stack;
  });
  const keys = stacks
    .filter((stack) => stack.fixed !== true)
    .flatMap((stack): [string, string][] => {
      const key = layerKey(blank.depth, stack, config);
      return key === null ? [] : [[stack.prefix, key]];
    });
  const family: Family = {
    id: blank.id,
    title: blank.title,
    layerKeys: Object.fromEntries(keys),
    filters: usedFilters(blank, names),
    ...(blank.tied === undefined ? {} : { tied: blank.tied }),
    ...(blank.wordless === true ? { wordless: true } : {}),
    place,
  };
  return { family, stacks };
}

function placeBy(blank: FamilyBlank, locate: Locator, name: string): Place {
  const kind = laneOf(blank, name)?.kind ?? "other";
  const spot = locate(name);
  if (spot !== null) return { kind, ...spot, end: null };
  return { kind, stack: null, layer: null, part: name, end: endOf(kind, name) };
}

function laneOf({ lanes }: FamilyBlank, name: string): { kind: Kind; filter: string } | null {
  for (const kind of LANES) {
    const filter = lanes[kind]?.find((text) => name.includes(text));
    if (filter !== undefined) return { kind, filter };
  }
  return null;
}

/** Outside the layers, data flows embedding, layers, final norm, head; unknown tensors go with the embeddings. */
function endOf(kind: Kind, name: string): "before" | "after" {
  if (kind === "head") return "after";
  return kind === "norm" && !/embed|pre_|conv_in/.test(name) ? "after" : "before";
}

/**
 * The filters that pick anything. Dropping the others changes no choice: every name keeps the substring
 * that placed it, and no lane before it gains one.
 */
function usedFilters(blank: FamilyBlank, names: readonly string[]): Family["filters"] {
  const used = new Map<Kind, Set<string>>();
  for (const name of names) {
    const lane = laneOf(blank, name);
    if (lane !== null) used.set(lane.kind, (used.get(lane.kind) ?? new Set()).add(lane.filter));
  }
  const filters: Partial<Record<Kind, readonly string[]>> = {};
  for (const kind of LANES) {
    const texts = used.get(kind);
    if (texts !== undefined) filters[kind] = [...texts];
  }
  return filters;
}

function stacksOf(places: readonly Place[], fixed: readonly string[]): Stack[] {
  const found = new Map<string, { layers: number; tensors: number }>();
  for (const { stack, layer } of places) {
    if (stack === null || layer === null) continue;
    const seen = found.get(stack) ?? { layers: 0, tensors: 0 };
    found.set(stack, { layers: Math.max(seen.layers, layer + 1), tensors: seen.tensors + 1 });
  }
  return [...found]
    .sort(([a, x], [b, y]) => sideOf(a) - sideOf(b) || y.tensors - x.tensors || (a < b ? -1 : 1))
    .map(([prefix, { layers }]) => (fixed.includes(prefix) ? { prefix, layers, fixed: true } : { prefix, layers }));
}

const sideOf = (prefix: string): number => (/vis(ion|ual)|image|audio|speech/.test(prefix) ? 1 : 0);
