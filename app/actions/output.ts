/** How the result is written and computed, as actions. */
import { setOutputType } from "../state/edits.ts";
import { useOptions } from "../state/options.ts";
import { useStudio } from "../state/studio.ts";
import type { Action } from "./action.ts";

const TYPES = [
  ["bfloat16", "BF16"],
  ["float16", "F16"],
  ["float32", "F32"],
  [null, "the type they are stored in"],
] as const;

const ENGINES = [
  ["auto", "whatever is fastest"],
  ["gpu", "the GPU"],
  ["cpu", "the CPU"],
] as const;

export function outputActions(): Action[] {
  const { recipe, moe, edit } = useStudio.getState();
  const { options, setOptions } = useOptions.getState();
  const now = recipe.out_dtype ?? recipe.dtype ?? null;
  return [
    ...TYPES.map(
      ([type, name]): Action => ({
        id: `type-${type}`,
        title: `Write weights in ${name}`,
        section: "Output",
        words: ["dtype", "precision"],
        why: moe !== null ? "It is written in the recipe." : now === type ? "They are." : null,
        run: () => edit((r) => setOutputType(r, type)),
      }),
    ),
    ...ENGINES.map(
      ([engine, name]): Action => ({
        id: `engine-${engine}`,
        title: `Compute on ${name}`,
        section: "Output",
        words: ["engine"],
        why: options.engine === engine ? "It is." : null,
        run: () => setOptions({ engine }),
      }),
    ),
  ];
}
