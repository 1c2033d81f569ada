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
import { endsOf, FLUX_ENDS } from "./blocks.ts";

export interface Column {
  /**
   * -1, -2 ... before the layers (-1 is next to them), the layer's number; behind them the number of layers for final norms,
   * one more for heads.
   */
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
  /** Columns that stand before the layers, and behind them. */
  readonly sides: readonly [before: number, behind: number];
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
  const blocks = shown.blocks ?? null;
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
  const whole = lane("all", "All layers", () => true, true);
  const withEnds = (list: readonly LaneView[]) => (ends.columns.length === 0 ? list : [...list, ends]);
  return {
    model: model.name,
    stack: shown.prefix,
    stacks: model.stacks,
    layers: shown.layers,
    sides: sidesOf(whole, shown.layers),
    spots,
    filters: filtersOf(spots, [...layersIn.keys()], model.filters),
    blocks,
    lanes: { all: [whole], kinds: withEnds(perKind), parts: withEnds(perModule) },
  };
}

/** Text models keep the room for all their ends, so that boards of one kind look alike. */
function sidesOf({ columns }: LaneView, layers: number): readonly [number, number] {
  const ids = columns.map(({ id }) => id);
  return [Math.max(1, -Math.min(0, ...ids)), Math.max(0, Math.max(...ids) - layers + 1)];
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

const NAMES: Readonly<Record<string, string>> = {
  CLIP: "the CLIP text encoder",
  T5: "the T5 text encoder",
  IN: "what comes before the blocks",
  OUT: "the final layer",
  VAE: "the VAE",
};

/** Where a tensor outside the blocks stands. The base of Stable Diffusion is all that is no block: text encoder, VAE, output. */
function placeAround(blocks: readonly string[], name: string): string {
  if (endsOf(blocks) !== FLUX_ENDS) return "BASE";
  if (/^vae\.|first_stage_model|^(?:encoder|decoder)\./.test(name)) return "VAE";
  if (/t5|text_encoder_2/.test(name)) return "T5";
  if (/clip|text_encoder/.test(name)) return "CLIP";
  return /final_layer|norm_out|^(?:transformer\.)?proj_out\./.test(name) ? "OUT" : "IN";
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
  const around = new Map<string, number[]>();
  for (const [i, spot] of spots.entries()) {
    if (spot.stack === prefix && spot.layer !== null) perLayer[spot.layer]?.push(i);
    else if (blocks !== null) {
      const place = placeAround(blocks, spot.name);
      around.set(place, [...(around.get(place) ?? []), i]);
    } else if (spot.stack === null && isMain) (spot.kind === "head" || spot.kind === "norm" ? after : before).push(i);
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
  const named = (short: string, id: number) =>
    ends(NAMES[short] ?? "everything outside the blocks", short, id, around.get(short) ?? []);
  const outer = blocks === null ? null : endsOf(blocks);
  const first =
    outer === null
      ? [ends("embeddings", "embed", -1, before)]
      : outer.before.map((short, i) => named(short, i - outer.before.length));
  const last =
    outer === null
      ? [
          ends("final norm", "norm", layers, after.filter(isNorm)),
          ends(
            "head",
            "head",
            layers + 1,
            after.filter((i) => !isNorm(i)),
          ),
        ]
      : [...outer.after, "VAE"].map((short, i) => named(short, layers + i));

  return (key: string, title: string, has: (spot: Spot) => boolean, hasEnds: boolean): LaneView => {
    const layered = inside.map((column, layer) => ({
      ...column,
      tensors: perLayer[layer]!.filter((i) => has(spots[i]!)),
    }));
    const columns = hasEnds ? [...first, ...layered, ...last] : layered;
    return { key, title, columns: columns.filter(({ tensors }) => tensors.length > 0) };
  };
}
