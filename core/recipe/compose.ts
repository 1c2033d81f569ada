/**
 * The smallest setting that says a field: a number, a gradient, or filters closed by an entry for the rest. Every group
 * that has one value per layer gets an entry, the particular before the general; what no gradient can say gets filters
 * of its own, layer by layer; then every entry that is not needed goes. So whatever the names, reading the result gives
 * the field back.
 */
import { evaluate, isConditions } from "./evaluate.ts";
import type { Field } from "./field.ts";
import type { Filters, Group } from "./filters.ts";
import { shorten } from "./gradient.ts";
import type { Condition, Setting } from "./recipe.ts";

export interface ComposeOptions {
  /** Values are rounded to so many decimals; null keeps them. 6 when absent. */
  readonly decimals?: number | null;
  /** Every layer by its own filter, for tools that know no gradients. */
  readonly exact?: boolean;
  /** What stood there before: its gradients are kept word for word where they still say what is wanted. */
  readonly before?: readonly (Setting | undefined)[];
}

type Value = number | readonly number[];

/** A filter with what it gives to whatever it catches. */
interface Entry {
  /** Null: the rest. */
  readonly filter: string | null;
  readonly value: Value;
}

export function compose(filters: Filters, field: Field, options: ComposeOptions = {}): Setting {
  const decimals = options.decimals === undefined ? 6 : options.decimals;
  const writer = new Writer(filters, field, decimals, (options.before ?? []).flatMap(gradientsIn));
  const written = options.exact === true ? writer.byLayer() : writer.byGroup();
  const [only, ...more] = written;
  if (only === undefined) return 0;
  if (more.length === 0) return only.value;
  return written.map(({ filter, value }): Condition => (filter === null ? { value } : { filter, value }));
}

class Writer {
  readonly #filters: Filters;
  readonly #field: Field;
  readonly #decimals: number | null;
  readonly #near: number;
  readonly #known: readonly (readonly number[])[];

  constructor(filters: Filters, field: Field, decimals: number | null, known: readonly (readonly number[])[]) {
    this.#known = known;
    this.#filters = filters;
    this.#field = field;
    this.#decimals = decimals;
    const largest = field.reduce((most, value) => Math.max(most, Math.abs(value) || 0), 1);
    this.#near = decimals === null ? 1e-9 * largest : 0.75 * 10 ** -decimals;
  }

