/** Keys that work in one place, which has them itself: the keyboard map lists them, the palette does not. */
import { KEYS } from "../mixer/keys.ts";
import type { Action, Section } from "./action.ts";

type Keys = readonly (readonly [keys: string, what: string])[];

const OWN: Readonly<Partial<Record<Section, Keys>>> = {
  Mixer: KEYS,
  Strips: [
    ["← → ↑ ↓", "to another cell"],
    ["Home, End", "to the first, the last layer"],
    ["Enter", "what can be done, or the tensor behind it"],
  ],
  Layers: [
    ["↑ ↓", "choose a layer"],
    ["Shift ↑ ↓", "choose several"],
    ["Ctrl A", "choose all"],
    ["Enter", "add them to the stack"],
  ],
  Slices: [
    ["↑ ↓", "move it"],
    ["Home, End", "make it the first, the last"],
    ["Delete", "remove it"],
  ],
  Tensors: [
    ["↑ ↓", "to another tensor"],
    ["Page up, down", "by a screenful"],
    ["Home, End", "to the first, the last"],
  ],
};

export const ownKeys = (): Action[] =>
  Object.entries(OWN).flatMap(([section, keys]) =>
    keys.map(([key, what]) => ({
      id: `${section}-${key}`,
      title: `${what.charAt(0).toUpperCase()}${what.slice(1)}`,
      section: section as Section,
      keys: [key],
    })),
  );
