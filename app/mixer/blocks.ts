/**
 * The blocks of Stable Diffusion's UNet by the names people use (IN00, M00, OUT11, BASE), and strings of block weights:
 * "0,0.1,0.2,...", as they are passed around. Numbers go in the order of the data: BASE first where it is given.
 */
import { WeightloomError } from "../../core/errors.ts";

/** Blocks of SD (25) and of SDXL (19), in the order of the layers; null for other stacks. */
export function blockNames(stack: string, layers: number): readonly string[] | null {
  if (stack !== "unet" || layers % 2 === 0 || layers < 3) return null;
  const half = (layers - 1) / 2;
  const side = (word: string) => Array.from({ length: half }, (_, i) => `${word}${String(i).padStart(2, "0")}`);
  return [...side("IN"), "M00", ...side("OUT")];
}

/** Pairs of blocks of one depth: IN00 beside the last OUT, down to the middle, which stands alone. */
export function mirrored(count: number): { readonly left: number; readonly right: number }[] {
  const half = (count - 1) / 2;
  return Array.from({ length: half }, (_, i) => ({ left: i, right: count - 1 - i }));
}

export interface BlockWeights {
  /** Null where the string leaves the base out. */
  readonly base: number | null;
  readonly blocks: readonly number[];
}

/**
 * Reads a string of block weights for a model of `count` blocks: one number per block, or BASE and then the blocks.
 * Commas, spaces and line ends separate.
 * @throws RecipeError saying what is wrong with it
 */
export function readBlockWeights(text: string, count: number): BlockWeights {
  const words = text.split(/[\s,;]+/).filter((word) => word !== "");
  const wrong = words.find((word) => !Number.isFinite(Number(word)));
  if (wrong !== undefined)
    throw new WeightloomError("RecipeError", `"${wrong}" is not a number. Write numbers separated by commas.`);
  const numbers = words.map(Number);
  if (numbers.length === count) return { base: null, blocks: numbers };
  if (numbers.length === count + 1) return { base: numbers[0] ?? null, blocks: numbers.slice(1) };
  throw new WeightloomError(
    "RecipeError",
    `${numbers.length === 1 ? "There is 1 number" : `There are ${numbers.length} numbers`}; this model has ${count} blocks, so it takes ${count}, or ${count + 1} with BASE first.${otherModel(numbers.length)}`,
  );
}

const otherModel = (count: number): string => {
  if (count === 25 || count === 26) return " It looks like block weights of Stable Diffusion 1 or 2.";
  if (count === 19 || count === 20) return " It looks like block weights of Stable Diffusion XL.";
  return count === 21
    ? " It looks like block weights of Stable Diffusion XL with the VAE: leave the last one out."
    : "";
};

/** As they are passed around: BASE first. Values that differ inside a block have no such string. */
export function writeBlockWeights(values: readonly (number | null)[]): string | null {
  return values.includes(null) ? null : values.map((value) => String(Number((value ?? 0).toFixed(6)))).join(",");
}

/** What people say that blocks do. Nobody has proved it. */
export function folklore(block: string): string {
  if (block === "BASE")
    return "Said to carry the understanding of the prompt (text encoder) and everything that is no block.";
  if (block === "M00") return "Said to hold the subject as a whole.";
  const number = Number(block.slice(-2));
  if (block.startsWith("IN")) return number < 4 ? "Said to change little." : "Said to decide composition and shapes.";
  return number < 6 ? "Said to decide faces, clothes and things." : "Said to decide colour, light and style.";
}

/** Presets of block weights by the names they have everywhere, for `count` blocks; BASE is 0 in all but ALL_B. */
export function blockPresets(count: number): Readonly<Record<string, BlockWeights>> {
  const preset = (weight: (x: number, i: number) => number, base = 0): BlockWeights => ({
    base,
    blocks: Array.from({ length: count }, (_, i) => Number(weight(i / (count - 1), i).toFixed(10)) + 0),
  });
  const smooth = (x: number) => x * x * (3 - 2 * x);
  const cosine = (x: number) => (1 + Math.cos(Math.PI * x)) / 2;
  const wrap = (ones: number) => preset((_, i) => Number(i < ones / 2 || i >= count - ones / 2));
  const last = (ones: number, middle = 0) =>
    preset((_, i) => (i >= count - ones ? 1 : i === count - ones - 1 ? middle : 0));
  const alike = {
    GRAD_V: preset((x) => Math.abs(2 * x - 1)),
    GRAD_A: preset((x) => 1 - Math.abs(2 * x - 1)),
    FLAT_25: preset(() => 0.25),
    FLAT_75: preset(() => 0.75),
    SMOOTHSTEP: preset(smooth),
    REVERSE_SMOOTHSTEP: preset((x) => 1 - smooth(x)),
    COSINE: preset(cosine),
    REVERSE_COSINE: preset((x) => 1 - cosine(x)),
    ALL_A: preset(() => 0),
    ALL_B: preset(() => 1, 1),
  };
  // These count blocks, and are made for the 25 of Stable Diffusion 1 and 2.
  if (count !== 25) return alike;
  const counting = { WRAP08: wrap(8), WRAP12: wrap(12), WRAP14: wrap(14), WRAP16: wrap(16) };
  return { ...alike, ...counting, OUT07: last(7), OUT12: last(12), OUT12_5: last(12, 0.5) };
}
