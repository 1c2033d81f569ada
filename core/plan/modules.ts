/**
 * Models with several stacks of layers, merged module by module: a language model and a vision tower, an encoder and a
 * decoder. What no module of the recipe names is carried over.
 */
import { WeightloomError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { type Module, type Modules, moduleNamed, modulesOf } from "../model/modules.ts";
import type { ModuleEntry } from "../recipe/recipe.ts";
import { choices, didYouMean } from "../recipe/words.ts";
import { familyNotes, type Outline, type OutputTensor, type Part, partOf, type Scope } from "./outputs.ts";
import { type Lookup, sourceOf } from "./party.ts";
import type { Note } from "./plan.ts";

export function fromModules(
  modules: Readonly<Record<string, ModuleEntry>>,
  base: string | undefined,
  lookup: Lookup,
): Outline {
  const [first] = Object.values(modules);
  const ref = base ?? first?.models?.[0]?.model ?? first?.slices?.[0]?.sources[0]?.model;
  if (ref === undefined) throw new WeightloomError("PlanError", "modules names no model. Add one under a module.");
  const donor = lookup(ref);
  const words = new Map<string, string>();
  const parts = Object.entries(modules).map(([word, entry]): Part => {
    const { name } = moduleFor(donor, word);
    const before = words.get(name);
    if (before !== undefined) {
      throw new WeightloomError(
        "PlanError",
        `modules: "${before}" and "${word}" are the same module of ${donor.ref}, ${name}. Remove one of them.`,
      );
    }
    words.set(name, word);
    const { tensors, ...rest } = partOf(entry, base, lookup, scopeOf(word, name));
    return { ...rest, tensors: tensors.map((tensor) => ({ ...tensor, module: entry.parameters })) };
  });
  const { list, of } = modulesOf(donor);
  const others = list.filter(({ name }) => !words.has(name));
  const carried = others.length === 0 ? [] : carriedOver(donor, ref, (name) => !words.has(of(name)));
  return {
    tensors: [...parts.flatMap(({ tensors }) => tensors), ...carried],
    donor,
    stacks: [...parts.flatMap(({ stacks }) => stacks), ...others.flatMap((module) => asTheyAre(donor, module))],
    notes: [
      ...familyNotes(
        donor,
        parts.flatMap(({ models }) => models),
      ),
      ...unnamed(donor, others),
    ],
  };
}

/** The module of the model that gives the shape. */
function moduleFor(donor: Model, word: string): Module {
  const modules = modulesOf(donor);
  const module = moduleNamed(modules, word);
  if (module !== null) return module;
  const names = modules.list.map(({ name }) => name);
  const hint = didYouMean(word, names);
  throw new WeightloomError(
    "PlanError",
    `modules: ${donor.ref} (${donor.family.title}) has no module "${word}"; it has ${choices(names, "and")}.${hint} Name one of them.`,
  );
}

/** In every model, its own part of that name; a model with a single stack is that part as a whole. */
function scopeOf(word: string, name: string): Scope {
  const alone = (model: Model) => model.stacks.length < 2;
  const known = new Map<Model, Modules>();
  const inside = (model: Model): Modules => {
    const modules = known.get(model) ?? modulesOf(model);
    known.set(model, modules);
    return modules;
  };
  return {
    where: `modules.${word}.`,
    stacks: (model) => (alone(model) ? model.stacks : (moduleNamed(inside(model), name)?.stacks ?? [])),
    has: (model, tensor) => alone(model) || inside(model).of(tensor) === name,
  };
}

function carriedOver(donor: Model, label: string, wanted: (name: string) => boolean): OutputTensor[] {
  return [...donor.checkpoint.tensors.keys()].filter(wanted).map((name) => ({
    name,
    place: donor.family.place(name),
    t: 0,
    depth: null,
    sources: [sourceOf(donor, name, label)],
    base: null,
    slice: undefined,
    carried: "its module is not in the recipe",
  }));
}

const asTheyAre = (donor: Model, { stacks }: Module): Outline["stacks"] =>
  stacks.map(({ prefix, layers }) => ({
    prefix,
    origins: Array.from({ length: layers }, (_, layer) => ({ model: donor, layer })),
  }));

function unnamed(donor: Model, others: readonly Module[]): Note[] {
  if (others.length === 0) return [];
  const names = choices(
    others.map(({ name }) => name),
    "and",
  );
  const text = `Not in the recipe: ${names}. Their tensors are taken from ${donor.ref} as they are.`;
  return [{ severity: "info", text }];
}
