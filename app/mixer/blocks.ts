/**
 * The blocks of image models by the names people use (IN00, M00, OUT11, BASE; D00, S37, IN, OUT), and strings of block weights:
 * "0,0.1,0.2,...", as they are passed around, in the order of the data.
 */
import { WeightloomError } from "../../core/errors.ts";

export type { BlockWeights };

/** A number for each id that a string named. */
type BlockWeights = ReadonlyMap<string, number>;

/** How blocks stand beside each other. */
export type Arrangement =
  /** Blocks of one depth side by side, down on the left and up on the right, the middle below. */
  | { readonly kind: "u"; readonly pairs: readonly (readonly [left: string, right: string])[]; readonly middle: string }
  | {
      readonly kind: "columns";
      readonly columns: readonly { readonly title: string; readonly blocks: readonly string[] }[];
    };

/** Of the blocks of a stack, by their names. */
export function arranged(names: readonly string[]): Arrangement {
  const side = (start: string) => names.filter((name) => name.startsWith(start));
  const [ins, outs, middles] = [side("IN"), side("OUT"), side("M")];
  const [middle] = middles;
  if (middle !== undefined && middles.length === 1 && ins.length === outs.length)
    return { kind: "u", middle, pairs: ins.map((left, i) => [left, outs.at(-1 - i) ?? left] as const) };
  const [doubles, singles] = [side("D"), side("S")];
  if (doubles.length + singles.length < names.length)
    return { kind: "columns", columns: [{ title: "Blocks", blocks: names }] };
  const half = Math.ceil(singles.length / 2);
  const columns = [
    { title: "Double blocks", blocks: doubles },
    { title: "Single blocks", blocks: singles.slice(0, half) },
    { title: "", blocks: singles.slice(half) },
  ];
  return { kind: "columns", columns: columns.filter(({ blocks }) => blocks.length > 0) };
}

/** Places outside the blocks, in the order of a whole string: what stands before them and after. */
export interface Ends {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export const SD_ENDS: Ends = { before: ["BASE"], after: [] };
export const FLUX_ENDS: Ends = { before: ["CLIP", "T5", "IN"], after: ["OUT"] };

export const endsOf = (blocks: readonly string[]): Ends => (blocks[0]?.startsWith("D") === true ? FLUX_ENDS : SD_ENDS);

/** The ways in which a string may leave out what is outside the blocks, the shortest first. */
function orders(blocks: readonly string[]): (readonly string[])[] {
  const { before, after } = endsOf(blocks);
  const nearest = before.slice(-1);
  const all = [blocks, [...nearest, ...blocks, ...after], [...before, ...blocks, ...after]];
  return all.filter((order, i) => all.findIndex(({ length }) => length === order.length) === i);
}

/**
 * Reads a string of block weights for a model with these blocks. Commas, spaces and line ends separate.
 * @throws RecipeError saying what is wrong with it
 */
export function readBlockWeights(text: string, blocks: readonly string[]): BlockWeights {
  const words = text.split(/[\s,;]+/).filter((word) => word !== "");
  const wrong = words.find((word) => !Number.isFinite(Number(word)));
  if (wrong !== undefined)
    throw new WeightloomError("RecipeError", `"${wrong}" is not a number. Write numbers separated by commas.`);
  const known = orders(blocks);
  const order = known.find(({ length }) => length === words.length);
  if (order !== undefined) return new Map(order.map((id, i) => [id, Number(words[i])]));
  const there = words.length === 1 ? "There is 1 number" : `There are ${words.length} numbers`;
  throw new WeightloomError(
    "RecipeError",
    `${there}; this model has ${blocks.length} blocks, so it takes ${takenBy(blocks)}.${otherModel(words.length)}`,
  );
}

/** "25, or 26 with BASE first" */
export function takenBy(blocks: readonly string[]): string {
  const [bare, ...more] = orders(blocks).map(({ length }) => length);
  const { before, after } = endsOf(blocks);
  if (after.length === 0) return `${bare}, or ${more.join(" or ")} with ${before.join(", ")} first`;
  return `${bare}, ${more[0]} with ${before.at(-1)} and ${after.join(", ")} around them, or ${more[1]} with ${before.join(", ")} first`;
}

const otherModel = (count: number): string => {
  if (count === 25 || count === 26) return " It looks like block weights of Stable Diffusion 1 or 2.";
  if (count === 19 || count === 20) return " It looks like block weights of Stable Diffusion XL.";
  if (count === 57 || count === 61) return " It looks like block weights of Flux.";
  return count === 21
    ? " It looks like block weights of Stable Diffusion XL with the VAE: leave the last one out."
    : "";
};

/** As they are passed around, with all ends; what the model has not is 0. Null where values differ inside a block. */
export function writeBlockWeights(
  blocks: readonly string[],
  values: ReadonlyMap<string, number | null>,
): string | null {
  const whole = orders(blocks).at(-1) ?? blocks;
  const numbers = whole.map((id) => (values.has(id) ? (values.get(id) ?? null) : 0));
  return numbers.includes(null) ? null : numbers.map((value) => String(Number((value ?? 0).toFixed(6)))).join(",");
}

/** What a block is, or what people say that it does; the latter nobody has proved. */
export function folklore(block: string): string {
  switch (block) {
    case "BASE":
      return "Said to carry the understanding of the prompt (text encoder) and everything that is no block.";
    case "CLIP":
    case "T5":
      return "A text encoder.";
    case "IN":
      return "What image, text and time pass before the blocks.";
    case "OUT":
      return "What turns the last block's numbers into an image's.";
    case "VAE":
      return "Turns images into what the model works on, and back.";
  }
  if (block.startsWith("M")) return "Said to hold the subject as a whole.";
  if (block.startsWith("D")) return "Image and text have weights of their own here.";
  if (block.startsWith("S")) return "Image and text share their weights here.";
  const number = Number(block.slice(-2));
  if (block.startsWith("IN")) return number < 4 ? "Said to change little." : "Said to decide composition and shapes.";
  return number < 6 ? "Said to decide faces, clothes and things." : "Said to decide colour, light and style.";
}
