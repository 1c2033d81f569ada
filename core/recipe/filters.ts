/**
 * The filters a model's tensors can be told apart by: substrings of their names for kinds, for modules (all q_proj),
 * for single layers and for what lies outside the layers. Worked out once per model.
 */
import type { Kind } from "../model/model.ts";
import type { Spot } from "./field.ts";

/** A group of tensors that share a purpose, and the substrings that are meant to select it. */
export interface Group {
  /** Positions of its tensors. Its filters may catch others as well; whoever uses them has to look. */
  readonly members: readonly number[];
  filters(): readonly string[];
}

export interface Filters {
  readonly spots: readonly Spot[];
  /** Outside the layers, by kind and first word of the name. */
  readonly ends: readonly Group[];
  /** Stacks other than the first, whole. */
  readonly stacks: readonly Group[];
  /** In all layers of a stack: tensors of one part (`q_proj.bias`), then of one module (`q_proj`), then of one kind. */
  readonly parts: readonly Group[];
  readonly modules: readonly Group[];
  readonly kinds: readonly Group[];
  /** One layer of one stack, whole; and one module in it. */
  readonly layers: readonly Group[];
  readonly pieces: readonly Group[];
  /** Which tensors a filter catches. */
  caught(filter: string): Uint8Array;
}

/** Numbers inside a part (experts) left open. */
const open = (part: string): string => part.replace(/(?<=^|\.)\d+(?=\.|$)/g, "*");

/** The module of a part: "self_attn.q_proj", "mlp.experts.*.up_proj". */
export const moduleOf = (part: string): string => open(/^(.+)\.[^.]+$/.exec(part)?.[1] ?? part);

export function filtersOf(
  spots: readonly Spot[],
  stacks: readonly string[],
  byKind: Readonly<Partial<Record<Kind, readonly string[]>>>,
): Filters {
  const memory = new Map<string, Uint8Array>();
  const caught = (filter: string): Uint8Array => {
    let found = memory.get(filter);
    if (found === undefined) {
      found = Uint8Array.from(spots, ({ name }) => Number(name.includes(filter)));
      memory.set(filter, found);
    }
    return found;
  };
  const [main] = stacks;
  const inside = (key: (spot: Spot) => string | null) =>
    grouped(spots, (spot) => (spot.layer === null ? null : key(spot)));
  // The first stack's groups come first: of two with the same filter the first is heard.
  const isMain = (members: readonly number[]) => spots[members[0]!]?.stack === main;
  const groups = (key: (spot: Spot) => string | null, filters: (members: readonly number[]) => readonly string[]) =>
    [...inside(key).values()]
      .sort((a, b) => Number(isMain(b)) - Number(isMain(a)))
      .map((members) => groupOf(members, () => filters(members)));
  const precise = (members: readonly number[]) => prefixes(members, spots, caught);
  const first = (members: readonly number[]) => spots[members[0]!]!;

  return {
    spots,
    caught,
    ends: [
      ...grouped(spots, ({ layer, kind, name }) =>
        layer !== null ? null : kind === "norm" ? name : `${kind} ${name.split(".")[0]}`,
      ).values(),
    ].map((members) => groupOf(members, () => endFilters(members, spots, byKind))),
    stacks: [...inside(({ stack }) => (stack === main ? null : stack)).entries()]
      .sort(([a], [b]) => b.length - a.length)
      .map(([stack, members]) =>
        groupOf(members, () =>
          members.every((i) => spots[i]?.name.startsWith(`${stack}.`)) ? [`${stack}.`] : precise(members),
        ),
      ),
    parts: longestFirst(
      groups(
        ({ stack, part }) => `${stack} ${open(part)}`,
        (members) => [first(members).part.split(".").slice(-2).join(".")],
      ),
    ),
    modules: longestFirst(
      groups(
        ({ stack, part }) => `${stack} ${moduleOf(part)}`,
        (members) => [moduleFilter(members, spots, caught)],
      ),
    ),
    kinds: (["norm", "attention", "mlp"] as const).flatMap((kind) =>
      groups(
        (spot) => (spot.stack === main && spot.kind === kind ? kind : null),
        () => byKind[kind] ?? [],
      ),
    ),
    layers: groups(({ stack, layer }) => `${stack} ${layer}`, precise),
    pieces: groups(({ stack, layer, part }) => `${stack} ${layer} ${moduleOf(part)}`, precise),
  };
}

