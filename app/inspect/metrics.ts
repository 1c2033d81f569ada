/** The figures that are shown per tensor and per cell of the map: what each means, in words, and how it is read. Pure. */
import { agreementOf, conflictOf, cosineOf, flipsOf, relativeChange } from "../../core/run/sums.ts";
import type { Moves } from "../../workers/api.ts";

export type Metric = "change" | "cosine" | "flips" | "agreement" | "conflict" | "size" | "zeros" | "rank";

interface Words {
  readonly title: string;
  readonly help: string;
  /** What the cold and the hot end of its scale mean. */
  readonly ends: readonly [cold: string, hot: string];
  /** True where small values are the hot ones. */
  readonly isFalling?: boolean;
  format(value: number): string;
}

export const percent = (value: number): string => {
  const hundredth = 100 * value;
  const digits = hundredth === 0 || Math.abs(hundredth) >= 10 ? 1 : Math.abs(hundredth) >= 0.1 ? 2 : 4;
  return `${hundredth.toFixed(digits)} %`;
};
const cosine = (value: number) => value.toFixed(Math.abs(value) > 0.99 ? 6 : 3);

/** A weight: as many digits as tell it from its neighbours. */
export const figure = (value: number): string => {
  const size = Math.abs(value);
  if (value === 0) return "0";
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(5))) : value.toExponential(3);
};

export const METRICS: Readonly<Record<Metric, Words>> = {
  change: {
    title: "Relative change",
    help: "Length of the difference, as a share of the length of the other model's tensor",
    ends: ["alike", "moved most"],
    format: percent,
  },
  cosine: {
    title: "Cosine",
    help: "Of the angle between the two tensors: 1 is the same direction, 0 is none in common",
    ends: ["same direction", "least alike"],
    isFalling: true,
    format: cosine,
  },
  flips: {
    title: "Signs differ",
    help: "Share of the weights that are not zero in both and have different signs",
    ends: ["none", "most"],
    format: percent,
  },
  agreement: {
    title: "Task cosine",
    help: "Of the angle between what the two models changed of the base: 1 is the same change, 0 unrelated, below 0 against each other",
    ends: ["same change", "least agreed"],
    isFalling: true,
    format: cosine,
  },
  conflict: {
    title: "Sign conflict",
    help: "Share of the weights that both models changed, and changed in opposite directions",
    ends: ["none", "most"],
    format: percent,
  },
  size: {
    title: "Typical size",
    help: "Root of the mean square of the weights",
    ends: ["small", "large"],
    format: figure,
  },
  rank: {
    title: "Stable rank",
    help: "In how many directions it goes: 1 is one, as of an adapter of rank 1. Of a pair, what the model changed. All elements are read, so it takes its time",
    ends: ["few directions", "many"],
    format: (value) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0),
  },
  zeros: {
    title: "Zeros",
    help: "Share of the weights that are exactly zero",
    ends: ["none", "most"],
    format: percent,
  },
};

/** Of one tensor or of several together; null where there is nothing to say, or not yet. */
export function metricOf(moves: Moves | null, metric: Metric): number | null {
  if (moves === null) return null;
  const [move] = moves.models;
  const value = (() => {
    switch (metric) {
      case "change":
        return move === undefined ? null : relativeChange(moves, move);
      case "cosine":
        return move === undefined ? null : cosineOf(moves, move);
      case "flips":
        return move === undefined ? null : flipsOf(move);
      case "agreement":
        return agreementOf(moves, 0);
      case "conflict":
        return moves.pairs[0] === undefined ? null : conflictOf(moves.pairs[0]);
      case "size":
        return moves.looked === 0 ? null : Math.sqrt(moves.square / moves.elements);
      case "zeros":
        return moves.looked === 0 ? null : moves.zeros / moves.elements;
      case "rank":
        // No sum of a survey tells it; see app/state/ranks.ts.
        return null;
      default:
        return metric satisfies never;
    }
  })();
  return value === null || Number.isNaN(value) ? null : value;
}
