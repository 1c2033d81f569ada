/** How the models are built: family, depth, width, heads, and tensors that some have and others lack. */
import type { TensorInfo } from "../formats/checkpoint.ts";
import { standIn } from "../model/tied.ts";
import { type Finding, listed, type Remedy, type Topic } from "./finding.ts";
import type { Patient, Wish } from "./patient.ts";

/** @param lead the model whose config the result gets */
export function buildFindings(lead: Patient, others: readonly Patient[], wish: Wish): Finding[] {
  const strange = others.filter((other) => !sharesNames(lead, other));
  const kin = others.filter((other) => !strange.includes(other));
  return [
    ...families(lead, others, strange),
    ...(wish.sliced ? [] : depths(lead, kin)),
    ...figures(lead, kin),
    ...tensorFindings(lead, kin, wish),
  ];
}

const leave = ({ ref }: Patient): Remedy => ({ kind: "leave", model: ref });
const titles = (patients: readonly Patient[]) => [...new Set(patients.map(({ model }) => model.family.title))];

const sharesNames = (a: Patient, b: Patient) => [...b.tensors.keys()].some((name) => a.tensors.has(name));

function families(lead: Patient, others: readonly Patient[], strange: readonly Patient[]): Finding[] {
  const told = strange.map(
    (other): Finding => ({
      topic: "family",
      weight: "stop",
      text: `${other.ref} is ${other.model.family.title} and ${lead.ref} is ${lead.model.family.title}: no tensor of one is called like one of the other, so there is nothing to merge.`,
      remedy: leave(other),
    }),
  );
  if (told.length > 0) return told;
  const all = titles([lead, ...others]);
  if (all.length > 1) {
    const text = `Families differ: ${listed(all)}. Tensors of the same name are merged, and the result is configured as ${lead.model.family.title}.`;
    return [{ topic: "family", weight: "warn", text }];
  }
  const layers = lead.model.stacks.map((stack) => stack.layers).join(" + ") || "no numbered";
  const same = others.every((other) => sameStacks(lead, other));
  if (lead.model.family.id === "generic")
    return [
      {
        topic: "family",
        weight: "fine",
        text: same
          ? `Their family is not known here, but their layers are alike: ${layers}.`
          : "Their family is not known here; what has one name is merged.",
      },
    ];
  const text = same ? `All are ${all[0]} with ${layers} ${layers === "1" ? "layer" : "layers"}.` : `All are ${all[0]}.`;
  return [{ topic: "family", weight: "fine", text }];
}

const layersOf = ({ model }: Patient, prefix: string) => model.stacks.find((stack) => stack.prefix === prefix)?.layers;

const sameStacks = (a: Patient, b: Patient) =>
  a.model.stacks.length === b.model.stacks.length &&
  a.model.stacks.every(({ prefix, layers }) => layersOf(b, prefix) === layers);

function depths(lead: Patient, others: readonly Patient[]): Finding[] {
  return others.flatMap((other): Finding[] => {
    const odd = lead.model.stacks.find(({ prefix, layers }) => (layersOf(other, prefix) ?? layers) !== layers);
    if (odd === undefined) return [];
    return [
      {
        topic: "depth",
        weight: "fix",
        text: `${other.ref} has ${layersOf(other, odd.prefix)} layers and ${lead.ref} has ${odd.layers}; whole models are merged layer by layer. Choose which layers belong together on the Stack board.`,
        remedy: { kind: "stack" },
      },
    ];
  });
}

interface Figure {
  readonly topic: Topic;
  readonly of: (patient: Patient) => number | null;
  /** After the number: "2048 wide". */
  readonly unit: string;
  readonly why: string;
}

const FIGURES: readonly Figure[] = [
  {
    topic: "width",
    of: ({ facts }) => facts.hidden,
    unit: "numbers per token",
    why: "Between layers the models pass vectors of different length, so no layer of one fits the other.",
  },
  {
    topic: "heads",
    of: ({ facts }) => facts.heads,
    unit: "attention heads",
    why: "Rows of their attention matrices belong to different heads, and merging them mixes what has nothing to do with each other.",
  },
  {
    topic: "heads",
    of: ({ facts }) => facts.keyValueHeads,
    unit: "key-value heads",
    why: "Keys and values are shared among heads in different groups.",
  },
];

