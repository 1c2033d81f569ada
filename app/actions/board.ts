/** The Stack board and the inspector as actions: slices by their number, models by their name. */
import { addLayers, depths, dropSlice, shiftSlice } from "../stack/edits.ts";
import { castOf, EMPTY, setMethod } from "../state/edits.ts";
import { inspect, useInspect } from "../state/inspect.ts";
import { useModels } from "../state/models.ts";
import { duplicateSlice, inWords, layersIn } from "../state/stack.ts";
import { useStudio } from "../state/studio.ts";
import { useView } from "../state/view.ts";
import type { Action } from "./action.ts";

const toBoard = () => useView.getState().set({ view: "stack" });

export function stackActions(): Action[] {
  const { recipe, moe, edit } = useStudio.getState();
  if (moe !== null || recipe.modules !== undefined) return [];
  const names = useModels.getState().list.map(({ summary }) => summary.name);
  const { slices } = recipe;
  const rows: Omit<Action, "section">[] = names.map((name) => {
    const layers = depths(name);
    return {
      id: `stack-${name}`,
      title: slices === undefined ? `Begin a stack with all of ${name}` : `Stack all layers of ${name} on top`,
      words: ["slice", "passthrough", "frankenmerge", "add layers"],
      why: layers === null ? "Its layers cannot be stacked; the Stack board says why." : null,
      run: () => {
        if (layers !== null) addLayers(name, [0, layers]);
        toBoard();
      },
    };
  });
  for (const [at, slice] of (slices ?? []).entries()) {
    const [first] = slice.sources;
    const what = `slice ${at + 1}`;
    const about = first === undefined ? "" : `${first.model}, ${inWords(first.layer_range)}`;
    const row = (id: string, title: string, why: string | null, act: () => void) =>
      rows.push({
        id: `slice-${at}-${id}`,
        title,
        about,
        words: ["stack"],
        why,
        run: () => {
          act();
          toBoard();
        },
      });
    row("copy", `Duplicate ${what}`, null, () => edit((r) => duplicateSlice(r, at)));
    row("up", `Move ${what} up`, at === 0 ? "It is the first." : null, () => shiftSlice(at, at - 1));
    row("down", `Move ${what} down`, at === (slices?.length ?? 0) - 1 ? "It is the last." : null, () =>
      shiftSlice(at, at + 1),
    );
    row("drop", `Remove ${what}`, slices?.length === 1 ? "A stack needs one slice." : null, () => dropSlice(at));
  }
  if (slices !== undefined)
    rows.push({
      id: "unstack",
      title: "Merge whole models instead of the stack",
      about: `The stack has ${slices.reduce((sum, one) => sum + layersIn(one), 0)} layers.`,
      run: () => edit((r) => setMethod(r, EMPTY.merge_method, names)),
    });
  return rows.map((row) => ({ ...row, section: "Stack" }));
}

const PARTS = [
  ["tensors", "the tensor table", ["list", "search"]],
  ["map", "the heat map", ["heatmap", "layers"]],
  ["papers", "config and metadata", ["config.json", "readme", "licence"]],
] as const;

export function inspectActions(): Action[] {
  const open = useModels.getState().list.map(({ summary }) => summary.name);
  const { recipe } = useStudio.getState();
  const { view, set: show } = useView.getState();
  const { part, model, against } = useInspect.getState();
  if (open.length === 0) return [];
  const at = (id: (typeof PARTS)[number][0]) => view === "inspect" && part === id;
  const subject = model ?? open.find((name) => name !== recipe.base_model) ?? open[0];
  const rows: Omit<Action, "section">[] = [
    ...PARTS.map(([id, title, words]) => ({
      id: `inspect-${id}`,
      title: `Show ${title}`,
      words: ["inspect", ...words],
      why: at(id) ? "It is open." : null,
      run: () => {
        useInspect.setState({ part: id });
        show({ view: "inspect" });
      },
    })),
    ...open.map((name) => ({
      id: `inspect-model-${name}`,
      title: `Inspect ${name}`,
      words: ["tensors", "look into"],
      run: () => inspect(name),
    })),
    ...[...castOf(recipe), ...open]
      .filter((name, i, all) => all.indexOf(name) === i && open.includes(name) && name !== subject)
      .map((name) => ({
        id: `inspect-against-${name}`,
        title: `Compare ${subject} with ${name}`,
        words: ["inspect", "difference"],
        why: against === name && view === "inspect" ? "They are compared." : null,
        run: () => {
          useInspect.setState({ model: subject ?? null, against: name });
          show({ view: "inspect" });
        },
      })),
  ];
  return rows.map((row) => ({ ...row, section: "Inspect" }));
}
