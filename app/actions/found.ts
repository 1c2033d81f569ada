/** The actions that fit what was typed, best first. */
import { defaultFilter } from "cmdk";
import type { Action } from "./action.ts";

/** Below this share of the best score an action fits by accident. */
const CLOSE = 0.05;
const MOST = 40;

/** 0 (letters missing) to 1. Letters in the title count more than in the words beside it. */
function scoreOf({ title, words = [], why }: Action, typed: string): number {
  const score = Math.max(defaultFilter(title, typed), ...words.map((word) => 0.7 * defaultFilter(word, typed)));
  return why == null ? score : score / 2;
}

export function actionsLike(typed: string, actions: readonly Action[]): Action[] {
  const scored = actions.map((action) => ({ action, score: scoreOf(action, typed) })).sort((a, b) => b.score - a.score);
  const best = scored[0]?.score ?? 0;
  return scored
    .filter(({ score }) => score > 0 && score >= CLOSE * best)
    .slice(0, MOST)
    .map(({ action }) => action);
}
