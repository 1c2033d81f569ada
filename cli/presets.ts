/** `presets`, `average` and `pairs`: recipes for models somebody has, to be kept in a file. */
import { printDocument } from "../core/recipe/document.ts";
import { printRecipe } from "../core/recipe/print.ts";
import { formatRef, splitRef } from "../core/recipe/ref.ts";
import { METHODS } from "../methods/index.ts";
import { byPairs } from "../methods/pairs.ts";
import { averageRecipe, type Preset, type PresetModel, presetsFor, printPreset } from "../methods/presets.ts";
import { type Invocation, UsageError } from "./args.ts";
import { openModels } from "./models.ts";

export async function presetsCommand({ operands: [id, ...models], json, memory }: Invocation): Promise<unknown> {
  const all = presetsFor(METHODS);
  if (id === undefined) {
    if (!json) console.log(all.map(listed).join("\n"));
    return { presets: all.map(({ make: _, ...rest }) => rest) };
  }
  const preset = all.find((one) => one.id === id);
  if (preset === undefined) {
    throw new UsageError(`There is no preset "${id}". The presets are ${all.map((one) => one.id).join(", ")}.`);
  }
  if (models.length === 0) {
    if (!json) console.log(`${preset.title}\n${preset.summary}\nweightloom presets ${id} ${operandsOf(preset)}`);
    return { preset: id };
  }
  return shown(printPreset(preset, await measured(preset, models.map(refOf), memory)), json);
}

export function averageCommand({ operands, average, json }: Invocation): unknown {
  return shown(printRecipe(averageRecipe(operands.map(refOf), average)), json);
}

export function pairsCommand({ operands, pairs, json }: Invocation): unknown {
  const stages = byPairs(operands.map(refOf), pairs.order, pairs.method);
  return shown(printDocument({ kind: "merge", stages }), json);
}

function shown(recipe: string, json: boolean): unknown {
  if (!json) process.stdout.write(recipe);
  return { recipe };
}

/** As it is typed; a path that is no reference is a path all the same. */
function refOf(typed: string): string {
  const read = splitRef(typed);
  return formatRef(typeof read === "string" ? { path: typed } : read);
}

/** Models are opened only for presets that cut layers. */
async function measured({ layered }: Preset, refs: readonly string[], memory: number): Promise<readonly PresetModel[]> {
  if (!layered) return refs.map((ref) => ({ ref, layers: null }));
  const { models, close } = await openModels([...new Set(refs)], null, { memory });
  await close();
  return refs.map((ref) => ({ ref, layers: models.get(ref)?.stacks[0]?.layers ?? null }));
}

const listed = (preset: Preset) => `${preset.id.padEnd(18)}${preset.title}. ${preset.summary}`;

function operandsOf({ base, models: { min, max } }: Preset): string {
  const each = Array.from({ length: min }, (_, i) => `MODEL${min === 1 && max === 1 ? "" : i + 1}`);
  return [...(base ? ["BASE"] : []), ...each, ...(max === min ? [] : ["..."])].join(" ");
}
