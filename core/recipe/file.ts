/** Reads a recipe file into a document, stages in an order in which they can be run, and says what is wrong with it. */
import { isMap, isScalar } from "yaml";
import type { AnyMethod } from "../method.ts";
import { type Document, stagesUsed } from "./document.ts";
import { readMoe } from "./moe-file.ts";
import { readRecipe } from "./parse.ts";
import { type Range, type Reader, readYaml } from "./reader.ts";
import { type Diagnostic, modelsOf, type Recipe } from "./recipe.ts";
import { parseRef } from "./ref.ts";

/** The document is null exactly when one of the diagnostics is an error. */
export interface ParsedDocument {
  readonly document: Document | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a file against the methods a host offers. Never throws for any text. */
export function parseDocument(text: string, methods: ReadonlyMap<string, AnyMethod>): ParsedDocument {
  const stream = readYaml(text);
  const document = stream.failed() ? null : readDocument(stream.readers, methods);
  return { document: stream.failed() ? null : document, diagnostics: stream.diagnostics() };
}

function readDocument(
  readers: readonly [Reader, ...Reader[]],
  methods: ReadonlyMap<string, AnyMethod>,
): Document | null {
  const [first, ...more] = readers;
  const mixtures = readers.filter(isMoe);
  if (mixtures.length > 0) {
    const [stray] = more;
    if (stray === undefined) {
      const moe = readMoe(first);
      return moe === null ? null : { kind: "moe", moe };
    }
    stray.error(
      stray.whole,
      "A mixture of experts is a file of its own, but another recipe starts here. Split the file.",
    );
    return null;
  }
  const stages: Stage[] = [];
  for (const reader of readers) {
    const read = readRecipe(reader, methods);
    if (read !== null)
      stages.push({ recipe: read.recipe, reader, at: read.places.keys.get("name") ?? read.places.whole });
  }
  const ordered = stages.length === readers.length ? order(stages) : null;
  return ordered === null ? null : { kind: "merge", stages: ordered };
}

/** mergekit-moe's documents have experts, and no method. */
function isMoe(reader: Reader): boolean {
  const root = reader.follow(reader.root);
  const keys = isMap(root) ? root.items.map(({ key }) => (isScalar(key) ? key.value : null)) : [];
  return keys.includes("experts") && !keys.includes("merge_method");
}

interface Stage {
  readonly recipe: Recipe;
  readonly reader: Reader;
  /** Where its name is. */
  readonly at: Range;
}

/** The stages in an order that can be run, the result last; null and diagnostics when there is none. */
function order(stages: readonly Stage[]): readonly Recipe[] | null {
  const byName = new Map<string, Stage>();
  let sound = true;
  const refuse = ({ reader, at }: Stage, message: string) => {
    reader.error(at, message);
    sound = false;
  };
  let unnamed: Stage | undefined;
  for (const stage of stages) {
    const { name } = stage.recipe;
    if (name === undefined && unnamed !== undefined) {
      refuse(
        stage,
        `This is the second recipe without a name; only the one that makes the result needs none. Add "name: ...".`,
      );
    } else if (name === undefined) unnamed = stage;
    else if (byName.has(name)) refuse(stage, `Two recipes are named "${name}". Rename one of them.`);
    else byName.set(name, stage);
  }
  const names = new Set(byName.keys());
  const uses = new Map(
    stages.map((stage) => [stage, stagesUsed(stage.recipe, names).map((name) => byName.get(name)!)]),
  );
  const used = new Set([...uses.values()].flat());
  const ends = stages.filter((stage) => !used.has(stage));
  for (const stage of stages) {
    for (const ref of modelsOf(stage.recipe).filter((one) => !names.has(one) && names.has(parseRef(one).path))) {
      const { path, revision } = parseRef(ref);
      const what = revision === undefined ? "adapter" : "revision";
      const advice = `Put an adapter on a model it is made from, or merge "${path}" to a folder first`;
      refuse(stage, `"${path}" is made by this file, so it cannot have the ${what} of "${ref}". ${advice}.`);
    }
  }
  const circle = circleIn(stages, uses);
  if (circle !== null) {
    const path = circle.map(({ recipe }) => `"${recipe.name}"`);
    const way = path.length === 1 ? "itself" : `${path.slice(1).join(", then ")}, and that from ${path[0]}`;
    refuse(circle[0]!, `${path[0]} is made from ${way}, so nothing can come first. Take one of these models out.`);
  } else if (unnamed === undefined && ends.length > 1) {
    const which = ends.map(({ recipe }) => `"${recipe.name}"`).join(", ");
    refuse(
      ends.at(-1)!,
      `No recipe uses ${which}, so which of them is the result? Use all but one, or leave its name out.`,
    );
  }
  if (!sound) return null;
  const result = unnamed ?? ends[0]!;
  for (const stage of ends) {
    if (stage === result) continue;
    const name = stage.recipe.name;
    stage.reader.warn(
      stage.at,
      `No recipe uses "${name}", so the result is the same without it. Use it, or remove it.`,
    );
  }
  return sorted([...stages.filter((stage) => stage !== result), result], uses).map(({ recipe }) => recipe);
}

type Uses = ReadonlyMap<Stage, readonly Stage[]>;

/** What a stage uses before the stage itself, otherwise as given. */
function sorted(stages: readonly Stage[], uses: Uses): Stage[] {
  const done = new Set<Stage>();
  const visit = (stage: Stage): void => {
    if (done.has(stage)) return;
    for (const other of uses.get(stage) ?? []) visit(other);
    done.add(stage);
  };
  for (const stage of stages) visit(stage);
  return [...done];
}

/** Stages that use each other in a circle, from the first of them in the text; null when there is no circle. */
function circleIn(stages: readonly Stage[], uses: Uses): readonly Stage[] | null {
  const cleared = new Set<Stage>();
  const search = (stage: Stage, path: readonly Stage[]): readonly Stage[] | null => {
    if (path.includes(stage)) return path.slice(path.indexOf(stage));
    if (cleared.has(stage)) return null;
    for (const other of uses.get(stage) ?? []) {
      const found = search(other, [...path, stage]);
      if (found !== null) return found;
    }
    cleared.add(stage);
    return null;
  };
  for (const stage of stages) {
    const found = search(stage, []);
    if (found === null) continue;
    const first = Math.min(...found.map((one) => stages.indexOf(one)));
    const start = found.indexOf(stages[first]!);
    return [...found.slice(start), ...found.slice(0, start)];
  }
  return null;
}
