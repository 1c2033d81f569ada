/**
 * What can be drawn on for a model: the columns (its layers, with what lies before and after them) and the lanes (all of
 * it, kinds, single modules), each knowing its tensors. Pure; made once per model and stack.
 */
import type { Kind } from "../../core/model/model.ts";
import { gradientPosition } from "../../core/recipe/evaluate.ts";
import type { Spot } from "../../core/recipe/field.ts";
import { type Filters, filtersOf, moduleOf } from "../../core/recipe/filters.ts";
import type { ModelSummary, TensorRow } from "../../workers/api.ts";
import type { Detail } from "../state/mixer.ts";
import { blockNames } from "./blocks.ts";

export interface Column {
  /** -1 before the layers, the layer's number; behind them the number of layers for final norms, one more for heads. */
  readonly id: number;
  /** On the axis. */
  readonly short: string;
  /** In sentences. */
  readonly name: string;
  /** Outside the layers; strokes do not run on into it. */
  readonly isEnd: boolean;
  /** Positions of its tensors. */
  readonly tensors: readonly number[];
}

export interface LaneView {
  /** "all", a kind, "ends", or a module. */
  readonly key: string;
  readonly title: string;
  readonly columns: readonly Column[];
}

export interface Board {
  readonly model: string;
  readonly stack: string;
  readonly stacks: readonly { readonly prefix: string; readonly layers: number }[];
  readonly layers: number;
  readonly spots: readonly Spot[];
  readonly filters: Filters;
  /** Names of the blocks of a UNet, in order; null for models of layers. */
  readonly blocks: readonly string[] | null;
  readonly lanes: Readonly<Record<Detail, readonly LaneView[]>>;
}

const KINDS: readonly (readonly [Kind, string])[] = [
  ["attention", "Attention"],
  ["mlp", "MLP"],
  ["norm", "Norms"],
  ["other", "Everything else"],
];

/** Null when the model has no numbered layers. */
export function boardOf(model: ModelSummary, wanted: string | null): Board | null {
  const shown = model.stacks.find(({ prefix }) => prefix === wanted) ?? model.stacks[0];
  if (shown === undefined) return null;
  const layersIn = new Map(model.stacks.map(({ prefix, layers }) => [prefix, layers]));
  const spots = model.tensors.map((row) => spotOf(row, layersIn));
  const blocks = blockNames(shown.prefix, shown.layers);
  const lane = laneMaker(spots, shown, shown === model.stacks[0], blocks);
  const inStack = (spot: Spot) => spot.stack === shown.prefix;
  const kinds = KINDS.filter(([kind]) => spots.some((spot) => inStack(spot) && spot.kind === kind));
  const ends = lane(
    "ends",
    blocks === null ? "Embeddings, final norm and head" : "Outside the blocks",
    () => false,
    true,
  );
  const perKind = kinds.map(([kind, title]) => lane(kind, title, (spot) => spot.kind === kind, false));
  const perModule = modulesIn(spots.filter(inStack), kinds).map(({ module, title }) =>
    lane(module, title, (spot) => moduleOf(spot.part) === module, false),
  );
  const withEnds = (list: readonly LaneView[]) => (ends.columns.length === 0 ? list : [...list, ends]);
  return {
    model: model.name,
    stack: shown.prefix,
    stacks: model.stacks,
    layers: shown.layers,
    spots,
    filters: filtersOf(spots, [...layersIn.keys()], model.filters),
    blocks,
    lanes: { all: [lane("all", "All layers", () => true, true)], kinds: withEnds(perKind), parts: withEnds(perModule) },
  };
}

function spotOf({ name, kind, stack, layer, part }: TensorRow, layersIn: ReadonlyMap<string, number>): Spot {
  const layers = stack === null ? undefined : layersIn.get(stack);
  return {
    name,
    t: layers === undefined || layer === null ? 0 : gradientPosition(layer, layers),
    kind,
    stack,
    layer,
    part,
  };
}

/** The order in which data passes them, by what their last word has in it; files are sorted by name. */
const FLOW = [
  /^q(kv|uery)?(_proj)?$|query|to_q|c_attn|in_proj/,
  /^k(ey)?(_proj)?$|to_k/,
  /^v(alue)?(_proj)?$|to_v/,
  /gate/,
  /up_proj|fc1/,
];

const flowOf = (module: string): number => {
  const place = FLOW.findIndex((word) => word.test(module.split(".").at(-1) ?? ""));
  return place < 0 ? FLOW.length : place;
};

/** Modules in the order of their kinds and of data; "o_proj", or as much of the name as tells two apart. */
function modulesIn(
  spots: readonly Spot[],
  kinds: readonly (readonly [Kind, string])[],
): { readonly module: string; readonly title: string }[] {
  const modules = kinds.flatMap(([kind]) =>
    [...new Set(spots.filter((spot) => spot.kind === kind).map(({ part }) => moduleOf(part)))].sort(
      (a, b) => flowOf(a) - flowOf(b),
    ),
  );
  const short = (module: string, words: number) => module.split(".").slice(-words).join(".");
  return [...new Set(modules)].map((module) => {
    const words = module.split(".").length;
    for (let n = 1; n < words; n++) {
      const title = short(module, n);
      const isOne = modules.every((other) => other === module || short(other, n) !== title);
      if (isOne && !/^[\d*]/.test(title)) return { module, title };
    }
    return { module, title: module };
  });
}

function laneMaker(
  spots: readonly Spot[],
  stack: { readonly prefix: string; readonly layers: number },
  isMain: boolean,
  blocks: readonly string[] | null,
) {
  const { prefix, layers } = stack;
  const perLayer: number[][] = Array.from({ length: layers }, () => []);
  const before: number[] = [];
  const after: number[] = [];
  for (const [i, spot] of spots.entries()) {
    if (spot.stack === prefix && spot.layer !== null) perLayer[spot.layer]?.push(i);
    // The base of an image model is all that is not a block: text encoder, time embedding, output.
    else if (blocks !== null) before.push(i);
    else if (spot.stack === null && isMain) (spot.kind === "head" || spot.kind === "norm" ? after : before).push(i);
  }
  const inside = perLayer.map((_, layer) => ({
    id: layer,
    short: blocks?.[layer] ?? String(layer),
    name: blocks === null ? `layer ${layer}` : `block ${blocks[layer]}`,
    isEnd: false,
  }));

  const ends = (name: string, short: string, id: number, tensors: readonly number[]): Column => ({
    id,
    short,
    name,
    isEnd: true,
    tensors,
  });
  const isNorm = (i: number) => spots[i]!.kind === "norm";
  const first =
    blocks === null
      ? ends("embeddings", "embed", -1, before)
      : ends("everything outside the blocks", "BASE", -1, before);
  const last = [
    ends("final norm", "norm", layers, after.filter(isNorm)),
    ends(
      "head",
      "head",
      layers + 1,
      after.filter((i) => !isNorm(i)),
    ),
  ];

  return (key: string, title: string, has: (spot: Spot) => boolean, hasEnds: boolean): LaneView => {
    const layered = inside.map((column, layer) => ({
      ...column,
      tensors: perLayer[layer]!.filter((i) => has(spots[i]!)),
    }));
    const columns = hasEnds ? [first, ...layered, ...last] : layered;
    return { key, title, columns: columns.filter(({ tensors }) => tensors.length > 0) };
  };
}
