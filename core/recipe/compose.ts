/**
 * The smallest setting that says a field: a number, a gradient, or filters closed by an entry for the rest. Every group
 * that has one value per layer gets an entry, the particular before the general; what no gradient can say gets filters
 * of its own, layer by layer; then every entry that is not needed goes. So whatever the names, reading the result gives
 * the field back.
 */
import { type Entry, entriesOf, mended, pruned } from "./entries.ts";
import { isConditions } from "./evaluate.ts";
import type { Field } from "./field.ts";
import type { Filters, Group } from "./filters.ts";
import type { Condition, Setting } from "./recipe.ts";
import { type Value, Worth } from "./worth.ts";

export interface ComposeOptions {
  /** Values are rounded to so many decimals; null keeps them. 6 when absent. */
  readonly decimals?: number | null;
  /** Every layer by its own filter, for tools that know no gradients. */
  readonly exact?: boolean;
  /** What stood there before: its gradients are kept word for word where they still say what is wanted. */
  readonly before?: readonly (Setting | undefined)[];
}

export function compose(filters: Filters, field: Field, options: ComposeOptions = {}): Setting {
  const decimals = options.decimals === undefined ? 6 : options.decimals;
  const worth = new Worth(filters, field, decimals, (options.before ?? []).flatMap(gradientsIn));
  const written = options.exact === true ? byLayer(filters, worth) : byGroup(filters, worth);
  const [only, ...more] = written;
  if (only === undefined) return 0;
  if (more.length === 0) return only.value;
  return written.map(({ filter, value }): Condition => (filter === null ? { value } : { filter, value }));
}

function byGroup(filters: Filters, worth: Worth): Entry[] {
  const { ends, stacks, modules, kinds } = filters;
  const usual = (groups: readonly Group[]) => groups.flatMap((group) => entriesOf(group, worth.usual(group.members)));
  const single = [...along(ends, worth), ...usual(stacks), ...torn(filters, worth), ...along(modules, worth)];
  const rests = restsOf(filters, worth);
  // A kind's filter may catch more than it helps with (q_norm is in self_attn), so it is tried with and without.
  return [[...single, ...usual(kinds)], single]
    .flatMap((specific) => rests.map((rest) => closed(specific, rest, filters, worth)))
    .reduce(shorter);
}

function byLayer(filters: Filters, worth: Worth): Entry[] {
  const { layers, ends, stacks } = filters;
  const single = (groups: readonly Group[]) => groups.flatMap((group) => entriesOf(group, worth.single(group.members)));
  const specific = [...along(ends, worth), ...single(layers), ...single(stacks)];
  return restsOf(filters, worth)
    .filter((rest) => typeof rest === "number")
    .map((rest) => closed(specific, rest, filters, worth))
    .reduce(shorter);
}

const along = (groups: readonly Group[], worth: Worth): Entry[] =>
  groups.flatMap((group) => entriesOf(group, worth.along(group.members)));

/** Parts of modules whose weight and bias differ. */
function torn({ parts, modules }: Filters, worth: Worth): Entry[] {
  const inside = new Set(
    modules.filter(({ members }) => worth.along(members) === null).flatMap(({ members }) => members),
  );
  return along(
    parts.filter(({ members }) => members.some((i) => inside.has(i))),
    worth,
  );
}

/** What the last entry may say: the commonest values first, and at least one number. */
function restsOf({ modules, ends, layers }: Filters, worth: Worth): Value[] {
  const common = worth.ranked([...modules, ...ends]).slice(0, 4);
  if (common.some((value) => typeof value === "number")) return common;
  const single = worth.ranked([...ends, ...layers]).find((value) => typeof value === "number");
  return [...common, single ?? 0];
}

const closed = (specific: readonly Entry[], rest: Value, filters: Filters, worth: Worth): Entry[] =>
  pruned(mended([...specific, { filter: null, value: rest }], filters, worth), filters, worth);

const shorter = (a: Entry[], b: Entry[]): Entry[] => (b.length < a.length ? b : a);

function gradientsIn(setting: Setting | undefined): (readonly number[])[] {
  if (setting === undefined || !Array.isArray(setting)) return [];
  const lists = isConditions(setting) ? setting.map(({ value }) => value) : [setting];
  return lists.filter((list): list is readonly number[] => Array.isArray(list) && list.every(Number.isFinite));
}
