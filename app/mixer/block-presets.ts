/**
 * Presets of block weights by the names they have everywhere. Those that are curves fit any number of blocks; those that
 * count blocks are made for the 25 of Stable Diffusion 1 and 2. Outside the blocks they are 0, but in ALL_B.
 */

export interface BlockPreset {
  /** For everything outside the blocks. */
  readonly ends: number;
  readonly blocks: readonly number[];
}

const smooth = (x: number) => x * x * (3 - 2 * x);
const cosine = (x: number) => (1 + Math.cos(Math.PI * x)) / 2;
/** 0 at even numbers, 1 at odd ones. */
const zigzag = (x: number) => 1 - Math.abs((x % 2) - 1);
/** A cubic Hermite curve from 0 to 1 that leaves and arrives at this slope. */
const hermite = (x: number) => smooth(x) + (25 / 6) * (x * (1 - x) ** 2 - x * x * (1 - x));

/** By their usual names, and each downside up under another name. */
const CURVES: readonly (readonly [name: string, reverse: string, curve: (x: number, blocks: number) => number])[] = [
  ["SMOOTHSTEP", "REVERSE-SMOOTHSTEP", smooth],
  ["SMOOTHSTEP*2", "R_SMOOTHSTEP*2", (x) => zigzag(2 * smooth(x))],
  ["SMOOTHSTEP*3", "R_SMOOTHSTEP*3", (x) => zigzag(3 * smooth(x))],
  ["SMOOTHSTEP*4", "R_SMOOTHSTEP*4", (x) => zigzag(4 * smooth(x))],
  ["SMOOTHSTEP/2", "R_SMOOTHSTEP/2", (x) => smooth(zigzag(2 * x))],
  ["SMOOTHSTEP/3", "R_SMOOTHSTEP/3", (x) => smooth(zigzag(3 * x))],
  ["SMOOTHSTEP/4", "R_SMOOTHSTEP/4", (x) => smooth(zigzag(4 * x))],
  ["COSINE", "REVERSE_COSINE", cosine],
  // One step ahead of the other, as it was first tabulated; but it begins at 0 all the same.
  [
    "TRUE_CUBIC_HERMITE",
    "TRUE_REVERSE_CUBIC_HERMITE",
    (x, blocks) => (x === 0 ? 0 : hermite(x) + (1 - smooth(x)) / (blocks - 1)),
  ],
  ["FAKE_CUBIC_HERMITE", "FAKE_REVERSE_CUBIC_HERMITE", hermite],
];

/** Runs of equal numbers from IN00 to OUT11: how many, and which. */
const runs = (...parts: readonly (readonly [count: number, value: number])[]) =>
  parts.flatMap(([count, value]) => new Array<number>(count).fill(value));

const COUNTED: Readonly<Record<string, readonly number[]>> = {
  WRAP08: runs([4, 1], [17, 0], [4, 1]),
  WRAP12: runs([6, 1], [13, 0], [6, 1]),
  WRAP14: runs([7, 1], [11, 0], [7, 1]),
  WRAP16: runs([8, 1], [9, 0], [8, 1]),
  MID12_50: runs([5, 0], [14, 0.5], [6, 0]),
  OUT07: runs([18, 0], [7, 1]),
  OUT12: runs([13, 0], [12, 1]),
  OUT12_5: runs([12, 0], [1, 0.5], [12, 1]),
  RING08_SOFT: runs([5, 0], [1, 0.5], [3, 1], [1, 0.5], [5, 0], [1, 0.5], [3, 1], [1, 0.5], [5, 0]),
  RING08_5: runs([6, 0], [4, 1], [5, 0], [4, 1], [6, 0]),
  RING10_5: runs([5, 0], [5, 1], [5, 0], [5, 1], [5, 0]),
  RING10_3: runs([6, 0], [5, 1], [3, 0], [5, 1], [6, 0]),
};

export function blockPresets(count: number): Readonly<Record<string, BlockPreset>> {
  const drawn = (curve: (x: number) => number, ends = 0): BlockPreset => ({
    ends,
    blocks: Array.from({ length: count }, (_, i) => Number(curve(count < 2 ? 0 : i / (count - 1)).toFixed(10)) + 0),
  });
  return {
    GRAD_V: drawn((x) => Math.abs(2 * x - 1)),
    GRAD_A: drawn((x) => 1 - Math.abs(2 * x - 1)),
    FLAT_25: drawn(() => 0.25),
    FLAT_75: drawn(() => 0.75),
    ...(count === 25
      ? Object.fromEntries(Object.entries(COUNTED).map(([name, blocks]) => [name, { ends: 0, blocks }]))
      : {}),
    ...Object.fromEntries(
      CURVES.flatMap(([name, reverse, curve]) => [
        [name, drawn((x) => curve(x, count))],
        [reverse, drawn((x) => 1 - curve(x, count))],
      ]),
    ),
    ALL_A: drawn(() => 0),
    ALL_B: drawn(() => 1, 1),
  };
}
