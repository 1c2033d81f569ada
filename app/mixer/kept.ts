/**
 * What the mixer reads from a recipe, kept from one reading to the next where nothing changed: after a stroke only the curve that
 * was drawn is new, in the lanes it shows in, so everything else stands still.
 */
import type { Field } from "../../core/recipe/field.ts";
import type { Recipe, Setting } from "../../core/recipe/recipe.ts";
import type { Board, LaneView } from "./board.ts";
import { type Reading, readLane } from "./curve.ts";
import type { Line } from "./lane.tsx";
import { type Dial, dialsOf, fieldOf, settingsOf, type Voice, voicesOf } from "./lanes.ts";

interface Known {
  readonly board: Board;
  readonly dial: Dial;
  readonly voice: Voice;
  readonly settings: readonly (Setting | undefined)[];
  readonly field: Field;
  /** By lane. */
  readonly lines: Map<LaneView, Line>;
}

export interface Reader {
  dials(recipe: Recipe): readonly Dial[];
  lines(recipe: Recipe, board: Board, dial: Dial, lanes: readonly LaneView[]): Lines;
}

export interface Lines {
  readonly voices: readonly Voice[];
  readonly fields: readonly Field[];
  /** By the key of a lane. */
  readonly byLane: ReadonlyMap<string, readonly Line[]>;
}

export function createReader(): Reader {
  let dials: readonly Dial[] = [];
  let known = new Map<string | null, Known>();
  let arrays = new Map<string, readonly Line[]>();

  function knownOf(recipe: Recipe, board: Board, dial: Dial, voice: Voice): Known {
    const before = known.get(voice.model);
    const settings = settingsOf(recipe, voice, dial.id);
    const isSame =
      before !== undefined && before.board === board && before.dial === dial && before.voice.role === voice.role;
    if (isSame && settings.every((one, i) => one === before.settings[i])) return before;
    const kept = isSame ? before.voice : voice;
    const field = fieldOf(recipe, board, dial, kept);
    // Lanes of which nothing was drawn keep their lines.
    const lines = new Map<LaneView, Line>();
    if (isSame)
      for (const [lane, line] of before.lines) if (isEqual(readLane(field, lane), line.reading)) lines.set(lane, line);
    return { board, dial, voice: kept, settings, field, lines };
  }

  return {
    dials: (recipe) => {
      const now = dialsOf(recipe);
      const isSame = now.length === dials.length && now.every(({ id, param }, i) => isDial(dials[i], id, param));
      if (!isSame) dials = now;
      return dials;
    },
    lines: (recipe, board, dial, lanes) => {
      const all = voicesOf(recipe, dial).map((voice) => knownOf(recipe, board, dial, voice));
      known = new Map(all.map((one) => [one.voice.model, one]));
      const next = new Map<string, readonly Line[]>();
      for (const lane of lanes) {
        const lines = all.map(({ voice, field, lines }) => {
          const line = lines.get(lane) ?? { voice, reading: readLane(field, lane) };
          lines.set(lane, line);
          return line;
        });
        const before = arrays.get(lane.key);
        const isSame = before?.length === lines.length && lines.every((line, i) => line === before[i]);
        next.set(lane.key, isSame ? before : lines);
      }
      arrays = next;
      return { voices: all.map(({ voice }) => voice), fields: all.map(({ field }) => field), byLane: next };
    },
  };
}

const isDial = (dial: Dial | undefined, id: string, param: Dial["param"]) => dial?.id === id && dial.param === param;

const isEqual = (a: Reading, b: Reading): boolean =>
  a.curve.every((value, i) => value === b.curve[i]) &&
  a.spread.every(([low, high], i) => Object.is(low, b.spread[i]?.[0]) && Object.is(high, b.spread[i]?.[1]));