  byGroup(): Entry[] {
    const { ends, stacks, parts, modules, kinds } = this.#filters;
    const single = [
      ...ends.flatMap((group) => this.#entries(group, this.#along(group.members))),
      ...stacks.flatMap((group) => this.#entries(group, this.#usual(group.members))),
      ...this.#split(parts, modules),
      ...modules.flatMap((group) => this.#entries(group, this.#along(group.members))),
    ];
    const general = kinds.flatMap((group) => this.#entries(group, this.#usual(group.members)));
    const rests = this.#rests();
    // A kind's filter may catch more than it helps with (q_norm is in self_attn), so it is tried with and without.
    return shorter(this.#shortest([...single, ...general], rests), this.#shortest(single, rests));
  }

  byLayer(): Entry[] {
    const { layers, ends, stacks } = this.#filters;
    const specific = [
      ...ends.flatMap((group) => this.#entries(group, this.#along(group.members))),
      ...layers.flatMap((group) => this.#entries(group, this.#single(group.members))),
      ...stacks.flatMap((group) => this.#entries(group, this.#single(group.members))),
    ];
    return this.#shortest(
      specific,
      this.#rests().filter((value) => typeof value === "number"),
    );
  }

  /** Parts only where a module's weight and bias differ. */
  #split(parts: readonly Group[], modules: readonly Group[]): Entry[] {
    const torn = new Set(
      modules.filter(({ members }) => this.#along(members) === null).flatMap(({ members }) => members),
    );
    return parts
      .filter(({ members }) => members.some((i) => torn.has(i)))
      .flatMap((group) => this.#entries(group, this.#along(group.members)));
  }

  #entries(group: Group, value: Value | null): Entry[] {
    return value === null ? [] : group.filters().map((filter) => ({ filter, value }));
  }

  /** The one value all of them have, or null. */
  #single(members: readonly number[]): number | null {
    const known = members.map((i) => this.#field[i]!).filter((value) => !Number.isNaN(value));
    const [first] = known;
    return first !== undefined && known.every((value) => value === first) ? this.#round(first) : null;
  }

  /** What they are worth along the layers, as a number or a gradient; null when two of a layer differ. */
  #along(members: readonly number[]): Value | null {
    const values: number[] = [];
    let count = 0;
    for (const i of members) {
      const value = this.#field[i]!;
      if (Number.isNaN(value)) continue;
      const { layer, t } = this.#filters.spots[i]!;
      const at = layer ?? 0;
      if (values[at] !== undefined && values[at] !== value) return null;
      values[at] = value;
      // The last layer has t = 1, so one of them tells how many there are.
      if (layer !== null && t > 0) count = Math.max(count, Math.round(layer / t) + 1);
    }
    const first = values.find((value) => value !== undefined);
    if (first === undefined) return null;
    let last = first;
    const filled = Array.from({ length: Math.max(count, values.length) }, (_, at) => {
      last = values[at] ?? last;
      return last;
    });
    const short = shorten(filled, this.#decimals);
    if (short.length === 1) return short[0]!;
    return this.#known.find((gradient) => members.every((i) => this.#gives(gradient, i, 1e-12))) ?? short;
  }

  /** The value most of their modules have. */
  #usual(members: readonly number[]): Value | null {
    const whole = this.#along(members);
    if (whole !== null) return whole;
    const inside = new Set(members);
    return this.#ranked(this.#filters.modules.filter((group) => inside.has(group.members[0]!)))[0] ?? null;
  }

  #ranked(groups: readonly Group[]): Value[] {
    const counts = new Map<string, { readonly value: Value; tensors: number }>();
    for (const { members } of groups) {
      const value = this.#along(members);
      if (value === null) continue;
      const key = JSON.stringify(value);
      const seen = counts.get(key) ?? { value, tensors: 0 };
      seen.tensors += members.length;
      counts.set(key, seen);
    }
    return [...counts.values()].sort((a, b) => b.tensors - a.tensors).map(({ value }) => value);
  }

  /** What the last entry may say: the commonest values first. */
  #rests(): Value[] {
    const { modules, ends, layers } = this.#filters;
    const common = this.#ranked([...modules, ...ends]).slice(0, 4);
    if (common.some((value) => typeof value === "number")) return common;
    const singles = this.#ranked([...ends, ...layers]).filter((value) => typeof value === "number");
    return [...common, singles[0] ?? 0];
  }

  #shortest(specific: readonly Entry[], rests: readonly Value[]): Entry[] {
    return rests.map((value) => this.#pruned(this.#mended([...specific, { filter: null, value }]))).reduce(shorter);
  }

  /**
   * Adds filters for tensors that the entries get wrong: for a layer, for a module in a layer, and at last by whole
   * names, longest first, where no name can be caught by another's.
   */
  #mended(entries: readonly Entry[]): Entry[] {
    let written = [...entries];
    const { layers, pieces } = this.#filters;
    for (const groups of [layers, pieces]) {
      const wrong = new Set(this.#wrong(written));
      if (wrong.size === 0) return written;
      const extra = groups
        .filter(({ members }) => members.some((i) => wrong.has(i)))
        .flatMap((group) => this.#entries(group, this.#single(group.members)));
      written = [...extra.sort(byLength), ...written];
    }
    const named = new Set<number>();
    for (;;) {
      const wrong = this.#wrong([...this.#byName(named), ...written]);
      if (wrong.length === 0) return [...this.#byName(named), ...written];
      for (const i of wrong) named.add(i);
    }
  }

  #byName(members: ReadonlySet<number>): Entry[] {
    const entry = (i: number) => ({ filter: this.#filters.spots[i]!.name, value: this.#round(this.#field[i]!) });
    return [...members].map(entry).sort(byLength);
  }

  #wrong(entries: readonly Entry[]): number[] {
    const first = this.#first(entries);
    return this.#filters.spots.flatMap((_, i) => (this.#says(entries[first[i]!], i) ? [] : [i]));
  }

  /** The first entry from `from` on that counts and catches tensor i; past the end if none does. */
  #next(hits: readonly (Uint8Array | null)[], alive: readonly boolean[], i: number, from: number): number {
    let e = from;
    while (e < hits.length && !(alive[e] && (hits[e] === null || hits[e]![i] === 1))) e++;
    return e;
  }

  #hits(entries: readonly Entry[]): (Uint8Array | null)[] {
    return entries.map(({ filter }) => (filter === null ? null : this.#filters.caught(filter)));
  }

  #first(entries: readonly Entry[]): Int32Array {
    const hits = this.#hits(entries);
    const alive = entries.map(() => true);
    return Int32Array.from(this.#filters.spots, (_, i) => this.#next(hits, alive, i, 0));
  }

  /** Whether an entry gives a tensor what it should have. */
  #says(entry: Entry | undefined, i: number): boolean {
    if (entry === undefined) return Number.isNaN(this.#field[i]!);
    return this.#gives(entry.value, i, this.#near);
  }

  #gives(value: Value, i: number, near: number): boolean {
    const { t, name } = this.#filters.spots[i]!;
    const wanted = this.#field[i]!;
    return Number.isNaN(wanted) || Math.abs(Number(evaluate(value, t, name)) - wanted) <= near;
  }

  /** Without entries whose tensors would hear the same from the next one that catches them. */
  #pruned(entries: readonly Entry[]): Entry[] {
    const hits = this.#hits(entries);
    const first = this.#first(entries);
    // A filter that was there before is never asked.
    const alive = entries.map(({ filter }, e) => entries.findIndex((other) => other.filter === filter) === e);
    for (let e = 0; e < entries.length - 1; e++) {
      const after = new Map<number, number>();
      let needless = true;
      for (let i = 0; needless && i < first.length; i++) {
        if (first[i] !== e) continue;
        const next = this.#next(hits, alive, i, e + 1);
        needless = this.#says(entries[next], i);
        after.set(i, next);
      }
      if (!needless) continue;
      alive[e] = false;
      for (const [i, next] of after) first[i] = next;
    }
    return entries.filter((_, e) => alive[e]);
  }

  #round(value: number): number {
    return this.#decimals === null ? value + 0 : Number(value.toFixed(this.#decimals)) + 0;
  }
}

const byLength = (a: Entry, b: Entry) => (b.filter?.length ?? 0) - (a.filter?.length ?? 0);

const shorter = (a: Entry[], b: Entry[]): Entry[] => (b.length < a.length ? b : a);

function gradientsIn(setting: Setting | undefined): (readonly number[])[] {
  if (setting === undefined || !Array.isArray(setting)) return [];
  const lists = isConditions(setting) ? setting.map(({ value }) => value) : [setting];
  return lists.filter((list): list is readonly number[] => Array.isArray(list) && list.every(Number.isFinite));
}