/** Filters are found when they are first asked for: of a group per layer and module few ever are. */
function groupOf(members: readonly number[], find: () => readonly string[]): Group {
  let found: readonly string[] | null = null;
  return {
    members,
    filters: () => {
      found ??= find();
      return found;
    },
  };
}

function grouped(spots: readonly Spot[], key: (spot: Spot) => string | null): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const [i, spot] of spots.entries()) {
    const name = key(spot);
    if (name === null) continue;
    const members = groups.get(name);
    if (members === undefined) groups.set(name, [i]);
    else members.push(i);
  }
  return groups;
}

/** Substrings that others contain come later, so that the more particular one is asked first. */
const longestFirst = (groups: readonly Group[]): Group[] =>
  [...groups].sort((a, b) => (b.filters()[0]?.length ?? 0) - (a.filters()[0]?.length ?? 0));

/** What the family calls them; else their whole names, or the beginning that many share. */
function endFilters(
  members: readonly number[],
  spots: readonly Spot[],
  byKind: Readonly<Partial<Record<Kind, readonly string[]>>>,
): readonly string[] {
  const names = members.map((i) => spots[i]!.name);
  const { kind } = spots[members[0]!]!;
  const used = (byKind[kind] ?? []).filter((text) => names.some((name) => name.includes(text)));
  if (kind !== "norm" && names.every((name) => used.some((text) => name.includes(text)))) return used;
  if (names.length === 1) return names;
  let common = names[0]!;
  for (const name of names) while (!name.startsWith(common)) common = common.slice(0, -1);
  return common.length > 2 ? [common] : names;
}

/** The shortest end of a module's name that catches only its own tensors, or else the whole of it. */
function moduleFilter(members: readonly number[], spots: readonly Spot[], caught: Filters["caught"]): string {
  const own = new Set(members);
  const words = moduleOf(spots[members[0]!]!.part).split(".");
  const star = words.lastIndexOf("*");
  for (let from = words.length - 1; from > star; from--) {
    const filter = words.slice(from).join(".");
    if (caught(filter).every((hit, i) => hit === 0 || own.has(i))) return filter;
  }
  return words.slice(star + 1).join(".") || `${words[star - 1] ?? ""}.`;
}

/**
 * Beginnings of names that catch these tensors and no others, as few and short as whole words allow:
 * "layers.7.", or "down_blocks.1.resnets.0." and "down_blocks.1.attentions.0.".
 */
function prefixes(members: readonly number[], spots: readonly Spot[], caught: Filters["caught"]): readonly string[] {
  const own = new Set(members);
  const only = (filter: string) => caught(filter).every((hit, i) => hit === 0 || own.has(i));
  const found: string[] = [];
  for (const i of members) {
    const { name } = spots[i]!;
    if (found.some((filter) => name.includes(filter))) continue;
    found.push(shortened(firstOnly(name, only), caught));
  }
  return found;
}

function firstOnly(name: string, only: (filter: string) => boolean): string {
  for (let at = name.indexOf("."); at >= 0; at = name.indexOf(".", at + 1)) {
    const filter = name.slice(0, at + 1);
    if (only(filter)) return filter;
  }
  return name;
}

/** Without the first words, as long as it catches the same and a name is left before the number. */
function shortened(filter: string, caught: Filters["caught"]): string {
  const wanted = caught(filter);
  let short = filter;
  for (let dot = short.indexOf("."); dot >= 0; dot = short.indexOf(".")) {
    const next = short.slice(dot + 1);
    if (!/[a-z].*\.\d/i.test(next) || /^\d/.test(next)) break;
    const hits = caught(next);
    if (!wanted.every((hit, i) => hit === hits[i])) break;
    short = next;
  }
  return short;
}
