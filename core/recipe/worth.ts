/**
 * What groups of tensors are worth in a field, in words a setting has: one number, or a gradient over the layers that
 * gives each of them its value.
 */
import { evaluate } from "./evaluate.ts";
import type { Field } from "./field.ts";
import type { Filters, Group } from "./filters.ts";
import { shorten } from "./gradient.ts";

export type Value = number | readonly number[];

export class Worth {
  readonly #filters: Filters;
  readonly #field: Field;
  readonly #decimals: number | null;
  readonly #near: number;
  readonly #known: readonly (readonly number[])[];
  /** What was worked out before, per group and per gradient. */
  readonly #spoken = new Map<readonly number[], Value | null>();
  readonly #given = new Map<readonly number[], Field>();

  /** Values are rounded to so many decimals (null keeps them); gradients that are known are taken as they are. */
  constructor(filters: Filters, field: Field, decimals: number | null, known: readonly (readonly number[])[]) {
    this.#known = known;
    this.#filters = filters;
    this.#field = field;
    this.#decimals = decimals;
    const largest = field.reduce((most, value) => Math.max(most, Math.abs(value) || 0), 1);
    this.#near = decimals === null ? 1e-10 * largest : 0.75 * 10 ** -decimals;
  }

  /** The one value all of them have, or null. */
  single(members: readonly number[]): number | null {
    const known = members.map((i) => this.#field[i]!).filter((value) => !Number.isNaN(value));
    const [first] = known;
    return first !== undefined && known.every((value) => value === first) ? this.#round(first) : null;
  }

  /** What they are worth along the layers, as a number or a gradient; null when two of a layer differ. */
  along(members: readonly number[]): Value | null {
    let value = this.#spoken.get(members);
    if (value === undefined) {
      value = this.#asOne(members);
      this.#spoken.set(members, value);
    }
    return value;
  }

  #asOne(members: readonly number[]): Value | null {
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
    return this.#known.find((gradient) => members.every((i) => this.gives(gradient, i, 1e-12))) ?? short;
  }

  /** The value most of their modules have. */
  usual(members: readonly number[]): Value | null {
    const whole = this.along(members);
    if (whole !== null) return whole;
    const inside = new Set(members);
    return this.ranked(this.#filters.modules.filter((group) => inside.has(group.members[0]!)))[0] ?? null;
  }

  /** What the groups are worth, the commonest first. */
  ranked(groups: readonly Group[]): Value[] {
    const counts = new Map<string, { readonly value: Value; tensors: number }>();
    for (const { members } of groups) {
      const value = this.along(members);
      if (value === null) continue;
      const key = JSON.stringify(value);
      const seen = counts.get(key) ?? { value, tensors: 0 };
      seen.tensors += members.length;
      counts.set(key, seen);
    }
    return [...counts.values()].sort((a, b) => b.tensors - a.tensors).map(({ value }) => value);
  }

  /** A tensor's own value. */
  of(i: number): number {
    return this.#round(this.#field[i]!);
  }

  /** Whether a value gives a tensor what it should have; undefined gives nothing. */
  gives(value: Value | undefined, i: number, near = this.#near): boolean {
    const wanted = this.#field[i]!;
    if (value === undefined || Number.isNaN(wanted)) return Number.isNaN(wanted);
    const given = typeof value === "number" ? value : this.#everywhere(value)[i]!;
    return Math.abs(given - wanted) <= near;
  }

  /** What a gradient gives to every tensor. */
  #everywhere(gradient: readonly number[]): Field {
    let given = this.#given.get(gradient);
    if (given === undefined) {
      given = Float64Array.from(this.#filters.spots, ({ t, name }) => Number(evaluate(gradient, t, name)));
      this.#given.set(gradient, given);
    }
    return given;
  }

  #round(value: number): number {
    return this.#decimals === null ? value + 0 : Number(value.toFixed(this.#decimals)) + 0;
  }
}
