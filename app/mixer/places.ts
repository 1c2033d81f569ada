/** Columns as people write them: "7", "3-12", "all", "embed", "IN04". */
import { WeightloomError } from "../../core/errors.ts";
import type { LaneView } from "./board.ts";

export function placesInWords({ columns }: LaneView, from: number, to: number): string {
  const [first, last] = [columns[from]?.short ?? "", columns[to]?.short ?? ""];
  if (from === 0 && to === columns.length - 1 && to > 0) return "all";
  return from === to ? first : `${first}-${last}`;
}

/**
 * Positions of the first and the last column that a text names.
 * @throws RecipeError for columns the lane does not have
 */
export function placesIn(lane: LaneView, text: string): [number, number] {
  const { columns } = lane;
  const said = text.trim().toLowerCase();
  if (said === "all") return [0, columns.length - 1];
  const find = (word: string) => columns.findIndex(({ short }) => short.toLowerCase() === word.trim());
  const one = find(said);
  if (one >= 0) return [one, one];
  const [a = "", b = a] = said.split(/\s*(?:-|–|\.\.|to)\s*/);
  const [from, to] = [find(a), find(b)];
  if (from < 0 || to < 0) {
    throw new WeightloomError(
      "RecipeError",
      `"${text.trim()}" names no layers of ${lane.title}, which has ${columns[0]?.short} to ${columns.at(-1)?.short}. Write one of them, two with a dash between, or all.`,
    );
  }
  return [Math.min(from, to), Math.max(from, to)];
}