/** The first figure that differs is said; those after it follow from it. */
function figures(lead: Patient, others: readonly Patient[]): Finding[] {
  return others.flatMap((other): Finding[] => {
    const odd = FIGURES.find(({ of }) => of(lead) !== null && of(other) !== null && of(lead) !== of(other));
    if (odd === undefined) return [];
    const text = `${lead.ref} has ${odd.of(lead)} ${odd.unit}, ${other.ref} has ${odd.of(other)}. ${odd.why}`;
    return [{ topic: odd.topic, weight: "stop", text, remedy: leave(other) }];
  });
}

type Tensors = ReadonlyMap<string, TensorInfo>;

/** Names without the number of their layer, which differs where layers are chosen by hand. */
function partsOf({ model, tensors }: Patient, sliced: boolean): Tensors {
  if (!sliced) return tensors;
  const parts = new Map<string, TensorInfo>();
  for (const tensor of tensors.values()) {
    const { layer, part } = model.family.place(tensor.name);
    parts.set(layer === null ? tensor.name : part, tensor);
  }
  return parts;
}

function tensorFindings(lead: Patient, others: readonly Patient[], wish: Wish): Finding[] {
  const ours = partsOf(lead, wish.sliced);
  return others.flatMap((other): Finding[] => {
    if (FIGURES.some(({ of }) => of(lead) !== null && of(other) !== null && of(lead) !== of(other))) return [];
    const theirs = partsOf(other, wish.sliced);
    // What only a deeper model has is a matter of depth, said elsewhere.
    const beyond = (patient: Patient, than: Patient, name: string) => {
      const { stack, layer } = patient.model.family.place(name);
      return stack !== null && layer !== null && layer >= (layersOf(than, stack) ?? Number.POSITIVE_INFINITY);
    };
    const missing = [...ours.keys()].filter(
      (name) => !theirs.has(name) && standIn(other.model, name) === null && !beyond(lead, other, name),
    );
    const extra = [...theirs.keys()].filter(
      (name) => !ours.has(name) && standIn(lead.model, name) === null && !beyond(other, lead, name),
    );
    return [...absent(lead, other, missing, extra), ...shapes(lead, other, ours, theirs, wish)];
  });
}

function absent(lead: Patient, other: Patient, missing: readonly string[], extra: readonly string[]): Finding[] {
  const said: Finding[] = [];
  const count = (names: readonly string[]) => (names.length === 1 ? "1 tensor" : `${names.length} tensors`);
  if (missing.length > 0) {
    const text = `${other.ref} lacks ${count(missing)} of ${lead.ref}: ${listed(missing)}. They are taken from a model that has them.`;
    said.push({ topic: "tensors", weight: "warn", text });
  }
  if (extra.length > 0) {
    const text = `${other.ref} has ${count(extra)} that ${lead.ref} lacks: ${listed(extra)}. They are copied into the result; check that it loads with them, or leave ${other.ref} out.`;
    said.push({ topic: "tensors", weight: "warn", text });
  }
  return said;
}

const equal = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((n, i) => n === b[i]);

function shapes(lead: Patient, other: Patient, ours: Tensors, theirs: Tensors, wish: Wish): Finding[] {
  const odd = [...ours].filter(([name, { shape }]) => {
    const there = theirs.get(name)?.shape ?? shape;
    if (equal(there, shape)) return false;
    // Rows of embeddings and heads are a matter of the vocabulary.
    const { kind } = lead.model.family.place(name);
    const isVocabulary = kind === "embedding" || kind === "head";
    return !isVocabulary || there.length !== shape.length || !equal(there.slice(1), shape.slice(1));
  });
  const [first] = odd;
  if (first === undefined) return [];
  const [name, { shape }] = first;
  const say = (dims: readonly number[] | undefined) => `[${(dims ?? []).join(", ")}]`;
  const more = odd.length === 1 ? "" : `, and ${odd.length - 1} more differ`;
  const text = `${name} is ${say(shape)} in ${lead.ref} and ${say(theirs.get(name)?.shape)} in ${other.ref}${more}.`;
  // Methods that keep to the base leave such tensors as the base has them.
  if (wish.rows === "base" && !wish.sliced && wish.base !== null)
    return [{ topic: "shapes", weight: "warn", text: `${text} There the base stays as it is.`, remedy: leave(other) }];
  return [
    { topic: "shapes", weight: "stop", text: `${text} Only tensors of one shape can be merged.`, remedy: leave(other) },
  ];
}
