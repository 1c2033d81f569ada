/** What the models read and write: vocabulary, tokenizer, tied embeddings, number types, positions. */
import { isOutput, TORCH_NAMES } from "../bytes/dtype.ts";
import type { RecipeDtype } from "../recipe/recipe.ts";
import { type Finding, listed, type Remedy } from "./finding.ts";
import type { Patient, Wish } from "./patient.ts";

export function wordFindings(lead: Patient, others: readonly Patient[], wish: Wish): Finding[] {
  const all = [lead, ...others];
  return [...vocabulary(lead, others, wish), ...tied(lead, others), ...dtypes(all, wish), ...rope(lead, others)];
}

/** "a and b have 8, c has 12" */
function grouped(patients: readonly Patient[], of: (patient: Patient) => string): string {
  const groups = new Map<string, string[]>();
  for (const one of patients) groups.set(of(one), [...(groups.get(of(one)) ?? []), one.ref]);
  return [...groups]
    .map(([value, refs]) => `${listed(refs)} ${refs.length === 1 ? "has" : "have"} ${value}`)
    .join(", ");
}

const allSame = <T>(values: readonly T[]) => new Set(values).size === 1;

function vocabulary(lead: Patient, others: readonly Patient[], wish: Wish): Finding[] {
  const all = [lead, ...others];
  const sizes = all.map(({ facts }) => facts.vocabulary).filter((size) => size !== null);
  const prints = all.map(({ facts }) => facts.tokenizer);
  const without = all.filter(({ facts }) => facts.tokenizer === null);
  if (wish.tokenizer !== null) {
    const whose =
      wish.tokenizer === "union" ? "the tokens of all" : `${wish.tokenizer === "base" ? lead.ref : wish.tokenizer}'s`;
    const text = `The result gets ${whose}, and rows of the embeddings are lined up by token.`;
    return [{ topic: "tokenizer", weight: "fine", text }];
  }
  const union: { remedy?: Remedy } =
    without.length > 0 || wish.sliced ? {} : { remedy: { kind: "tokenizer", source: "union" } };
  if (sizes.length > 1 && !allSame(sizes)) {
    const found = `Vocabularies differ: ${grouped(all, ({ facts }) => `${(facts.vocabulary ?? 0).toLocaleString("en")} tokens`)}.`;
    if (wish.sliced)
      return [
        {
          topic: "vocabulary",
          weight: "warn",
          text: `${found} The stack reads with the first slice's embeddings and writes with the last slice's head; take both from models of one vocabulary.`,
        },
      ];
    const advice =
      without.length > 0
        ? `${listed(without.map(({ ref }) => ref))} came without tokenizer.json, so rows cannot be lined up by token; add it beside the weights and open the model again.`
        : "Line the rows up by token, so that equal tokens meet.";
    const weight = without.length > 0 && wish.rows === "refuse" ? "stop" : "fix";
    return [{ topic: "vocabulary", weight, text: `${found} ${advice}`, ...union }];
  }
  if (all.every(({ model }) => model.family.wordless === true)) return [];
  if (prints.every((one) => one === null))
    return [
      {
        topic: "tokenizer",
        weight: "warn",
        text: "None has a tokenizer file, so nobody can say whether they share one.",
      },
    ];
  if (without.length > 0) {
    const text = `${listed(without.map(({ ref }) => ref))} came without a tokenizer file; rows of the embeddings are merged by number.`;
    return [{ topic: "tokenizer", weight: "warn", text }];
  }
  if (allSame(prints))
    return [
      {
        topic: "tokenizer",
        weight: "fine",
        text: all.length === 2 ? "Both share one tokenizer." : "They share one tokenizer.",
      },
    ];
  const text = `Tokenizer files differ, with equally many tokens: the result gets ${lead.ref}'s, and rows are merged by number. Lining them up by token is safer.`;
  return [{ topic: "tokenizer", weight: "warn", text, ...union }];
}

function tied(lead: Patient, others: readonly Patient[]): Finding[] {
  const odd = others.filter(
    ({ facts }) => facts.tied !== null && lead.facts.tied !== null && facts.tied !== lead.facts.tied,
  );
  if (odd.length === 0) return [];
  const [ties, not] = lead.facts.tied === true ? [[lead], odd] : [odd, [lead]];
  const names = (patients: readonly Patient[]) => listed(patients.map(({ ref }) => ref));
  const verb = ties.length === 1 ? "uses" : "use";
  const text = `${names(ties)} ${verb} the embeddings as head, ${names(not)} ${not.length === 1 ? "has" : "have"} a head apart. Where the head is merged, the embeddings stand in for the one that is missing.`;
  return [{ topic: "tied", weight: "warn", text }];
}

function dtypes(all: readonly Patient[], wish: Wish): Finding[] {
  const found = new Set(all.map(({ facts }) => facts.dtypes[0] ?? "no floats"));
  if (found.size < 2) return [];
  const said = `Stored as different types: ${grouped(all, ({ facts }) => facts.dtypes[0] ?? "no floats")}.`;
  if (wish.typed)
    return [
      { topic: "dtype", weight: "fine", text: `${said} Everything is computed in F32 and written as you chose.` },
    ];
  const [lead] = all;
  const first = lead?.facts.dtypes[0];
  const dtype = first !== undefined && isOutput(first) ? (TORCH_NAMES[first] as RecipeDtype) : "bfloat16";
  const text = `${said} Everything is computed in F32; choose what the result is written in.`;
  return [{ topic: "dtype", weight: "warn", text, remedy: { kind: "dtype", dtype } }];
}

function rope(lead: Patient, others: readonly Patient[]): Finding[] {
  return others.flatMap((other): Finding[] => {
    const [ours, theirs] = [lead.facts.ropeTheta, other.facts.ropeTheta];
    if (ours !== null && theirs !== null && ours !== theirs) {
      const text = `The RoPE base is ${ours.toLocaleString("en")} in ${lead.ref} and ${theirs.toLocaleString("en")} in ${other.ref}. The result turns positions as ${lead.ref} does, to which ${other.ref}'s attention is not used; expect trouble with long texts.`;
      return [{ topic: "rope", weight: "warn", text }];
    }
    if (lead.ropeScaling === other.ropeScaling) return [];
    const text = `${lead.ref} and ${other.ref} stretch positions differently (rope_scaling); the result does as ${lead.ref} does.`;
    return [{ topic: "rope", weight: "warn", text }];
  });
}
